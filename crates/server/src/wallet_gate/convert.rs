//! The PCS's objects as its wallets see them.

use payment::{CancellationReason, Evidence, Payment, State};
use pcs::model::{CheckoutSession, Merchant, SessionStatus};
use wallet::wire::{self, CardFace, ConsentKind, Decline, Line, Outcome, PaymentResult};

/// A checkout for its wallet.
pub fn session(
    session: &CheckoutSession,
    merchant: &Merchant,
    recipient_certificate: &[u8],
) -> wire::Session {
    let takes = merchant.acquirers.iter().filter(|a| a.currencies.contains(&session.amount.currency()));
    let all = || card::Brand::ALL.iter().map(|brand| brand.code().to_owned()).collect::<Vec<_>>();
    let mut accepted_brands: Vec<String> = Vec::new();
    for acquirer in takes {
        let brands = if acquirer.brands.is_empty() { all() } else { acquirer.brands.clone() };
        accepted_brands
            .extend(brands.into_iter().filter(|brand| !accepted_brands.contains(brand)).collect::<Vec<_>>());
    }
    wire::Session {
        id: session.id,
        status: match session.status {
            SessionStatus::Open => wire::SessionStatus::Open,
            SessionStatus::Processing => wire::SessionStatus::Processing,
            SessionStatus::Complete => wire::SessionStatus::Complete,
            SessionStatus::Expired => wire::SessionStatus::Expired,
        },
        payment: session.payment,
        merchant: session.merchant,
        merchant_name: session.merchant_name.clone(),
        amount: session.amount.minor(),
        currency: session.amount.currency(),
        capture_method: session.capture_method,
        merchant_reference: session.merchant_reference.clone(),
        lines: session
            .lines
            .iter()
            .map(|line| Line {
                name: line.name.clone(),
                quantity: line.quantity,
                unit_amount: line.unit_amount,
            })
            .collect(),
        order_information: session.order_information.clone(),
        recipient_certificate: recipient_certificate.to_vec(),
        accepted_brands,
        expires_at: session.expires_at,
        success_url: session.success_url.clone(),
        cancel_url: session.cancel_url.clone(),
        locale: session.locale.clone(),
        livemode: false,
    }
}

/// A payment for its wallet; none when it belongs to no checkout.
pub fn payment(payment: &Payment) -> Option<PaymentResult> {
    let outcome = match payment.state {
        State::Captured => Outcome::Paid,
        State::Authorized => Outcome::Authorized,
        State::Failed => Outcome::Declined,
        State::Canceled { .. } => Outcome::Canceled,
        _ if payment.state.in_doubt() => Outcome::InDoubt,
        State::RequiresPaymentMethod
        | State::RequiresConfirmation
        | State::Authorizing
        | State::Consuming
        | State::Advising { .. }
        | State::Capturing { .. }
        | State::Incrementing { .. }
        | State::Adjusting { .. }
        | State::Voiding { .. }
        | State::Reversing { .. } => Outcome::Processing,
    };
    let latest = payment.original.as_deref();
    Some(PaymentResult {
        payment: payment.id,
        session: payment.checkout_session?,
        outcome,
        decline: payment
            .decline
            .as_ref()
            .filter(|_| outcome == Outcome::Declined)
            .map(|decline| Decline { code: decline.code.clone(), advice: decline.advice.clone() }),
        undone: payment.state == State::Canceled { reason: CancellationReason::TimeoutReversed },
        card: payment
            .card
            .as_ref()
            .map(|card| CardFace { brand: card.brand.clone(), last4: card.last4.clone() }),
        approval_code: latest.and_then(|exchange| exchange.authorization_code.clone()),
        consent: payment.evidence.as_ref().and_then(|evidence| match evidence {
            Evidence::Passkey { .. } => Some(ConsentKind::Passkey),
            Evidence::Guest { .. } => Some(ConsentKind::Guest),
            Evidence::MerchantInitiated | Evidence::Terminal { .. } | Evidence::MailOrTelephone => None,
        }),
        at: latest.and_then(|exchange| exchange.answered_at).unwrap_or(payment.created),
    })
}
