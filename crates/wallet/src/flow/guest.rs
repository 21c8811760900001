//! Guest: a card is typed in and paid with. No passkey; the evidence says that the wallet server alone stands for it.
//!
//! | step | what                                                                                  |
//! |------|---------------------------------------------------------------------------------------|
//! | 1    | the form is for the payment that the session waits for                                   |
//! | 2    | OI is checked against the page, PI is sealed to the PCS: from here on nobody here sees it |
//! | 3    | LINK is signed as witness and sent                                                       |
//! | 4    | if the shopper asked for it and the card paid, it is kept and a passkey is offered         |

use card::{Expiry, Pan, SecurityCode};
use order::{Evidence, Instrument};
use types::Secret;

use crate::error::WalletError;
use crate::server::{Wallet, order_of};
use crate::wire::{Outcome, PaymentResult, Session};

/// A card as its holder typed it. Wiped on drop.
pub struct GuestCard {
    /// The number.
    pub pan: Pan,
    /// The last month.
    pub expiry: Expiry,
    /// The security code.
    pub security_code: SecurityCode,
}

/// What came of it.
#[derive(Debug)]
pub struct GuestPayment {
    /// The payment.
    pub result: PaymentResult,
    /// Lets the shopper's browser make a passkey for the card ([`super::enrol`]).
    pub offer: Option<String>,
}

impl Wallet {
    /// Pays with a card that was typed in. `keep` is the shopper's wish to pay with it again.
    ///
    /// # Errors
    /// [`WalletError`]; only when [`WalletError::may_have_paid`] can something have been paid.
    pub async fn pay_as_guest(
        &self,
        session: &Session,
        form_token: &str,
        card: &GuestCard,
        keep: bool,
    ) -> Result<GuestPayment, WalletError> {
        // Step 1.
        self.must_be_current(session, form_token)?;

        // Step 2.
        let order = order_of(session)?;
        let recipient = self.recipient(session)?;
        let instrument = card.instrument(Some(&card.security_code));
        let prepared = order::prepare(&order, instrument, &recipient, self.now(), &*self.entropy)?;

        // Step 3.
        let result = self.instruct(session, form_token, prepared, Evidence::Guest {}).await?;

        // Step 4. A payment that stands is not undone by a card that could not be kept.
        let paid = matches!(result.outcome, Outcome::Paid | Outcome::Authorized);
        let offer = if keep && paid {
            match self.offer(session, form_token, &order, card, &recipient).await {
                Ok(ticket) => Some(ticket),
                Err(error) => {
                    tracing::warn!(payment = %result.payment, %error, "A card was not kept");
                    None
                }
            }
        } else {
            None
        };
        Ok(GuestPayment { result, offer })
    }
}

impl GuestCard {
    /// The card as a payment instruction holds it.
    pub(crate) fn instrument(&self, security_code: Option<&SecurityCode>) -> Instrument {
        Instrument::Card {
            pan: Secret::from(self.pan.expose()),
            expiry: Secret::new(format!("{:04}-{:02}", self.expiry.year(), self.expiry.month())),
            security_code: security_code.map(|code| Secret::from(code.expose())),
        }
    }
}
