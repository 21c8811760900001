//! The state machine: one pure, exhaustive function. No setter, no `_` arm on a state: a new state or event does not
//! compile until someone has decided about it.
//!
//! The table is here; what each of its lines does is in the room of its transaction.

mod adjust;
mod advise;
mod capture;
mod increment;
mod original;
mod outcome;
mod reversal;
mod void;

use types::{AttemptId, Timestamp};

use self::outcome::{Outcome, to};
use crate::{Change, Decline, Event, Payment, Refused, State, Undo};

impl Payment {
    /// Applies an event. The change carries the payment one version on, and everything to commit with it.
    ///
    /// What a bank says is better taken by [`Payment::hear`].
    ///
    /// # Errors
    /// [`Refused`]: the event does not fit; nothing changes.
    pub fn step(&self, event: Event, now: Timestamp) -> Result<Change, Refused> {
        self.clone().into_step(event, now)
    }

    /// [`Payment::step`] for who needs the payment as it was no more.
    ///
    /// # Errors
    /// [`Refused`]: the event does not fit.
    pub fn into_step(mut self, event: Event, now: Timestamp) -> Result<Change, Refused> {
        self.version += 1;
        let outcome = self.decide(event, now)?;
        self.state = outcome.state;
        if !self.state.in_doubt() {
            self.needs_operator = None;
        }
        Ok(Change { payment: self, entry: outcome.entry, notices: outcome.notices, stats: outcome.stats })
    }

    /// Applies what became of the message `of`, or of its reversal: the bank's answer, its silence, or that it never
    /// left. A payment may ask its bank twice for the same thing, one try after another; with several processes at work,
    /// an answer to the first try can come when the second is on its way, and must not be taken for the second's.
    ///
    /// # Errors
    /// [`Refused`]: the payment waits for no answer, or for the answer to another message; nothing changes.
    pub fn hear(&self, of: AttemptId, event: Event, now: Timestamp) -> Result<Change, Refused> {
        match self.awaited() {
            Some(exchange) if exchange.attempt == of => self.step(event, now),
            Some(_) => {
                Err(Refused::InvalidState { state: self.state, event: "take an answer to another message" })
            }
            None => Err(Refused::InvalidState { state: self.state, event: event.name() }),
        }
    }

    fn decide(&mut self, event: Event, now: Timestamp) -> Result<Outcome, Refused> {
        use Event as E;
        use State as S;
        let asked = self.state;
        match (asked, event) {
            // Before any bank is asked.
            (S::RequiresPaymentMethod | S::RequiresConfirmation, E::MethodAttached { method, card }) => {
                Ok(self.attached(method, card))
            }
            (S::RequiresConfirmation, E::Confirmed { exchange, evidence }) => {
                Ok(self.confirmed(exchange, evidence))
            }
            (
                S::RequiresPaymentMethod | S::RequiresConfirmation,
                E::VoidRequested { why, exchange: None },
            ) => Ok(void::abandoned(why)),

            // The authorization or sale.
            (S::Authorizing | S::Consuming, E::Approved { approval, flagged }) => {
                self.original_approved(approval, flagged, now)
            }
            (S::Authorizing | S::Consuming, E::Declined(decline)) => Ok(self.original_declined(decline, now)),
            // Silence isn't a decline: the bank may hold the money, so its effect is undone explicitly.
            (S::Authorizing | S::Consuming, E::Silent { .. }) => {
                Ok(outcome::reversing(Undo::Original, false))
            }
            (S::Authorizing | S::Consuming, E::NeverLeft) => Ok(self.original_never_left()),
            // No bank knows of it, so another may be asked; what may have left waits for its reversal instead.
            (S::Authorizing | S::Consuming, E::Rerouted { exchange }) => Ok(self.rerouted(exchange)),

            // An offline sale has happened: it is told until it is acknowledged, whatever the dialect does with other silences.
            (S::Advising { in_doubt }, E::Approved { approval, flagged }) => {
                self.advice_acknowledged(in_doubt, approval, flagged, now)
            }
            (S::Advising { in_doubt }, E::Declined(decline)) => {
                Ok(self.advice_refused(in_doubt, decline, now))
            }
            (S::Advising { in_doubt }, E::Silent { .. } | E::NeverLeft) => Ok(advise::still_told(in_doubt)),
            (S::Advising { in_doubt: true }, E::GivenUp(decline)) => Ok(self.given_up(decline)),

            // The completion of an authorization.
            (S::Authorized, E::CaptureRequested { amount, exchange }) => {
                self.capture_requested(amount, exchange)
            }
            (S::Capturing { amount, in_doubt }, E::Approved { approval, flagged }) => {
                self.capture_approved((amount, in_doubt), approval, flagged, now)
            }
            (S::Capturing { in_doubt, .. }, E::Declined(decline)) => {
                Ok(self.capture_declined(in_doubt, decline, now))
            }
            (S::Capturing { amount, in_doubt }, E::Silent { repeat }) => {
                Ok(capture::silent(amount, in_doubt, repeat))
            }
            (S::Capturing { amount, in_doubt }, E::NeverLeft) => {
                Ok(self.capture_never_left(amount, in_doubt))
            }

            // More is held.
            (S::Authorized, E::IncrementRequested { amount, exchange }) => {
                self.increment_requested(amount, exchange)
            }
            (S::Incrementing { amount }, E::Approved { approval, flagged }) => {
                self.increment_approved(amount, approval, flagged, now)
            }
            (S::Incrementing { .. }, E::Declined(decline)) => Ok(self.increment_declined(decline, now)),
            (S::Incrementing { amount }, E::Silent { .. }) => {
                Ok(outcome::reversing(Undo::Increment { amount }, false))
            }
            (S::Incrementing { .. }, E::NeverLeft) => {
                Ok(self.stands(S::Authorized, Decline::never_left(), false))
            }

            // A sale comes to another amount.
            (S::Captured, E::AdjustRequested { to, exchange }) => self.adjust_requested(to, exchange, now),
            (S::Adjusting { to, in_doubt }, E::Approved { approval, flagged }) => {
                self.adjust_approved((to, in_doubt), approval, flagged, now)
            }
            (S::Adjusting { in_doubt, .. }, E::Declined(decline)) => {
                Ok(self.adjust_declined(in_doubt, decline, now))
            }
            (S::Adjusting { to, in_doubt }, E::Silent { repeat }) => Ok(adjust::silent(to, in_doubt, repeat)),
            (S::Adjusting { to, in_doubt }, E::NeverLeft) => Ok(self.adjust_never_left(to, in_doubt)),

            // The cancel of a hold, or the void of a sale.
            (S::Authorized, E::VoidRequested { why, exchange: Some(exchange) }) => {
                Ok(self.void_of_hold_requested(why, exchange))
            }
            (S::Captured, E::VoidRequested { why, exchange: Some(exchange) }) => {
                self.void_of_sale_requested(why, exchange, now)
            }
            (S::Voiding { of, why }, E::Approved { approval, flagged }) => {
                self.void_approved((of, why), approval, flagged, now)
            }
            (S::Voiding { of, why }, E::Declined(decline)) => self.void_declined((of, why), decline, now),
            (S::Voiding { of, why }, E::Silent { .. }) => {
                Ok(outcome::reversing(Undo::Void { of, why }, false))
            }
            (S::Voiding { of, .. }, E::NeverLeft) => Ok(self.void_never_left(of)),

            // A reversal is on its way. A late answer to what it undoes doesn't revive anything.
            (S::Reversing { undo }, E::ReversalAccepted) => Ok(self.reversed(undo)),
            (S::Reversing { undo }, E::Approved { approval, .. }) => {
                Ok(self.approved_too_late(undo, approval, now))
            }
            // People have asked the bank. What stands there has to stand here, or the books are wrong.
            (S::Reversing { undo }, E::Stands { approval }) => self.stands_after_all(undo, approval, now),
            (
                S::Reversing { .. }
                | S::Advising { in_doubt: true }
                | S::Capturing { in_doubt: true, .. }
                | S::Adjusting { in_doubt: true, .. },
                E::Stuck { why },
            ) => {
                self.needs_operator = Some(why);
                Ok(to(asked))
            }
            (S::Reversing { .. }, E::Declined(_) | E::Silent { .. } | E::NeverLeft) => Ok(to(asked)),

            // Everything else is refused, each state and each event by its name.
            (
                S::RequiresPaymentMethod
                | S::RequiresConfirmation
                | S::Authorizing
                | S::Consuming
                | S::Advising { .. }
                | S::Authorized
                | S::Capturing { .. }
                | S::Incrementing { .. }
                | S::Captured
                | S::Adjusting { .. }
                | S::Voiding { .. }
                | S::Reversing { .. }
                | S::Failed
                | S::Canceled { .. },
                event @ (E::MethodAttached { .. }
                | E::Confirmed { .. }
                | E::Approved { .. }
                | E::Declined(_)
                | E::Silent { .. }
                | E::NeverLeft
                | E::Rerouted { .. }
                | E::ReversalAccepted
                | E::Stands { .. }
                | E::GivenUp(_)
                | E::Stuck { .. }
                | E::CaptureRequested { .. }
                | E::IncrementRequested { .. }
                | E::AdjustRequested { .. }
                | E::VoidRequested { .. }),
            ) => Err(Refused::InvalidState { state: asked, event: event.name() }),
        }
    }
}
