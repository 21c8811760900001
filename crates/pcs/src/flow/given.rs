//! What a payment is paid with, and who consented to it.

use card::{Entry, EntryMode, OfflineApproval};
use payment::Evidence;
use types::{TerminalId, Timestamp};

use super::pin;
use crate::bank::SecretCard;
use crate::command::CardInput;
use crate::model::{Merchant, PaymentMethod, PaymentMethodStatus, Terminal};
use crate::{CommandError, Pcs};

/// What a payment is paid with.
pub(crate) struct Given {
    pub method: PaymentMethod,
    /// The card in clear; none for a stored one that nobody has opened yet.
    pub card: Option<SecretCard>,
    /// How its data was entered.
    pub entry: Entry,
    pub evidence: Evidence,
    /// The terminal that the card is at.
    pub terminal: Option<Terminal>,
    /// What its terminal says, where a chip has approved it there.
    pub offline: Option<OfflineApproval>,
    /// Its token does not exist yet: it comes into being with the payment.
    pub is_new: bool,
}

impl Given {
    /// A card that is stored; the merchant answers for the consent.
    pub fn stored(method: PaymentMethod) -> Self {
        let evidence = Evidence::MerchantInitiated;
        let entry = Entry::default();
        Self { method, card: None, entry, evidence, terminal: None, offline: None, is_new: false }
    }
}

impl Pcs {
    /// A card that a merchant gives for one payment, and that was used at some time.
    pub(crate) async fn given_card(
        &self,
        merchant: &Merchant,
        input: CardInput,
        terminal: Option<TerminalId>,
        at: Timestamp,
    ) -> Result<Given, CommandError> {
        if !merchant.sends_card_data {
            let rule = "this merchant may not send card data; use a checkout, or a stored card".to_owned();
            return Err(CommandError::Invalid { field: "payment_method_data", rule });
        }
        let mode = input.entry.mode;
        let (mut terminal, evidence) = match (terminal, mode.is_card_present()) {
            (Some(id), true) => {
                let terminal = self.usable_terminal(merchant.id, id).await?;
                let evidence = Evidence::Terminal { terminal: terminal.id };
                (Some(terminal), evidence)
            }
            (None, false) if mode == EntryMode::Moto => (None, Evidence::MailOrTelephone),
            (None, false) => (None, Evidence::MerchantInitiated),
            (None, true) => {
                let rule = format!("is required for a card that was entered by {}", mode.name());
                return Err(CommandError::Invalid { field: "terminal", rule });
            }
            (Some(_), false) => {
                let rule = format!("has nothing to do with a card that was entered by {}", mode.name());
                return Err(CommandError::Invalid { field: "terminal", rule });
            }
        };
        if input.expiry.is_past(at) {
            return Err(CommandError::CardExpired);
        }
        let single = PaymentMethodStatus::SingleUse;
        let method = self.seal_card(&input.pan, input.expiry, Some(merchant.id), None, single)?;
        let CardInput { mut entry, pan, expiry, security_code, mut present, pin } = input;
        if let Some(pin) = pin {
            let Some((terminal, present)) = terminal.as_mut().zip(present.as_mut()) else {
                return Err(pin::flaw("payment_method_data/pin", "must not be sent: there is no terminal"));
            };
            present.pin = Some(pin::pin_at(terminal, pin)?);
            entry.pin = true;
        }
        let card = Some(SecretCard { pan, expiry, security_code, present });
        Ok(Given { method, card, entry, evidence, terminal, offline: None, is_new: true })
    }
}
