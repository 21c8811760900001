//! What can happen to a payment.

use types::PaymentMethodId;

use crate::{Approval, CardSummary, Decline, Evidence, Exchange, Money64, VoidReason};

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
    /// The authorization or sale surely never left, and goes to another bank: the message in `exchange` is about to be
    /// recorded and sent.
    Rerouted {
        /// The 0100 or 0200 to the other bank.
        exchange: Exchange,
    },
    /// The bank acknowledged the reversal, or knows nothing to reverse.
    ReversalAccepted,
    /// People have found out from the bank that what is being reversed stands after all.
    Stands {
        /// What the bank says of it.
        approval: Approval,
    },
    /// People have found out from the bank that it will not do what it is told of.
    GivenUp(Decline),
    /// The gateway alone does not get the doubt ended.
    Stuck {
        /// Why.
        why: String,
    },
    /// The merchant captures.
    CaptureRequested {
        /// Minor units.
        amount: Money64,
        /// The completion.
        exchange: Exchange,
    },
    /// The merchant has more held.
    IncrementRequested {
        /// Minor units, on top of what is held.
        amount: Money64,
        /// The increment.
        exchange: Exchange,
    },
    /// The merchant changes what a sale comes to: a tip.
    AdjustRequested {
        /// Minor units, in all.
        to: Money64,
        /// The adjustment.
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
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Event::MethodAttached { .. } => "attach a payment method",
            Event::Confirmed { .. } => "confirm",
            Event::Approved { .. } => "take the bank's approval",
            Event::Declined(_) => "take the bank's decline",
            Event::Silent { .. } => "take the bank's silence",
            Event::NeverLeft => "take back a message",
            Event::Rerouted { .. } => "go to another bank",
            Event::ReversalAccepted => "take a reversal's acknowledgement",
            Event::Stands { .. } => "take that the bank's effect stands",
            Event::GivenUp(_) => "give up",
            Event::Stuck { .. } => "ask for an operator",
            Event::CaptureRequested { .. } => "capture",
            Event::IncrementRequested { .. } => "increment",
            Event::AdjustRequested { .. } => "adjust",
            Event::VoidRequested { .. } => "void",
        }
    }
}
