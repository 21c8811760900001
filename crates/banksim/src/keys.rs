//! The bank's side of the keys: fresh working keys under the terminal master key, their check values, and MACs.
//! Written apart from the gateway's, so that each is tested against the other.

use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use hostlink::{KeyField, KeyUsage, MacAlgorithm, WrappedKey};
use types::{Entropy, Secret};

/// The working keys of one connection.
#[derive(Clone, Debug)]
pub(crate) struct WorkingKeys {
    mac: Secret<Vec<u8>>,
    pin: Option<Secret<Vec<u8>>>,
    algorithm: MacAlgorithm,
}

/// The working keys of a connection, and those before them: a message that was under way when they changed has a MAC by
/// the old ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionKeys {
    pub current: Option<WorkingKeys>,
    previous: Option<WorkingKeys>,
}

impl ConnectionKeys {
    pub fn replace(&mut self, fresh: WorkingKeys) {
        self.previous = self.current.replace(fresh);
    }

    /// The keys by which a message with this MAC was made.
    pub fn of(&self, input: &[u8], mac: [u8; 8]) -> Option<&WorkingKeys> {
        [&self.current, &self.previous].into_iter().flatten().find(|keys| keys.mac(input) == mac)
    }
}

impl WorkingKeys {
    /// Makes fresh keys, and their form under the master key.
    pub fn fresh(
        tmk: &Secret<[u8; 16]>,
        form: &KeyField,
        algorithm: MacAlgorithm,
        entropy: &dyn Entropy,
    ) -> (Self, Vec<WrappedKey>) {
        let (mut mac, mut pin) = (Vec::new(), None);
        let mut wrapped = Vec::with_capacity(form.layout.len());
        for &(usage, bytes, check_bytes) in &form.layout {
            let key = random_key(bytes, entropy);
            wrapped.push(WrappedKey {
                usage,
                bytes: wrap(tmk, &key).into(),
                check_value: check_value(&key)[..check_bytes].to_vec(),
            });
            match usage {
                KeyUsage::Mac => mac = key,
                KeyUsage::Pin => pin = Some(Secret::new(key)),
                KeyUsage::Track => {}
            }
        }
        (Self { mac: Secret::new(mac), pin, algorithm }, wrapped)
    }

    /// The digits of the PIN in a block of format 0, 1 or 3 (ISO 9564-1), if it is one under the PIN key. They are a test
    /// card's.
    pub fn open_pin(&self, block: &[u8], pan: &str) -> Option<String> {
        let key: [u8; 16] = self.pin.as_ref()?.expose().as_slice().try_into().ok()?;
        let mut block = <[u8; 8]>::try_from(block).ok()?.into();
        TdesEde2::new(&key.into()).decrypt_block(&mut block);
        let opened = <[u8; 8]>::from(block);
        let control = opened[0] >> 4;
        let plain = match control {
            0 | 3 => xor(opened, pan_block(pan)?),
            1 => opened,
            _ => return None,
        };
        let text = hex(plain);
        let count = usize::from(plain[0] & 15);
        let (pin, fill) = text.get(2..)?.split_at_checked(count)?;
        let is_fill = |digit: &u8| match control {
            0 => *digit == b'F',
            3 => digit.is_ascii_uppercase(),
            _ => true,
        };
        let is_pin = (4..=12).contains(&count) && pin.iter().all(u8::is_ascii_digit);
        let is_block = is_pin && fill.iter().all(is_fill);
        is_block.then(|| pin.iter().map(|&digit| char::from(digit)).collect())
    }

    /// The MAC of a message's bytes.
    pub fn mac(&self, input: &[u8]) -> [u8; 8] {
        match self.algorithm {
            MacAlgorithm::X9_9 => cbc_mac(&first_half(self.mac.expose()), input),
            MacAlgorithm::X9_19 => retail_mac(self.mac.expose(), input),
            MacAlgorithm::CupsEcb => cups_ecb_mac(self.mac.expose(), input),
            // Refused when the bank starts.
            MacAlgorithm::AesCmac => [0; 8],
        }
    }
}

/// Whether this bank can compute MACs of this kind with keys of this form.
pub(crate) fn supports(algorithm: MacAlgorithm, form: Option<&KeyField>) -> bool {
    let key_bytes = form.and_then(|form| form.layout.iter().find(|(usage, _, _)| *usage == KeyUsage::Mac));
    match (algorithm, key_bytes) {
        (MacAlgorithm::X9_19, Some((_, 16, _))) => true,
        (MacAlgorithm::X9_9 | MacAlgorithm::CupsEcb, Some((_, 8 | 16, _))) => true,
        (MacAlgorithm::X9_19 | MacAlgorithm::X9_9 | MacAlgorithm::CupsEcb | MacAlgorithm::AesCmac, _) => {
            false
        }
    }
}

fn random_key(bytes: usize, entropy: &dyn Entropy) -> Vec<u8> {
    let mut key = vec![0; bytes];
    entropy.fill(&mut key);
    for byte in &mut key {
        // DES keys have an odd number of ones in every byte.
        *byte = (*byte & 0xfe) | u8::from((*byte & 0xfe).count_ones().is_multiple_of(2));
    }
    key
}

fn first_half(key: &[u8]) -> [u8; 8] {
    std::array::from_fn(|index| key[index])
}

fn second_half(key: &[u8]) -> [u8; 8] {
    std::array::from_fn(|index| key[key.len() - 8 + index])
}

/// One block under a single- or double-length key.
fn encipher(key: &[u8], block: [u8; 8]) -> [u8; 8] {
    let mut block = block.into();
    match <[u8; 16]>::try_from(key) {
        Ok(double) => TdesEde2::new(&double.into()).encrypt_block(&mut block),
        Err(_) => Des::new(&first_half(key).into()).encrypt_block(&mut block),
    }
    block.into()
}

fn wrap(tmk: &Secret<[u8; 16]>, key: &[u8]) -> Vec<u8> {
    let blocks = key.as_chunks::<8>().0.iter();
    blocks.flat_map(|block| encipher(tmk.expose(), *block)).collect()
}

fn check_value(key: &[u8]) -> [u8; 8] {
    encipher(key, [0; 8])
}

/// Two zero bytes, and the twelve digits of the card number before its check digit.
fn pan_block(pan: &str) -> Option<[u8; 8]> {
    let digits = pan.get(pan.len().checked_sub(13)?..pan.len() - 1)?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    Some(number.to_be_bytes())
}

/// The input in blocks of eight, the last filled with zeros (ISO/IEC 9797-1 padding method 1).
fn blocks(input: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    input.chunks(8).map(|chunk| std::array::from_fn(|index| chunk.get(index).copied().unwrap_or(0)))
}

fn xor(a: [u8; 8], b: [u8; 8]) -> [u8; 8] {
    std::array::from_fn(|index| a[index] ^ b[index])
}

fn cbc_mac(key: &[u8; 8], input: &[u8]) -> [u8; 8] {
    // The key schedule costs more than a block, so there is one for all of them.
    let cipher = Des::new(&(*key).into());
    blocks(input).fold([0; 8], |chained, block| {
        let mut block = xor(chained, block).into();
        cipher.encrypt_block(&mut block);
        block.into()
    })
}

/// ISO/IEC 9797-1 algorithm 3.
fn retail_mac(key: &[u8], input: &[u8]) -> [u8; 8] {
    let chained = cbc_mac(&first_half(key), input);
    let mut block = chained.into();
    Des::new(&second_half(key).into()).decrypt_block(&mut block);
    encipher(&first_half(key), block.into())
}

/// The UnionPay POS MAC: eight upper-case hexadecimal characters.
fn cups_ecb_mac(key: &[u8], input: &[u8]) -> [u8; 8] {
    let folded = hex(blocks(input).fold([0; 8], xor));
    let enciphered = encipher(key, first_half(&folded));
    first_half(&hex(encipher(key, xor(enciphered, second_half(&folded)))))
}

fn hex(block: [u8; 8]) -> [u8; 16] {
    std::array::from_fn(|index| {
        let nibble = if index % 2 == 0 { block[index / 2] >> 4 } else { block[index / 2] & 15 };
        b"0123456789ABCDEF"[usize::from(nibble)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAB: &str =
        "08200020000000C0001000004230303030303030313030303030303030303030303030310011000000013010";
    const SINGLE: &str = "0123456789ABCDEF";
    const DOUBLE: &str = "0123456789ABCDEFFEDCBA9876543210";

    fn bytes(text: &str) -> Vec<u8> {
        iso8583::parse_hex(text).unwrap()
    }

    /// Computed with the Python library psec 1.3.0 and, for the POS MAC, by hand from its public description.
    #[test]
    fn macs_are_those_of_another_implementation() {
        let input = bytes(MAB);
        assert_eq!(&cups_ecb_mac(&bytes(SINGLE), &input), b"55024D72");
        assert_eq!(&cups_ecb_mac(&bytes(DOUBLE), &input), b"D49610FC");
        assert_eq!(cbc_mac(&first_half(&bytes(SINGLE)), &input).to_vec(), bytes("400A423D88859D55"));
        assert_eq!(retail_mac(&bytes(DOUBLE), &input).to_vec(), bytes("713FCD5951C7FF23"));
    }

    /// Computed with pyca/cryptography.
    #[test]
    fn a_pin_is_that_of_another_implementation() {
        let keys = WorkingKeys {
            mac: Secret::new(Vec::new()),
            pin: Some(Secret::new(bytes("C8A2B5D9F2610BE3D94683A7161FCE57"))),
            algorithm: MacAlgorithm::X9_19,
        };
        let open = |block, pan| keys.open_pin(&bytes(block), pan);
        for block in ["461B58D6D9982A64", "0775358342EEE300", "FAA2105670DB5820"] {
            assert_eq!(open(block, "4242424242424242").as_deref(), Some("1234"), "{block}");
        }
        assert_eq!(open("768972B98B8F8B34", "4242424242424242").as_deref(), Some("4321"));
        assert_eq!(open("461B58D6D9982A64", "5555555555554444"), None, "another card's");
        assert_eq!(open("461B58D6D9982A65", "4242424242424242"), None);
    }

    #[test]
    fn a_fresh_key_has_odd_parity_and_unwraps_to_itself() {
        struct Counting;
        impl Entropy for Counting {
            fn fill(&self, out: &mut [u8]) {
                out.iter_mut().enumerate().for_each(|(index, byte)| *byte = (index as u8).wrapping_mul(37));
            }
        }
        let tmk = Secret::new(*b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10");
        let form = KeyField { field: 62, layout: vec![(KeyUsage::Mac, 16, 4)] };
        let (keys, wrapped) = WorkingKeys::fresh(&tmk, &form, MacAlgorithm::X9_19, &Counting);
        assert!(keys.mac.expose().iter().all(|byte| byte.count_ones() % 2 == 1));
        let mut unwrapped = Vec::new();
        for chunk in wrapped[0].bytes.as_chunks::<8>().0 {
            let mut block = (*chunk).into();
            TdesEde2::new(&(*tmk.expose()).into()).decrypt_block(&mut block);
            unwrapped.extend_from_slice(&<[u8; 8]>::from(block));
        }
        assert_eq!(&unwrapped, keys.mac.expose());
    }
}
