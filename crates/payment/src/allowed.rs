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

    /// What a merchant may ask for, whatever the day is: what the state allows and the payment's bank offers.
    pub fn actions(&self) -> Vec<&'static str> {
        let offers = self.original.as_ref().map(|original| original.offers).unwrap_or_default();
        let is_offered = |action: &&str| match *action {
            "increment" => offers.increment,
            "adjust" => offers.adjust && self.is_untouched_sale(),
            _ => true,
        };
        self.state.allowed_actions().iter().copied().filter(is_offered).collect()
    }

    /// What a merchant may ask for now. A captured payment also has to have something left to refund, and a void or an
    /// adjustment is in time only on the day of the capture.
    pub fn allowed_actions(&self, now: Timestamp) -> Vec<&'static str> {
        let is_in_time = |action: &&str| match (self.state, *action) {
            (State::Captured, "refund") => self.refundable() > 0,
            (State::Captured, "void") => self.is_sale_voidable(now),
            (State::Captured, "adjust") => self.is_sale_adjustable(now),
            _ => true,
        };
        self.actions().into_iter().filter(is_in_time).collect()
    }

    /// A sale that was one message, and of which nothing was given back.
    const fn is_untouched_sale(&self) -> bool {
        self.completion.is_none() && self.refunded == 0 && self.refund_pending == 0
    }

    /// Banks adjust a sale while its batch is open, as they void it.
    pub(crate) fn is_sale_adjustable(&self, now: Timestamp) -> bool {
        self.is_untouched_sale() && self.is_sale_voidable(now)
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
