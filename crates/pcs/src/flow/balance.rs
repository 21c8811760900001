//! Balance inquiry: what a card has left. It moves nothing and is not recorded: there is nothing to undo, nothing to book,
//! and what a cardholder has is nobody's to keep.

use std::sync::Arc;

use payment::Decline;
use payment::routing::{self, NoRoute};
use types::{Currency, Money, PaymentMethodId, TerminalId};

use super::exchange::Place;
use super::given::Given;
use super::pin::must_check_pins;
use crate::bank::{Draft, Says, Transaction};
use crate::{Caller, CardInput, CommandError, Pcs};

/// A question about a card.
#[derive(Clone, Debug)]
pub struct BalanceQuestion {
    /// In which currency.
    pub currency: Currency,
    /// The stored card.
    pub payment_method: Option<PaymentMethodId>,
    /// A card given for this question only.
    pub card: Option<CardInput>,
    /// The terminal that the card is at.
    pub terminal: Option<TerminalId>,
}

/// What the bank says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Balance {
    /// What is available; negative when the card is overdrawn.
    Available {
        /// Minor units.
        minor: i64,
        /// In this currency.
        currency: Currency,
    },
    /// The bank refuses to say.
    Declined(Decline),
    /// No answer that can be believed, or none that says a balance.
    Unknown,
}

impl Pcs {
    /// Asks a card's bank what the card has left.
    ///
    /// # Errors
    /// [`CommandError`]; [`CommandError::Invalid`] where no bank of the merchant can be asked this.
    pub async fn balance_of(
        self: &Arc<Self>,
        caller: &Caller,
        question: BalanceQuestion,
    ) -> Result<Balance, CommandError> {
        let _place = self.place().await?;
        let merchant = self.payable_merchant(caller.merchant).await?;
        let given = match (question.payment_method, question.card) {
            (Some(id), _) => Given::stored(self.usable_method(caller.merchant, id, None).await?),
            (None, Some(card)) => {
                self.given_card(&merchant, card, question.terminal, self.clock.now()).await?
            }
            (None, None) => {
                let rule = "is required".to_owned();
                return Err(CommandError::Invalid { field: "payment_method", rule });
            }
        };
        let currency = question.currency;
        let asks = |bank: &str| {
            let bank = self.banks.get(bank);
            bank.is_some_and(|bank| bank.is_up() && bank.profile().offers(Transaction::BalanceInquiry))
        };
        let entry = given.entry;
        let place = match &given.terminal {
            Some(at) if !asks(&at.bank) => return Err(NoRoute::Unreachable.into()),
            Some(at) => {
                let (bank, terminal, acceptor) = (&at.bank, &at.number, &at.acceptor);
                Place { bank, terminal, acceptor, entry, offline: None }
            }
            None => {
                let brand = &given.method.card.brand;
                let contract = routing::route(&merchant.acquirers, currency, brand, asks)?;
                Place {
                    bank: &contract.bank,
                    terminal: &contract.terminal,
                    acceptor: &contract.acceptor,
                    entry,
                    offline: None,
                }
            }
        };
        let transaction = Transaction::BalanceInquiry;
        let exchange = self.new_exchange(transaction, place).await?;
        let bank = self.bank(place.bank)?;
        if entry.pin {
            must_check_pins(bank, transaction)?;
        }
        let amount = Money::zero(currency);
        let draft = Draft { transaction, amount, exchange: &exchange, original: None, reason: None };
        let fields = bank.message(&draft)?;
        let card = match given.card {
            Some(card) => card,
            None => self.open_card(&given.method)?,
        };
        let heard = bank.ask(transaction, &fields, &card).await;
        Ok(match heard.says {
            Says::Approved { .. } => {
                let amounts = heard.received.as_ref().and_then(|fields| fields.get(54)).unwrap_or_default();
                available(amounts, currency)
                    .map_or(Balance::Unknown, |minor| Balance::Available { minor, currency })
            }
            Says::Declined(decline) | Says::NotNow(decline) => Balance::Declined(decline),
            Says::Silent | Says::NeverLeft => Balance::Unknown,
        })
    }
}

/// The available balance among additional amounts (DE 54), each of twenty characters: account type (2), amount type (2,
/// `02` available, `01` ledger), currency (3), sign (`C` or `D`), amount (12).
fn available(amounts: &str, currency: Currency) -> Option<i64> {
    let of_currency = format!("{:03}", currency.numeric());
    let mut ledger = None;
    for group in amounts.as_bytes().chunks_exact(20) {
        let group = std::str::from_utf8(group).ok()?;
        if group.get(4..7)? != of_currency {
            continue;
        }
        let minor: i64 = group.get(8..20)?.parse().ok()?;
        let minor = if group.get(7..8)? == "D" { -minor } else { minor };
        match group.get(2..4)? {
            "02" => return Some(minor),
            "01" => ledger = Some(minor),
            _ => {}
        }
    }
    ledger
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_amount_is_taken_before_the_ledgers_and_a_debt_is_negative() {
        let of = |text| available(text, Currency::EUR);
        assert_eq!(of("0001978C0000000010000002978C000000000900"), Some(900));
        assert_eq!(of("0001978D000000001000"), Some(-1_000));
        assert_eq!(of("0002156C000000001000"), None, "another currency");
        for text in ["", "0002978C00000000100", "0002978C00000000100x"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
