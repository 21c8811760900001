//! The PIN key of a terminal: it comes in a key block, under a key that both the operator and whoever loads terminals hold, and
//! is kept in another one, which only the vault opens.

use types::{MerchantId, TerminalId};
use vault::{PinKeyKind, Record, SerialNumber, TerminalPinKey};

use crate::hash::hex;
use crate::model::{Actor, PinKey, Terminal};
use crate::resource::Resource as _;
use crate::{CommandError, Pcs};

/// A PIN key for a terminal.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPinKey {
    /// Whose terminal it is.
    pub merchant: MerchantId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The key block (TR-31, ANSI X9.143): usage P0 for a terminal PIN key, B0 for the base key of a DUKPT terminal.
    pub key_block: String,
    /// A key serial number of a DUKPT terminal, with whatever counter.
    pub ksn: Option<Vec<u8>>,
}

impl Pcs {
    /// Gives a terminal a PIN key; one that it had is forgotten. A DUKPT terminal that gets its key again goes on counting.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Invalid`] for a key that cannot be taken.
    pub async fn set_pin_key(&self, new: NewPinKey) -> Result<Terminal, CommandError> {
        let NewPinKey { merchant, terminal: id, key_block, ksn } = new;
        let invalid = |field, rule: String| CommandError::Invalid { field, rule };
        let Some(protection) = &self.pin_key_protection else {
            let rule = "cannot be opened: the gateway's configuration names no pin_key_protection_key_file";
            return Err(invalid("key_block", rule.to_owned()));
        };
        let missing = || CommandError::Missing { kind: "terminal", id: id.to_string() };
        let mut terminal = self.terminal(merchant, id).await?.ok_or_else(missing)?;
        let refused = |error: vault::KeyBlockError| invalid("key_block", format!("is refused: {error}"));
        let key = TerminalPinKey::import(protection, &key_block).map_err(refused)?;
        let (kind, cipher) = (key.kind(), key.family());
        let device = match (kind, ksn) {
            (PinKeyKind::Tpk, None) => None,
            (PinKeyKind::Tpk, Some(_)) => {
                return Err(invalid("ksn", "must not be sent: the key is a TPK".to_owned()));
            }
            (PinKeyKind::Bdk, None) => {
                let rule = "is required: with it the gateway knows the PINs of this terminal";
                return Err(invalid("ksn", rule.to_owned()));
            }
            (PinKeyKind::Bdk, Some(ksn)) => {
                let device = SerialNumber::device(cipher, &ksn);
                Some(hex(&device.map_err(|error| invalid("ksn", format!("is none: {error}")))?))
            }
        };
        let check_value = key.check_value().map_err(|error| CommandError::Internal(Box::new(error)))?;
        let check_value = hex(&check_value).to_uppercase();
        let kept = self.vault.keep_pin_key(key, Record::of(terminal.owner(), terminal.number()));
        let kept = kept.map_err(|error| CommandError::Internal(Box::new(error)))?;
        // The same key once more, for the same device: the PINs that it has sent stay used up.
        let is_same =
            |old: &PinKey| old.check_value == check_value && old.device == device && old.cipher == cipher;
        let counter = terminal.pin_key.filter(is_same).and_then(|old| old.counter);
        let now = self.clock.now();
        let note = format!("terminal {id} has a new PIN key with check value {check_value}");
        terminal.version += 1;
        terminal.pin_key = Some(PinKey {
            kind,
            cipher,
            check_value,
            device,
            counter,
            block: kept.block,
            key_version: kept.key_version,
            since: now,
        });
        let mut unit = self.unit(merchant, now);
        self.add_setup(&mut unit, &terminal, Actor::Gateway, note)?;
        self.commit(unit).await?;
        Ok(terminal)
    }
}
