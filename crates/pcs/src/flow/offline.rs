//! A sale that a chip approved at its terminal. It has happened, so the bank is told of it until it has acknowledged it; what the chip
//! said is sealed with what is still to be done, and is gone with it.
//!
//! | step | crate           | leaves behind                                                                      |
//! |------|-----------------|------------------------------------------------------------------------------------|
//! | 1    | payment, card   | nothing: whether this merchant may, and whether the chip says so                   |
//! | 2    | store, commit 1 | the payment, the advice without its card, the to-do with the sealed chip data      |
//! | 3    | hostlink        | the bank's acknowledgement, its refusal, or its silence                            |
//! | 4    | store, commit 2 | paid, and the to-do with the chip data gone; or still to be told, and it is kept   |
//!
//! Steps 2 to 4 are those of every first message (`exchange.rs`, `conclude.rs`); `pursue.rs` tells it again.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use card::chip_data::of_offline_sale;
use card::{EntryMode, OfflineApproval};
use hostlink::CardPresent;
use payment::{OfflineTerms, Payment, offline};
use serde::{Deserialize, Serialize};
use types::{Money, Timestamp};
use vault::{Purpose, Record};
use zeroize::Zeroizing;

use crate::bank::{Bank, SecretCard, Transaction};
use crate::command::{CardInput, NewPayment};
use crate::task::Message;
use crate::{CommandError, Pcs};

/// What a chip said, sealed by the vault for one payment; base64. It stands in a task and nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SealedChipData(String);

impl fmt::Debug for SealedChipData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed chip data]")
    }
}

/// Step 1: whether a request for an offline sale is one, and the card as it goes to the bank, the first time and every time.
pub(crate) fn checked(
    terms: Option<OfflineTerms>,
    new: &mut NewPayment,
    now: Timestamp,
) -> Result<(), CommandError> {
    let Some(approval) = &new.offline else { return Ok(()) };
    offline::check(terms, (new.amount, new.capture_method), approval, now).map_err(|why| {
        use offline::OfflineError as E;
        let field = match why {
            E::NotAllowed => "offline",
            E::NotASale => "capture_method",
            E::AboveFloor { .. } => "amount",
            E::OtherCurrency { .. } => "currency",
            E::InFuture | E::TooOld { .. } => "offline/approved_at",
        };
        invalid(field, why.to_string())
    })?;
    if !new.confirm {
        return Err(invalid("confirm", "must be true beside offline: the sale has happened"));
    }
    let Some(card) = &mut new.card else {
        return Err(invalid(
            "payment_method_data",
            "is required beside offline: what the chip said goes to the bank",
        ));
    };
    prove(card, new.amount)
}

/// Only the chip's own word counts, and nothing that must not be kept comes with it.
fn prove(card: &mut CardInput, amount: Money) -> Result<(), CommandError> {
    if !matches!(card.entry.mode, EntryMode::Chip | EntryMode::Contactless) {
        let rule = "must be chip or contactless beside offline: only a chip approves by itself";
        return Err(invalid("payment_method_data/entry_mode", rule));
    }
    if card.pin.is_some() {
        let rule = "must not be sent beside offline: the chip has checked it, and no bank is asked";
        return Err(invalid("payment_method_data/pin", rule));
    }
    if card.security_code.is_some() {
        return Err(invalid("payment_method_data/security_code", "must not be sent beside offline"));
    }
    let present = card.present.as_mut();
    if present.as_ref().is_some_and(|present| present.track2.is_some()) {
        let rule = "must not be sent beside offline: number, exp_month and exp_year say which card it is";
        return Err(invalid("payment_method_data/track2", rule));
    }
    let chip_data = present.and_then(|present| present.chip_data.as_mut());
    let Some(chip_data) = chip_data else {
        return Err(invalid("payment_method_data/chip_data", "is required beside offline"));
    };
    *chip_data = of_offline_sale(chip_data, &card.pan, amount)
        .map_err(|why| invalid("payment_method_data/chip_data", why.to_string()))?;
    Ok(())
}

/// Whether a bank takes offline sales.
pub(crate) fn must_take(bank: &Bank) -> Result<(), CommandError> {
    if bank.profile().offers(Transaction::OfflineSale) {
        Ok(())
    } else {
        Err(invalid("offline", format!("the bank {} takes no offline sales", bank.name())))
    }
}

fn invalid(field: &'static str, rule: impl Into<String>) -> CommandError {
    CommandError::Invalid { field, rule: rule.into() }
}

impl Pcs {
    /// Seals what of a chip outlives its first message: nothing, unless it approved the sale itself.
    pub(crate) fn seal_chip_data(
        &self,
        payment: &Payment,
        (offline, card): (Option<&OfflineApproval>, &SecretCard),
    ) -> Result<Option<SealedChipData>, CommandError> {
        let present = card.present.as_ref().filter(|_| offline.is_some());
        let Some((present, chip_data)) = present.and_then(|it| Some((it, it.chip_data.as_ref()?))) else {
            return Ok(None);
        };
        let sequence_number = present.sequence_number.as_deref().unwrap_or_default();
        let mut plain = Zeroizing::new(Vec::with_capacity(1 + sequence_number.len() + chip_data.len()));
        plain.push(sequence_number.len() as u8);
        plain.extend_from_slice(sequence_number.as_bytes());
        plain.extend_from_slice(chip_data);
        let sealed = self
            .vault
            .seal_bytes(Purpose::ChipData, record(payment), &plain)
            .map_err(|error| CommandError::Internal(Box::new(error)))?;
        Ok(Some(SealedChipData(STANDARD.encode(sealed))))
    }

    /// The card of a payment for a message that is sent again, with what its chip said where that is kept.
    pub(crate) async fn card_for(
        &self,
        payment: &Payment,
        message: &Message,
    ) -> Result<SecretCard, CommandError> {
        let card = self.card_of(payment).await?;
        let Some(SealedChipData(sealed)) = &message.chip_data else { return Ok(card) };
        let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| CommandError::Internal(error);
        let sealed = STANDARD.decode(sealed).map_err(|error| unreadable(error.into()))?;
        let plain = self
            .vault
            .open_bytes(Purpose::ChipData, record(payment), &sealed)
            .map_err(|error| unreadable(error.into()))?;
        let (sequence_number, chip_data) =
            parts(plain.expose()).ok_or_else(|| unreadable("what was sealed is not chip data".into()))?;
        let present = CardPresent {
            track2: None,
            sequence_number,
            chip_data: Some(Zeroizing::new(chip_data.to_vec())),
            pin: None,
        };
        Ok(SecretCard { present: Some(present), ..card })
    }
}

/// It opens for this payment and no other.
fn record(payment: &Payment) -> Record {
    Record::of(payment.merchant.to_u128(), payment.id.to_u128())
}

fn parts(plain: &[u8]) -> Option<(Option<String>, &[u8])> {
    let (&digits, rest) = plain.split_first()?;
    let (sequence_number, chip_data) = rest.split_at_checked(usize::from(digits))?;
    let sequence_number = std::str::from_utf8(sequence_number).ok()?;
    Some(((!sequence_number.is_empty()).then(|| sequence_number.to_owned()), chip_data))
}
