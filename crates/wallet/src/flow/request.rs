//! Request: a consent becomes an instruction to the PCS, once.

use order::{Evidence, Prepared};
use types::PaymentId;

use crate::error::WalletError;
use crate::port::PcsError;
use crate::server::Wallet;
use crate::wire::{NewInstruction, PaymentResult, Session};

impl Wallet {
    /// Signs as witness and asks the PCS to pay. The form token is the idempotency key, so this can happen any number of
    /// times for one payment.
    pub(crate) async fn instruct(
        &self,
        session: &Session,
        form_token: &str,
        prepared: Prepared,
        evidence: Evidence,
    ) -> Result<PaymentResult, WalletError> {
        let identity = self.identity.load();
        let instruction = prepared.witness(evidence, &identity.certificate, &*identity.key)?;
        let request = NewInstruction { session: session.id, instruction };
        match self.pcs.instruct(form_token, &request).await {
            Ok(result) => Ok(result),
            Err(error @ PcsError::NotSent(_)) => Err(error.into()),
            // The same form may have been sent before, from another tab or by an impatient finger, and the first of them
            // may have paid. What is true is what the PCS has recorded.
            Err(error) => match self.recorded(session, session.payment).await {
                Some(result) => Ok(result),
                None if error.may_be_about_an_earlier_request() => {
                    Err(PcsError::MaybeSent(error.to_string()).into())
                }
                None => Err(error.into()),
            },
        }
    }

    /// What the PCS has recorded of a payment, if it can be learnt now. A failure to learn it is the caller's first error's
    /// business, so it is only logged.
    async fn recorded(&self, session: &Session, payment: PaymentId) -> Option<PaymentResult> {
        match self.payment(session.id, payment).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%payment, %error, "The outcome of payment {payment} cannot be learnt now");
                None
            }
        }
    }
}
