//! One registry of id kinds. An id is a TypeID: a prefix, `_`, and a UUIDv7 in 26 letters of Crockford's base 32
//! (TypeID specification 0.3). Ids made later sort later, so a list by id is a list by time.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Entropy, Timestamp};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LEN: usize = 26;
/// The longest prefix, and `_`.
const MOST_PREFIX: usize = 8;

/// What each letter stands for; 32 for one that stands for nothing.
const DIGITS: [u8; 256] = {
    let mut digits = [32; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// What an id names.
pub trait Kind: 'static {
    /// The prefix before `_`.
    const PREFIX: &'static str;
}

/// A typed id; one kind cannot be passed where another is meant.
pub struct Id<K>(u128, PhantomData<fn() -> K>);

macro_rules! id {
    ($(#[$doc:meta])* $alias:ident, $kind:ident, $prefix:literal) => {
        const _: () = assert!($prefix.len() < MOST_PREFIX);
        #[doc = concat!("The kind of `", $prefix, "_…` ids.")]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    };
}

id!(/// A merchant.
    MerchantId, MerchantKind, "mer");
id!(/// A customer of a merchant.
    CustomerId, CustomerKind, "cus");
id!(/// A stored card, as its merchant may name it.
    PaymentMethodId, PaymentMethodKind, "pm");
id!(/// A payment.
    PaymentId, PaymentKind, "pay");
id!(/// One try at a bank within a payment.
    AttemptId, AttemptKind, "att");
id!(/// A refund.
    RefundId, RefundKind, "ref");
id!(/// A hosted checkout.
    CheckoutSessionId, CheckoutSessionKind, "cs");
id!(/// A merchant's webhook address.
    WebhookEndpointId, WebhookEndpointKind, "we");
id!(/// Something that happened, as told to merchants.
    EventId, EventKind, "evt");
id!(/// One event on its way to one endpoint.
    DeliveryId, DeliveryKind, "dlv");
id!(/// A shopper's wallet: passkeys and the cards that they may use.
    WalletId, WalletKind, "wal");
id!(/// A merchant's card terminal.
    TerminalId, TerminalKind, "ter");
id!(/// A batch's totals, as we and its bank have compared them.
    ReconciliationId, ReconciliationKind, "rcn");
id!(/// A set of a bank's parameters, as it was fetched.
    ParametersId, ParametersKind, "par");
id!(/// One HTTP request.
    RequestId, RequestKind, "req");

impl<K> Id<K> {
    /// The id with this number.
    pub const fn from_u128(number: u128) -> Self {
        Self(number, PhantomData)
    }

    /// The id's 128-bit number.
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// A new UUIDv7 (RFC 9562 section 5.7): 48 bits of `now` in milliseconds, 74 random bits.
    pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let time = (now.ms().max(0) as u128 & 0xffff_ffff_ffff) << 80;
        let random = entropy.u128() & 0x0fff_3fff_ffff_ffff_ffff;
        Self::from_u128(time | 0x7000_8000_0000_0000_0000 | random)
    }

    /// The id as text, without the detour over a formatter: a payment is told with twenty of them.
    fn text(self) -> IdText
    where
        K: Kind,
    {
        let mut bytes = [0; MOST_PREFIX + SUFFIX_LEN];
        let prefix = K::PREFIX.as_bytes();
        bytes[..prefix.len()].copy_from_slice(prefix);
        bytes[prefix.len()] = b'_';
        let len = prefix.len() + 1 + SUFFIX_LEN;
        let mut rest = self.0;
        for place in bytes[prefix.len() + 1..len].iter_mut().rev() {
            *place = ALPHABET[(rest & 31) as usize];
            rest >>= 5;
        }
        IdText { bytes, len }
    }

    /// When the id was made, by its first 48 bits.
    pub const fn made_at(self) -> Timestamp {
        Timestamp::from_ms((self.0 >> 80) as i64)
    }
}

struct IdText {
    bytes: [u8; MOST_PREFIX + SUFFIX_LEN],
    len: usize,
}

impl IdText {
    fn as_str(&self) -> &str {
        // Prefix and alphabet are ASCII.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ and 26 letters or digits")]
pub struct IdError {
    /// The prefix that was wanted.
    pub prefix: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = IdError { prefix: K::PREFIX };
        let suffix = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(wrong)?;
        // 26 places hold 130 bits; the first may only use three of its five, or the number would overflow.
        if suffix.len() != SUFFIX_LEN || suffix.as_bytes()[0] > b'7' {
            return Err(wrong);
        }
        let mut number = 0u128;
        for letter in suffix.bytes() {
            let digit = DIGITS[usize::from(letter)];
            if digit == 32 {
                return Err(wrong);
            }
            number = number << 5 | u128::from(digit);
        }
        Ok(Self::from_u128(number))
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn an_id_is_a_version_7_uuid_that_knows_when_it_was_made() {
        let now = Timestamp::from_ms(1_796_113_800_007);
        let id = PaymentId::new(now, &Fixed(0xff));
        assert_eq!(id.to_u128() >> 76 & 0xf, 7);
        assert_eq!(id.to_u128() >> 62 & 0x3, 0b10);
        assert_eq!(id.made_at(), now);
    }

    /// The specification's own example: `prefix_01h455vb4pex5vsknk084sn02q` is 01890a5d-ac96-774b-bcce-b302099a8057.
    #[test]
    fn the_text_form_is_that_of_the_typeid_specification() {
        let id = PaymentId::from_u128(0x01890a5d_ac96_774b_bcce_b302099a8057);
        assert_eq!(id.to_string(), "pay_01h455vb4pex5vsknk084sn02q");
    }

    #[test]
    fn what_is_not_an_id_of_the_kind_is_refused() {
        for text in [
            "",
            "pay_",
            "ref_01h455vb4pex5vsknk084sn02q",
            "pay_81h455vb4pex5vsknk084sn02q",
            "pay_01H455VB4PEX5VSKNK084SN02Q",
            "pay_01h455vb4pex5vsknk084sn02qq",
        ] {
            assert_eq!(text.parse::<PaymentId>(), Err(IdError { prefix: "pay" }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_id_reads_back(number: u128) {
            let id = RefundId::from_u128(number);
            prop_assert_eq!(id.to_string().parse::<RefundId>(), Ok(id));
        }
    }
}
