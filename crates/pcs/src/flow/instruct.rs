//! A wallet's instruction: authorize or consume what a customer consented to.
//!
//! | step | crate | leaves behind                                                                        |
//! |------|-------|--------------------------------------------------------------------------------------|
//! | 1    | here  | nothing: the checkout is looked up; it must be open                                    |
//! | 2    | order | nothing: every check of the dual signature; each refusal has a code of its own         |
//! | 3    | vault | nothing yet: the card is sealed under a token; the number goes no further              |
//! | 4    | here  | an intent for `exchange.rs`: payment, card, checkout and message go in one commit      |

use std::sync::Arc;

use card::{Expiry, Pan, SecurityCode};
use order::{
    Consent, Expected, Instruction, Instrument, OrderInformation, Recipients, Trust, Verified,
    verify_instruction,
};
use payment::{Evidence, OrderTerms, Payment};
use pki::webauthn::RelyingParty;
use pki::{Anchor, Certificate, ChainError, KeyId, Purpose, Refused};
use types::{CheckoutSessionId, CustomerId};

use super::given::Given;
use super::submit::{authorization_end, internal_refusal};
use crate::bank::SecretCard;
use crate::claim::Running;
use crate::hash::hex;
use crate::model::{Actor, CheckoutSession, PaymentMethod, PaymentMethodStatus, SessionStatus};
use crate::reads::wallet_alias;
use crate::resource::put;
use crate::{Caller, CommandError, Completed, Done, IdempotencyKey, Pcs};

/// Opens payment instructions, and knows whom to believe.
pub struct Custodian {
    /// The wallet CA: issuer of customers' and wallet servers' certificates.
    pub wallet_ca: Arc<Anchor>,
    /// What was revoked.
    pub refused: Arc<dyn Refused>,
    /// The wallet's relying party id: the host of its pages.
    pub rp_id: String,
    /// The wallet's origins.
    pub origins: Vec<String>,
    /// The keys that open envelopes.
    pub recipients: Box<dyn Recipients>,
}

/// The wallet server that sent a request: its key in TLS and in the HTTP signature, which the listener found equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletIdentity {
    /// The key.
    pub key: KeyId,
    /// Serial of its certificate, hex.
    pub certificate_serial: String,
}

/// The card of an instruction: sealed under its token, and in clear for the one message that follows.
struct Presented {
    method: PaymentMethod,
    card: SecretCard,
    is_new: bool,
}

impl Pcs {
    /// Whether this certificate is a wallet server's of ours, now: issued by the wallet CA, in its time, not revoked.
    ///
    /// # Errors
    /// [`ChainError`] names the first rule that is broken.
    pub fn believes_wallet(&self, certificate: &Certificate) -> Result<(), ChainError> {
        let Custodian { wallet_ca, refused, .. } = &self.custodian;
        wallet_ca.verify(certificate, Purpose::ClientAuth, self.clock.now(), &**refused)
    }

    /// Carries out an instruction.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank. [`CommandError::Instruction`] has the code of the failed check.
    pub async fn instruct(
        self: &Arc<Self>,
        wallet: &WalletIdentity,
        key: IdempotencyKey,
        session: CheckoutSessionId,
        instruction: Instruction,
    ) -> Result<Completed, CommandError> {
        let missing = || CommandError::Missing { kind: "checkout_session", id: session.to_string() };
        let session = self.session_for_wallet(session).await?.ok_or_else(missing)?;
        let caller =
            Caller { merchant: session.merchant, key_id: format!("wallet {}", wallet.certificate_serial) };
        let (pcs, wallet) = (Arc::clone(self), wallet.clone());
        let work = move |running| async move { pcs.follow(wallet, running, session, instruction).await };
        self.once(&caller, &key, work).await
    }

    async fn follow(
        self: Arc<Self>,
        wallet: WalletIdentity,
        running: Running,
        session: CheckoutSession,
        instruction: Instruction,
    ) -> Result<Done, CommandError> {
        // Step 1: the checkout must wait for a payment.
        session.must_be_open()?;
        let now = self.clock.now();
        let merchant = self.payable_merchant(session.merchant).await?;

        // Step 2: believe nothing that is not proven.
        let verified = self.verify(&wallet, &session, &instruction).await?;
        let evidence = evidence(&instruction, &verified);

        // Step 3: the card goes to the vault.
        let customer = match &verified.mandate.consent {
            Consent::Passkey { customer, .. } => Some(*customer),
            Consent::Guest => None,
        };
        let presented = self.present(&session, &verified, customer).await?;

        // Step 4: everything that this consent sets going, in one commit.
        let terms = OrderTerms {
            amount: session.amount,
            capture_method: session.capture_method,
            merchant_reference: session.merchant_reference.clone(),
            description: None,
            metadata: std::collections::BTreeMap::new(),
            fee_plan: merchant.fee_plan,
            authorization_expires_at: authorization_end(&merchant, now),
        };
        let mut change =
            Payment::create(session.payment, session.merchant, terms, now).map_err(internal_refusal)?;
        change.payment.customer = session.customer;
        change.payment.checkout_session = Some(session.id);
        let actor = Actor::Wallet { certificate_serial: wallet.certificate_serial };
        let Presented { method, card, is_new } = presented;
        let entry = card::Entry::default();
        let given =
            Given { method, card: Some(card), entry, evidence, terminal: None, offline: None, is_new };
        let mut intent = self.asked(change, &merchant, given, actor, now).await?;
        let mut session = session;
        session.version += 1;
        session.status = SessionStatus::Processing;
        intent.rows.push(put(&session)?);
        intent.aliases.push(wallet_alias(&intent.change.payment));
        self.carry_out(Some(running), Box::new(intent)).await
    }

    async fn verify(
        &self,
        wallet: &WalletIdentity,
        session: &CheckoutSession,
        instruction: &Instruction,
    ) -> Result<Verified, CommandError> {
        let origins: Vec<&str> = self.custodian.origins.iter().map(String::as_str).collect();
        let trust = Trust {
            wallet_ca: &self.custodian.wallet_ca,
            refused: &*self.custodian.refused,
            relying_party: RelyingParty { id: &self.custodian.rp_id, origins: &origins },
            now: self.clock.now(),
        };
        let order = OrderInformation::from_canonical(session.order_information.as_bytes())
            .map_err(|error| CommandError::Internal(Box::new(error)))?;
        let expected = Expected {
            payment: session.payment,
            merchant: session.merchant,
            amount: session.amount,
            h_oi: order.digest(),
            sender: Some(wallet.key),
        };
        // LINK names a payment, and a payment is made once: the store decides a race of two equal instructions.
        let used = self.payment(session.merchant, session.payment).await?.is_some();
        verify_instruction(instruction, &expected, &trust, &*self.custodian.recipients, |_| !used)
            .map_err(|error| CommandError::Instruction { code: error.code(), reason: error.to_string() })
    }

    async fn present(
        &self,
        session: &CheckoutSession,
        verified: &Verified,
        customer: Option<CustomerId>,
    ) -> Result<Presented, CommandError> {
        match &verified.instruction.instrument {
            Instrument::Card { pan, expiry, security_code } => {
                let pan = Pan::parse(pan.expose()).map_err(|error| unfit(&error))?;
                let expiry = Expiry::parse(expiry.expose()).map_err(|error| unfit(&error))?;
                if expiry.is_past(self.clock.now()) {
                    return Err(CommandError::CardExpired);
                }
                let code = security_code.as_ref().map(|code| SecurityCode::parse(code.expose()));
                let security_code = code.transpose().map_err(|error| unfit(&error))?;
                let single = PaymentMethodStatus::SingleUse;
                let method = self.seal_card(&pan, expiry, Some(session.merchant), None, single)?;
                Ok(Presented {
                    method,
                    card: SecretCard { pan, expiry, security_code, present: None },
                    is_new: true,
                })
            }
            Instrument::PaymentMethod { id, security_code } => {
                let missing = || CommandError::Missing { kind: "payment_method", id: id.to_string() };
                let method = self.method_row(None, *id).await?.ok_or_else(missing)?;
                if method.status != PaymentMethodStatus::Active || method.customer != customer {
                    return Err(missing());
                }
                let mut card = self.open_card(&method)?;
                let code = security_code.as_ref().map(|code| SecurityCode::parse(code.expose()));
                card.security_code = code.transpose().map_err(|error| unfit(&error))?;
                if card.expiry.is_past(self.clock.now()) {
                    return Err(CommandError::CardExpired);
                }
                Ok(Presented { method, card, is_new: false })
            }
        }
    }
}

fn evidence(instruction: &Instruction, verified: &Verified) -> Evidence {
    let link_digest = hex(&instruction.mandate.link.challenge());
    match &verified.mandate.consent {
        Consent::Passkey { key, .. } => Evidence::Passkey { link_digest, certificate_key: key.to_string() },
        Consent::Guest => Evidence::Guest { link_digest },
    }
}

/// A card that breaks a rule; the error names the rule and repeats no digit.
fn unfit(error: &dyn std::error::Error) -> CommandError {
    CommandError::Invalid { field: "card", rule: error.to_string() }
}
