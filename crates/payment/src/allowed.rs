//! What may be asked of a payment, and for how much.

use types::Timestamp;

use crate::{Money64, Payment, State};

impl Payment {
    /// Minor units that a capture may still take.
    pub const fn capturable(&self) -> Money64 {
        match self.state {
            State::Authorized => self.authorized,
            _ => 0,
        }
    }

    /// Minor units that refunds may still give back: captured, less refunded, less promised.
    pub const fn refundable(&self) -> Money64 {
        match self.state {
            State::Captured => {
                self.captured.saturating_sub(self.refunded).saturating_sub(self.refund_pending)
            }
            _ => 0,
        }
    }

    /// What a merchant may ask for now. [`State::allowed_actions`] says what the state alone allows; a captured payment
    /// also has to have something left to refund, and a void is in time only on the day of the capture.
    pub fn allowed_actions(&self, now: Timestamp) -> &'static [&'static str] {
        match self.state {
            State::Captured => match (self.refundable() > 0, self.is_sale_voidable(now)) {
                (true, true) => &["refund", "void"],
                (true, false) => &["refund"],
                (false, true) => &["void"],
                (false, false) => &[],
            },
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::Authorizing
            | State::Consuming
            | State::Authorized
            | State::Capturing { .. }
            | State::Incrementing { .. }
            | State::Voiding { .. }
            | State::Reversing { .. }
            | State::Failed
            | State::Canceled { .. } => self.state.allowed_actions(),
        }
    }

    /// Banks take a sale back only whole and before they settle it. Their day is not ours: the bank has the last word,
    /// and its refusal leaves the payment as it stands.
    pub(crate) fn is_sale_voidable(&self, now: Timestamp) -> bool {
        let day = |at: Timestamp| (at.utc().year, at.utc().day_of_year);
        self.captured_at.is_some_and(|at| day(at) == day(now))
            && self.refunded == 0
            && self.refund_pending == 0
    }
}
