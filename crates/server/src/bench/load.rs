//! The load: so many connections, each with one request in flight. HTTP/1.1 by hand on TLS, so that it takes little of the cores
//! that it shares with what it measures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use types::Entropy as _;
use vault::SystemEntropy;

use crate::cli::BenchLoadArgs;
use crate::fault::{Fault, Tried as _};

/// Prints one line of JSON.
pub async fn run(args: BenchLoadArgs) -> Result<(), Fault> {
    let text = std::fs::read_to_string(&args.merchants).tried("cannot read the merchants")?;
    let merchants: Vec<Value> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().tried("merchants")?;
    let (merchants, connector) = (Arc::new(merchants), connector(&args)?);
    let until = Instant::now() + Duration::from_millis(args.milliseconds);
    let mut lanes = JoinSet::new();
    let started = Instant::now();
    for lane in 0..args.in_flight {
        lanes.spawn(drive(args.port, connector.clone(), Arc::clone(&merchants), lane, until));
    }
    let (mut latencies, mut refused) = (Vec::new(), 0u64);
    while let Some(lane) = lanes.join_next().await {
        let (times, not) = lane.tried("a connection's task")?.tried("a connection")?;
        latencies.extend(times);
        refused += not;
    }
    let seconds = started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| {
        let place = ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
        latencies.get(place).map(|micros| f64::from(*micros) / 1_000.0)
    };
    println!(
        "{}",
        json!({
            "answered": latencies.len(), "refused": refused, "per_s": latencies.len() as f64 / seconds,
            "p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999),
        })
    );
    Ok(())
}

fn connector(args: &BenchLoadArgs) -> Result<TlsConnector, Fault> {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(&args.tls_certificate).tried("the TLS certificate")?;
    roots.add(certificate).tried("the TLS certificate")?;
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// One connection. Microseconds of each payment that was made, and how many were refused.
async fn drive(
    port: u16,
    connector: TlsConnector,
    merchants: Arc<Vec<Value>>,
    lane: usize,
    until: Instant,
) -> std::io::Result<(Vec<u32>, u64)> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
    let mut stream = connector.connect(name, stream).await?;
    let run = SystemEntropy.u128();
    let (mut latencies, mut refused, mut buffer) = (Vec::new(), 0, Vec::new());
    for number in 0u64.. {
        if Instant::now() >= until {
            break;
        }
        let merchant = &merchants[(lane + number as usize * 31) % merchants.len()];
        let request = request(merchant, &format!("{run:032x}-{number}"));
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        match answer(&mut stream, &mut buffer).await? {
            201 => latencies.push(sent.elapsed().as_micros().min(u128::from(u32::MAX)) as u32),
            _ => refused += 1,
        }
    }
    Ok((latencies, refused))
}

fn request(merchant: &Value, key: &str) -> String {
    let (secret, method) = (&merchant["secret_key"], &merchant["payment_methods"][0]);
    let (secret, method) = (secret.as_str().unwrap_or_default(), method.as_str().unwrap_or_default());
    let body =
        format!(r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "payment_method": "{method}"}}"#);
    format!(
        "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one whole answer and returns its status.
async fn answer(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> std::io::Result<u16> {
    buffer.clear();
    loop {
        if let Some((status, length)) = head(buffer)
            && buffer.len() >= length
        {
            return Ok(status);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Status, and length of head and body together, once the head is there.
fn head(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, end + length.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_however_it_comes() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello".to_vec();
        assert_eq!(head(&whole), Some((201, whole.len())));
        assert_eq!(head(&whole[..20]), None);
        let mut buffer = Vec::new();
        assert_eq!(answer(&mut &whole[..], &mut buffer).await.unwrap(), 201);
        assert!(answer(&mut &whole[..30], &mut buffer).await.is_err());
    }
}
