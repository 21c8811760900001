//! Where a webhook may go. A merchant chooses the address, so it must not lead into the gateway's own network
//! (server-side request forgery): names are resolved first, every address is judged, and only judged ones are connected.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why an address is refused, in words that follow its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read.
    NotAUrl,
    /// Plain text, where that is not allowed.
    NotHttps,
    /// It carries a user name, a password or a fragment.
    Extras,
    /// It leads to a network that is not the public Internet.
    PrivateNetwork,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::NotAUrl => "must be an absolute URL such as https://shop.example/webhooks",
            Refused::NotHttps => "must be an https URL",
            Refused::Extras => "must not contain a user name, a password or a fragment",
            Refused::PrivateNetwork => "must lead to the public Internet, not to a private or reserved address",
        })
    }
}

impl std::error::Error for Refused {}

/// Judges an address as it is written; names are judged again whenever they are resolved.
///
/// # Errors
/// [`Refused`].
pub fn check_url(text: &str, allow_private: bool) -> Result<Url, Refused> {
    let url = Url::parse(text).map_err(|_| Refused::NotAUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => return Err(Refused::NotHttps),
        _ => return Err(Refused::NotAUrl),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Refused::Extras);
    }
    // The parser has already turned 0x7f.1 and 2130706433 into dotted form.
    let host = url.host_str().ok_or(Refused::NotAUrl)?.trim_matches(['[', ']']);
    let local_name = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    let private = host.parse::<IpAddr>().map_or(local_name, |address| !is_public(address));
    if private && !allow_private { Err(Refused::PrivateNetwork) } else { Ok(url) }
}

/// Whether an address is on the public Internet. Source: IANA special-purpose address registries (RFC 6890, RFC 8190).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let number = u32::from(address);
    #[rustfmt::skip]
    const RESERVED: &[([u8; 4], u32)] = &[
        ([0, 0, 0, 0], 8),        // this network
        ([10, 0, 0, 0], 8),       // private
        ([100, 64, 0, 0], 10),    // shared, carrier-grade NAT
        ([127, 0, 0, 0], 8),      // loopback
        ([169, 254, 0, 0], 16),   // link-local, cloud metadata
        ([172, 16, 0, 0], 12),    // private
        ([192, 0, 0, 0], 24),     // IETF protocol assignments
        ([192, 0, 2, 0], 24),     // documentation
        ([192, 88, 99, 0], 24),   // 6to4 relay anycast
        ([192, 168, 0, 0], 16),   // private
        ([198, 18, 0, 0], 15),    // benchmarking
        ([198, 51, 100, 0], 24),  // documentation
        ([203, 0, 113, 0], 24),   // documentation
        ([224, 0, 0, 0], 4),      // multicast
        ([240, 0, 0, 0], 4),      // reserved, broadcast
    ];
    !RESERVED.iter().any(|(network, bits)| (number ^ u32::from_be_bytes(*network)) >> (32 - bits) == 0)
}

/// Global unicast is 2000::/3; within it, what tunnels or documents is not the public Internet either.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let number = u128::from(address);
    let within = |network: u128, bits: u32| (number ^ network) >> (128 - bits) == 0;
    within(0x2000 << 112, 3)
        && !within(0x2001 << 112, 23) // IETF protocol assignments, Teredo
        && !within(0x2001_0db8 << 96, 32) // documentation
        && !within(0x2002 << 112, 16) // 6to4: an IPv4 address inside
        && !within(0x3fff << 112, 20) // documentation
}

/// Resolves names for the courier and keeps only the addresses that it may connect to. As the connection is made to
/// these very addresses, a name that changes its mind in between (DNS rebinding) gains nothing.
pub(super) struct GuardedResolver {
    pub allow_private: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Refused::PrivateNetwork.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for public in ["1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.0.1", "198.20.0.1", "2606:4700::1111", "240e::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1",
            "172.31.255.255", "192.0.0.8", "192.168.1.1", "198.19.255.255", "203.0.113.9", "224.0.0.1", "255.255.255.255",
            "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
            "64:ff9b::a00:1", "2001:db8::1", "2002:a00:1::", "2001::1", "3fff::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn an_address_in_disguise_is_refused_too() {
        for url in [
            "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/",
            "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://localhost/", "https://a.LOCALHOST/", "https://169.254.169.254/latest",
        ] {
            assert_eq!(check_url(url, false).err(), Some(Refused::PrivateNetwork), "{url}");
            assert!(check_url(url, true).is_ok(), "{url}");
        }
        assert_eq!(check_url("http://shop.example/", false).err(), Some(Refused::NotHttps));
        assert_eq!(check_url("ftp://shop.example/", true).err(), Some(Refused::NotAUrl));
        assert_eq!(check_url("https://u:p@shop.example/", false).err(), Some(Refused::Extras));
        assert!(check_url("https://shop.example:8443/webhooks?x=1", false).is_ok());
    }
}
