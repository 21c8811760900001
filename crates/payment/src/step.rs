//! The state machine: one pure, exhaustive function. No setter, no `_` arm on a state: a new state or event does not
//! compile until someone has decided about it.

use ledger::Entry;
use types::{Money, MoneyError, PaymentMethodId, Timestamp};

use crate::payment::{
    Approval, CancellationReason, CaptureMethod, CardSummary, Change, Decline, Evidence, Exchange, Money64,
    Notice, Payment, Stat, Statistic,
};
use crate::state::{Held, State, Undo, VoidReason};
use crate::{OrderTerms, postings};

/// Something that happened, or that somebody with the right to ask has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A card was chosen.
    MethodAttached {
        /// The stored card.
        method: PaymentMethodId,
        /// What may be shown of it.
        card: CardSummary,
    },
    /// Somebody consented; the message in `exchange` is about to be recorded and sent.
    Confirmed {
        /// The 0100 or 0200.
        exchange: Exchange,
        /// Who consented.
        evidence: Evidence,
    },
    /// The bank said yes to what was last sent.
    Approved {
        /// Its yes.
        approval: Approval,
        /// "Defective success": approved, reconcile first.
        flagged: bool,
    },
    /// The bank said no to what was last sent.
    Declined(Decline),
    /// What was last sent may have left, and no answer can be believed.
    Silent {
        /// The dialect repeats this message instead of reversing it.
        repeat: bool,
    },
    /// What was last sent surely never left.
    NeverLeft,
    /// The bank acknowledged the reversal, or knows nothing to reverse.
    ReversalAccepted,
    /// The merchant captures.
    CaptureRequested {
        /// Minor units.
        amount: Money64,
        /// The completion.
        exchange: Exchange,
    },
    /// The merchant, or time, voids.
    VoidRequested {
        /// Why.
        why: VoidReason,
        /// The cancel or void; none when no bank has been asked yet.
        exchange: Option<Exchange>,
    },
}

impl Event {
    const fn name(&self) -> &'static str {
        match self {
            Event::MethodAttached { .. } => "attach a payment method",
            Event::Confirmed { .. } => "confirm",
            Event::Approved { .. } => "take the bank's approval",
            Event::Declined(_) => "take the bank's decline",
            Event::Silent { .. } => "take the bank's silence",
            Event::NeverLeft => "take back a message",
            Event::ReversalAccepted => "take a reversal's acknowledgement",
            Event::CaptureRequested { .. } => "capture",
            Event::VoidRequested { .. } => "void",
        }
    }
}

/// Why an event cannot be applied. Nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state does not allow it.
    #[error("cannot {event} while the payment is in state {state:?}")]
    InvalidState {
        /// The state.
        state: State,
        /// What was tried.
        event: &'static str,
    },
    /// More than what is held.
    #[error("the capture exceeds the {capturable} minor units that can still be captured")]
    ExceedsCapturable {
        /// Minor units that can be captured.
        capturable: Money64,
    },
    /// More than what is left to refund.
    #[error("the refund exceeds the {refundable} minor units that can still be refunded")]
    ExceedsRefundable {
        /// Minor units that can be refunded.
        refundable: Money64,
    },
    /// Zero.
    #[error("the amount must be at least one minor unit")]
    ZeroAmount,
    /// A void comes too late: the sale was captured on another day, or part of it was refunded.
    #[error(
        "a captured payment can be voided only on the day of its capture and before any refund; refund it instead"
    )]
    TooLateToVoid,
    /// An amount went out of range. Nothing was changed.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The entry would not balance: our mistake, stopped before it was recorded.
    #[error(transparent)]
    Ledger(#[from] ledger::EntryError),
}

struct Outcome {
    state: State,
    entry: Option<Entry>,
    notices: Vec<Notice>,
    stats: Vec<Stat>,
}

fn to(state: State) -> Outcome {
    Outcome { state, entry: None, notices: Vec::new(), stats: Vec::new() }
}

impl Outcome {
    fn entry(mut self, entry: Entry) -> Self {
        self.entry = Some(entry);
        self
    }
    fn notices(mut self, notices: &[Notice]) -> Self {
        self.notices.extend_from_slice(notices);
        self
    }
    fn stat(mut self, statistic: Statistic, amount: Money64) -> Self {
        self.stats.push(Stat { statistic, count: 1, amount: amount as i64 });
        self
    }
}

impl Payment {
    /// A new payment, before any bank is asked.
    ///
    /// # Errors
    /// [`Refused::ZeroAmount`].
    pub fn create(
        id: types::PaymentId,
        merchant: types::MerchantId,
        terms: OrderTerms,
        now: Timestamp,
    ) -> Result<Change, Refused> {
        if terms.amount.is_zero() {
            return Err(Refused::ZeroAmount);
        }
        let payment = Payment {
            id,
            merchant,
            version: 1,
            created: now,
            terms,
            state: State::RequiresPaymentMethod,
            customer: None,
            payment_method: None,
            card: None,
            checkout_session: None,
            evidence: None,
            authorized: 0,
            captured: 0,
            captured_at: None,
            fee: 0,
            refunded: 0,
            refund_pending: 0,
            original: None,
            completion: None,
            void: None,
            decline: None,
            flagged: false,
        };
        Ok(Change { payment, entry: None, notices: vec![Notice::Created], stats: Vec::new() })
    }

    /// Applies an event. The change carries the payment one version on, and everything to commit with it.
    ///
    /// # Errors
    /// [`Refused`]: the event does not fit; nothing changes.
    pub fn step(&self, event: Event, now: Timestamp) -> Result<Change, Refused> {
        let mut next = self.clone();
        next.version += 1;
        let outcome = next.decide(event, now)?;
        next.state = outcome.state;
        Ok(Change { payment: next, entry: outcome.entry, notices: outcome.notices, stats: outcome.stats })
    }

    fn decide(&mut self, event: Event, now: Timestamp) -> Result<Outcome, Refused> {
        let invalid = Refused::InvalidState { state: self.state, event: event.name() };
        match self.state {
            State::RequiresPaymentMethod => match event {
                Event::MethodAttached { method, card } => {
                    self.attach(method, card);
                    Ok(to(State::RequiresConfirmation))
                }
                Event::VoidRequested { why, .. } => Ok(abandoned(why)),
                Event::Confirmed { .. }
                | Event::Approved { .. }
                | Event::Declined(_)
                | Event::Silent { .. }
                | Event::NeverLeft
                | Event::ReversalAccepted
                | Event::CaptureRequested { .. } => Err(invalid),
            },
            State::RequiresConfirmation => match event {
                Event::MethodAttached { method, card } => {
                    self.attach(method, card);
                    Ok(to(State::RequiresConfirmation))
                }
                Event::Confirmed { exchange, evidence } => {
                    self.original = Some(exchange);
                    self.evidence = Some(evidence);
                    Ok(to(match self.terms.capture_method {
                        CaptureMethod::Automatic => State::Consuming,
                        CaptureMethod::Manual => State::Authorizing,
                    }))
                }
                Event::VoidRequested { why, .. } => Ok(abandoned(why)),
                Event::Approved { .. }
                | Event::Declined(_)
                | Event::Silent { .. }
                | Event::NeverLeft
                | Event::ReversalAccepted
                | Event::CaptureRequested { .. } => Err(invalid),
            },
            State::Authorizing | State::Consuming => match event {
                Event::Approved { approval, flagged } => self.original_approved(approval, flagged, now),
                Event::Declined(decline) => {
                    answered(&mut self.original, decline.network_code.clone(), now);
                    Ok(self.failed(decline))
                }
                // Silence isn't a decline: the bank may hold the money, so its effect is undone explicitly.
                Event::Silent { .. } => {
                    Ok(to(State::Reversing { undo: Undo::Original }).notices(&[Notice::InDoubt]))
                }
                Event::NeverLeft => Ok(self.failed(Decline {
                    code: "host_unavailable".to_owned(),
                    network_code: None,
                    advice: "try_again_later".to_owned(),
                })),
                Event::MethodAttached { .. }
                | Event::Confirmed { .. }
                | Event::ReversalAccepted
                | Event::CaptureRequested { .. }
                | Event::VoidRequested { .. } => Err(invalid),
            },
            State::Authorized => match event {
                Event::CaptureRequested { amount, exchange } => self.capture_requested(amount, exchange),
                Event::VoidRequested { why, exchange } => {
                    self.void = exchange;
                    Ok(to(State::Voiding { of: Held::Hold, why }))
                }
                // A late answer to something that is settled already: heard, and of no effect.
                Event::MethodAttached { .. }
                | Event::Confirmed { .. }
                | Event::Approved { .. }
                | Event::Declined(_)
                | Event::Silent { .. }
                | Event::NeverLeft
                | Event::ReversalAccepted => Err(invalid),
            },
            State::Capturing { amount, in_doubt } => match event {
                Event::Approved { approval, flagged } => {
                    self.capture_approved(amount, in_doubt, approval, flagged, now)
                }
                Event::Declined(decline) => {
                    answered(&mut self.completion, decline.network_code.clone(), now);
                    Ok(self.stands(State::Authorized, decline, in_doubt))
                }
                Event::Silent { repeat: true } => {
                    let told: &[Notice] = if in_doubt { &[] } else { &[Notice::InDoubt] };
                    Ok(to(State::Capturing { amount, in_doubt: true }).notices(told))
                }
                Event::Silent { repeat: false } => Ok(to(State::Reversing {
                    undo: Undo::Capture { amount },
                })
                .notices(if in_doubt { &[] } else { &[Notice::InDoubt] })),
                // The first try surely never left: the hold stands. A repeat that never left changes nothing.
                Event::NeverLeft if !in_doubt => Ok(to(State::Authorized).notices(&[Notice::ActionFailed])),
                Event::NeverLeft => Ok(to(State::Capturing { amount, in_doubt })),
                Event::MethodAttached { .. }
                | Event::Confirmed { .. }
                | Event::ReversalAccepted
                | Event::CaptureRequested { .. }
                | Event::VoidRequested { .. } => Err(invalid),
            },
            State::Captured => match event {
                Event::VoidRequested { why, exchange } => self.void_of_sale_requested(why, exchange, now),
                Event::MethodAttached { .. }
                | Event::Confirmed { .. }
                | Event::Approved { .. }
                | Event::Declined(_)
                | Event::Silent { .. }
                | Event::NeverLeft
                | Event::ReversalAccepted
                | Event::CaptureRequested { .. } => Err(invalid),
            },
            State::Voiding { of, why } => match event {
                Event::Approved { approval, .. } => {
                    approved(&mut self.void, &approval, now);
                    self.voided(of, why)
                }
                Event::Declined(decline) => {
                    answered(&mut self.void, decline.network_code.clone(), now);
                    // A hold whose time is over lapses at the bank by itself, whatever the bank says to our cancel.
                    if (of, why) == (Held::Hold, VoidReason::Expired) {
                        return self.voided(of, why);
                    }
                    Ok(self.stands(of.state(), decline, false))
                }
                Event::Silent { .. } => {
                    Ok(to(State::Reversing { undo: Undo::Void { of, why } }).notices(&[Notice::InDoubt]))
                }
                Event::NeverLeft => Ok(to(of.state()).notices(&[Notice::ActionFailed])),
                Event::MethodAttached { .. }
                | Event::Confirmed { .. }
                | Event::ReversalAccepted
                | Event::CaptureRequested { .. }
                | Event::VoidRequested { .. } => Err(invalid),
            },
            State::Reversing { undo } => match event {
                Event::ReversalAccepted => Ok(self.reversed(undo)),
                // A late answer doesn't revive anything: the reversal is already on its way. It is kept as a fact.
                Event::Approved { approval, .. } => {
                    match undo {
                        Undo::Original => approved(&mut self.original, &approval, now),
                        Undo::Capture { .. } => approved(&mut self.completion, &approval, now),
                        Undo::Void { .. } => approved(&mut self.void, &approval, now),
                    }
                    Ok(to(State::Reversing { undo }))
                }
                Event::Declined(_) | Event::Silent { .. } | Event::NeverLeft => {
                    Ok(to(State::Reversing { undo }))
                }
                Event::MethodAttached { .. }
                | Event::Confirmed { .. }
                | Event::CaptureRequested { .. }
                | Event::VoidRequested { .. } => Err(invalid),
            },
            State::Failed | State::Canceled { .. } => match event {
                Event::MethodAttached { .. }
                | Event::Confirmed { .. }
                | Event::Approved { .. }
                | Event::Declined(_)
                | Event::Silent { .. }
                | Event::NeverLeft
                | Event::ReversalAccepted
                | Event::CaptureRequested { .. }
                | Event::VoidRequested { .. } => Err(invalid),
            },
        }
    }

    fn attach(&mut self, method: PaymentMethodId, card: CardSummary) {
        self.payment_method = Some(method);
        self.card = Some(card);
    }

    fn original_approved(
        &mut self,
        approval: Approval,
        flagged: bool,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        approved(&mut self.original, &approval, now);
        let amount = self.terms.amount;
        // We never asked for a partial approval, so an approval of another amount is not the one we asked for.
        if approval.amount != amount.minor() {
            return Ok(to(State::Reversing { undo: Undo::Original }).notices(&[Notice::InDoubt]));
        }
        self.flagged |= flagged;
        self.authorized = amount.minor();
        match self.terms.capture_method {
            CaptureMethod::Manual => {
                let entry = postings::held(self, amount)?;
                Ok(to(State::Authorized).entry(entry).notices(&[Notice::Authorized]))
            }
            CaptureMethod::Automatic => {
                let entry = self.take(amount, now, false)?;
                Ok(self.captured_outcome(entry).notices(&[Notice::Succeeded]))
            }
        }
    }

    fn capture_requested(&mut self, amount: Money64, exchange: Exchange) -> Result<Outcome, Refused> {
        if amount == 0 {
            return Err(Refused::ZeroAmount);
        }
        if amount > self.capturable() {
            return Err(Refused::ExceedsCapturable { capturable: self.capturable() });
        }
        self.completion = Some(exchange);
        Ok(to(State::Capturing { amount, in_doubt: false }))
    }

    fn capture_approved(
        &mut self,
        amount: Money64,
        in_doubt: bool,
        approval: Approval,
        flagged: bool,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        approved(&mut self.completion, &approval, now);
        if approval.amount != amount {
            return Ok(to(State::Reversing { undo: Undo::Capture { amount } }).notices(&[Notice::InDoubt]));
        }
        self.flagged |= flagged;
        let entry = self.take(self.money(amount)?, now, true)?;
        let resolved: &[Notice] = if in_doubt { &[Notice::InDoubtResolved] } else { &[] };
        Ok(self.captured_outcome(entry).notices(resolved).notices(&[Notice::Captured, Notice::Succeeded]))
    }

    /// Moves the money in the books: the sale is posted, a hold is released.
    fn take(&mut self, amount: Money, now: Timestamp, held: bool) -> Result<Entry, Refused> {
        let fee = self.terms.fee_plan.fee_on(amount)?;
        let hold = if held { Some(self.money(self.authorized)?) } else { None };
        let entry = postings::captured(self, amount, fee, hold)?;
        self.captured = amount.minor();
        self.captured_at = Some(now);
        self.fee = fee.minor();
        self.decline = None;
        Ok(entry)
    }

    fn captured_outcome(&self, entry: Entry) -> Outcome {
        to(State::Captured)
            .entry(entry)
            .stat(Statistic::Captured, self.captured)
            .stat(Statistic::Fee, self.fee)
    }

    fn failed(&mut self, decline: Decline) -> Outcome {
        let amount = self.terms.amount.minor();
        self.decline = Some(decline);
        to(State::Failed).notices(&[Notice::Failed]).stat(Statistic::Declined, amount)
    }

    /// A capture or void was refused: the payment stands as before.
    fn stands(&mut self, state: State, decline: Decline, was_in_doubt: bool) -> Outcome {
        self.decline = Some(decline);
        let resolved: &[Notice] = if was_in_doubt { &[Notice::InDoubtResolved] } else { &[] };
        to(state).notices(resolved).notices(&[Notice::ActionFailed])
    }

    fn void_of_sale_requested(
        &mut self,
        why: VoidReason,
        exchange: Option<Exchange>,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        let same_day = self.captured_at.is_some_and(|at| at.utc().date() == now.utc().date());
        if !same_day || self.refunded > 0 || self.refund_pending > 0 || why == VoidReason::Expired {
            return Err(Refused::TooLateToVoid);
        }
        self.void = exchange;
        Ok(to(State::Voiding { of: Held::Sale, why }))
    }

    fn voided(&mut self, of: Held, why: VoidReason) -> Result<Outcome, Refused> {
        let reason = match why {
            VoidReason::Requested => CancellationReason::Voided,
            VoidReason::Expired => CancellationReason::Expired,
        };
        let canceled = to(State::Canceled { reason }).notices(&[Notice::Canceled]);
        match of {
            Held::Hold => {
                let entry = postings::released(self, self.money(self.authorized)?)?;
                Ok(canceled.entry(entry))
            }
            Held::Sale => {
                let (amount, fee) = (self.money(self.captured)?, self.money(self.fee)?);
                let entry = postings::capture_taken_back(self, amount, fee)?;
                let mut outcome = canceled.entry(entry).stat(Statistic::Voided, self.captured);
                outcome.stats.push(Stat { statistic: Statistic::Fee, count: -1, amount: -(self.fee as i64) });
                (self.captured, self.fee, self.captured_at) = (0, 0, None);
                Ok(outcome)
            }
        }
    }

    fn reversed(&mut self, undo: Undo) -> Outcome {
        let outcome = match undo {
            Undo::Original => {
                let canceled = to(State::Canceled { reason: CancellationReason::TimeoutReversed });
                canceled.notices(&[Notice::InDoubtResolved, Notice::Canceled])
            }
            Undo::Capture { .. } => {
                to(State::Authorized).notices(&[Notice::InDoubtResolved, Notice::ActionFailed])
            }
            Undo::Void { of, .. } => to(of.state()).notices(&[Notice::InDoubtResolved, Notice::ActionFailed]),
        };
        outcome.stat(Statistic::Reversed, self.terms.amount.minor())
    }
}

impl Held {
    /// The state in which this stands.
    const fn state(self) -> State {
        match self {
            Held::Hold => State::Authorized,
            Held::Sale => State::Captured,
        }
    }
}

fn abandoned(why: VoidReason) -> Outcome {
    let reason = match why {
        VoidReason::Requested => CancellationReason::Abandoned,
        VoidReason::Expired => CancellationReason::Expired,
    };
    to(State::Canceled { reason }).notices(&[Notice::Canceled])
}

fn answered(exchange: &mut Option<Exchange>, response_code: Option<String>, now: Timestamp) {
    if let Some(exchange) = exchange {
        exchange.response_code = response_code;
        exchange.answered_at = Some(now);
    }
}

fn approved(exchange: &mut Option<Exchange>, approval: &Approval, now: Timestamp) {
    answered(exchange, Some(approval.response_code.clone()), now);
    if let Some(exchange) = exchange {
        exchange.authorization_code.clone_from(&approval.authorization_code);
        if approval.rrn.is_some() {
            exchange.rrn.clone_from(&approval.rrn);
        }
    }
}
