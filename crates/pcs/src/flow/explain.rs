//! Which bank a payment would go to now, for an operator who asks before anybody pays: the decision that payments get, by this
//! process's own view of its banks. Nothing is sent or written.

use card::{Brand, Entry};
use payment::CaptureMethod;
use payment::routing::{Asked, Explanation, decide};
use types::{MerchantId, Money, PaymentId};

use super::reroute::FIRST_DIGITS;
use crate::{CommandError, Pcs};

/// Some payment, where none is named.
const SOME: PaymentId = PaymentId::from_u128(1);

/// A payment that nobody makes.
#[derive(Clone, Debug)]
pub struct RouteQuestion {
    /// Who would be paid.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Money,
    /// A sale or an authorization.
    pub capture_method: CaptureMethod,
    /// The first digits of the card number; what is beyond eight is not looked at.
    pub first_digits: String,
    /// The card's brand; none: what the digits say.
    pub brand: Option<Brand>,
    /// Decides where weights share the traffic.
    pub payment: Option<PaymentId>,
}

impl Pcs {
    /// Where a payment with a card that is not at a terminal would go now, and why.
    ///
    /// # Errors
    /// [`CommandError::Missing`] if there is no such merchant, [`CommandError::Unavailable`].
    pub async fn explain_route(&self, question: &RouteQuestion) -> Result<Explanation, CommandError> {
        let merchant = self.merchant_row(question.merchant).await?;
        let digits = &question.first_digits;
        let brand = question.brand.or_else(|| Brand::of_digits(digits.as_bytes()));
        let asked = Asked {
            payment: question.payment.unwrap_or(SOME),
            merchant: question.merchant,
            amount: question.amount,
            capture_method: question.capture_method,
            brand: brand.map_or("unknown", Brand::code),
            first_digits: digits.get(..FIRST_DIGITS).unwrap_or(digits),
        };
        let now = |name: &str| self.bank_now(name, Entry::default().mode);
        let decision = decide(&self.routing, &merchant.acquirers, &asked, now);
        Ok(decision.explain(&self.routing, &asked, now))
    }
}
