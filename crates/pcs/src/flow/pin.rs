//! A PIN that was entered at a terminal: whether it can be one of that terminal's. The block itself stays as it came, until
//! the link that sends it has the vault translate it.

use std::sync::Arc;

use card::EncryptedPin;
use hostlink::{PinField, PinKeyBlock};
use vault::{KeyFamily, PinBlockFormat, PinKeyKind, SerialNumber};

use crate::CommandError;
use crate::bank::{Bank, Transaction};
use crate::hash::hex;
use crate::model::{PinKey, Terminal};

const PIN: &str = "payment_method_data/pin";
const FORMAT: &str = "payment_method_data/pin/format";
const BLOCK: &str = "payment_method_data/pin/block";
const KSN: &str = "payment_method_data/pin/ksn";

/// The PIN with its terminal's key. The terminal takes over the counter that came with it, so that the same PIN cannot come
/// again once this payment is recorded.
pub(crate) fn pin_at(terminal: &mut Terminal, sent: EncryptedPin) -> Result<PinField, CommandError> {
    let Some(key) = &mut terminal.pin_key else {
        return Err(flaw(PIN, "must not be sent: the operator has given this terminal no PIN key"));
    };
    if PinBlockFormat::from(sent.format).family() != key.cipher {
        let rule = match key.cipher {
            KeyFamily::TripleDes => {
                "must be iso_0, iso_1 or iso_3: the PIN key of this terminal is Triple DES"
            }
            KeyFamily::Aes => "must be iso_4: the PIN key of this terminal is AES",
        };
        return Err(flaw(FORMAT, rule));
    }
    let bytes = sent.format.block_bytes();
    if sent.block.len() != bytes {
        return Err(flaw(BLOCK, &format!("must be {} hexadecimal digits in this format", bytes * 2)));
    }
    take_serial(key, sent.ksn.as_deref())?;
    let block = PinKeyBlock {
        merchant: terminal.merchant.to_u128(),
        terminal: terminal.id.to_u128(),
        block: key.block.clone(),
        key_version: key.key_version,
    };
    Ok(PinField { sent, key: Arc::new(block) })
}

/// Whether the key serial number is the terminal's, and later than those before it.
fn take_serial(key: &mut PinKey, ksn: Option<&[u8]>) -> Result<(), CommandError> {
    let ksn = match (key.kind, ksn) {
        (PinKeyKind::Tpk, None) => return Ok(()),
        (PinKeyKind::Tpk, Some(_)) => {
            return Err(flaw(KSN, "must not be sent: the PIN key of this terminal is a TPK"));
        }
        (PinKeyKind::Bdk, None) => return Err(flaw(KSN, "is required: this terminal is a DUKPT terminal")),
        (PinKeyKind::Bdk, Some(ksn)) => ksn,
    };
    let serial =
        SerialNumber::read(key.cipher, ksn).map_err(|error| flaw(KSN, &format!("is none: {error}")))?;
    if key.device.as_deref() != Some(hex(&serial.device).as_str()) {
        return Err(flaw(KSN, "must be of this terminal: its key set and device are another's"));
    }
    if key.counter.is_some_and(|latest| serial.counter <= latest) {
        return Err(flaw(
            KSN,
            "must be later than that of the terminal's payment before: each is for one PIN",
        ));
    }
    key.counter = Some(serial.counter);
    Ok(())
}

/// Whether a bank checks PINs.
pub(crate) fn must_check_pins(bank: &Bank, transaction: Transaction) -> Result<(), CommandError> {
    if bank.profile().takes_pin(transaction) {
        Ok(())
    } else {
        Err(flaw(PIN, &format!("must not be sent: {} checks none here", bank.name())))
    }
}

pub(crate) fn flaw(field: &'static str, rule: &str) -> CommandError {
    CommandError::Invalid { field, rule: rule.to_owned() }
}
