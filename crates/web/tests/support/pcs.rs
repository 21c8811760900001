//! A PCS that verifies what it is sent as the real one does, and then does as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use order::hash::Salt;
use order::{Expected, Instrument, Line as OrderLine, OrderInformation, Trust, verify_instruction};
use pki::chain::RefusedSet;
use pki::webauthn::RelyingParty;
use pki::{AgreementKey, Anchor};
use types::{CheckoutSessionId, Clock, Currency, MerchantId, Money, PaymentId, PaymentMethodId};
use wallet::wire::{
    CardFace, ConsentKind, Decline, Line, NewInstruction, NewPaymentMethod, Outcome, PaymentResult, Session,
    SessionStatus, StoredCard,
};
use wallet::{Eventually, Pcs, PcsError};

use super::Hands;

/// What the bank behind it does, and what the network between does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Approve,
    Decline(&'static str),
    /// The bank is silent: in doubt.
    Silent,
    /// It pays, and its answer is lost.
    LoseAnswer,
    /// The request is lost.
    LoseRequest,
    /// There is no connection.
    Unreachable,
    /// The first request is still being worked on.
    InProgress,
}

pub struct State {
    pub session: Session,
    pub behaviour: Behaviour,
    pub payments: HashMap<PaymentId, PaymentResult>,
    /// Idempotency keys of instructions that were acted on.
    pub keys: Vec<String>,
    /// How the consents that were acted on were given.
    pub consents: Vec<ConsentKind>,
    /// Card numbers that reached the PCS inside envelopes.
    pub numbers: Vec<String>,
    pub kept: Vec<NewPaymentMethod>,
}

pub struct FakePcs {
    pub state: Mutex<State>,
    recipients: Vec<AgreementKey>,
    wallet_ca: Arc<Anchor>,
    clock: Arc<Hands>,
    origin: String,
    rp_id: String,
}

fn order_information(payment: PaymentId) -> OrderInformation {
    OrderInformation {
        v: order::canonical::V1,
        payment,
        merchant: MerchantId::from_u128(5),
        reference: "RT-1".to_owned(),
        lines: vec![OrderLine { description: "Tea".to_owned(), quantity: 2, amount: 128_00 }],
        amount: 128_00,
        currency: Currency::CNY,
        salt: Salt::from_bytes([3; 16]),
    }
}

impl FakePcs {
    pub fn new(
        key: AgreementKey,
        certificate: Vec<u8>,
        wallet_ca: Arc<Anchor>,
        clock: Arc<Hands>,
        (origin, rp_id): (&str, &str),
    ) -> Self {
        let payment = PaymentId::from_u128(1);
        let session = Session {
            id: CheckoutSessionId::from_u128(9),
            status: SessionStatus::Open,
            payment,
            merchant: MerchantId::from_u128(5),
            merchant_name: "Ring & Thread <b>".to_owned(),
            amount: 128_00,
            currency: Currency::CNY,
            capture_method: payment::CaptureMethod::Automatic,
            merchant_reference: Some("RT-1".to_owned()),
            lines: vec![Line { name: "Tea".to_owned(), quantity: 2, unit_amount: 64_00 }],
            order_information: String::from_utf8(order_information(payment).to_canonical()).unwrap(),
            recipient_certificate: certificate,
            accepted_brands: ["visa", "unionpay"].map(str::to_owned).to_vec(),
            expires_at: clock.now().plus_ms(3_600_000),
            success_url: "https://shop.example/thanks".to_owned(),
            cancel_url: "https://shop.example/cart".to_owned(),
            locale: None,
            livemode: false,
        };
        let state = State {
            session,
            behaviour: Behaviour::Approve,
            payments: HashMap::new(),
            keys: Vec::new(),
            consents: Vec::new(),
            numbers: Vec::new(),
            kept: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            recipients: vec![key],
            wallet_ca,
            clock,
            origin: origin.into(),
            rp_id: rp_id.into(),
        }
    }

    pub fn session_id(&self) -> CheckoutSessionId {
        self.state.lock().unwrap().session.id
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.state.lock().unwrap().behaviour = behaviour;
    }

    /// How many payments took money.
    pub fn paid(&self) -> usize {
        let taken = |result: &&PaymentResult| matches!(result.outcome, Outcome::Paid | Outcome::Authorized);
        self.state.lock().unwrap().payments.values().filter(taken).count()
    }

    /// The merchant opens another session, as for the shopper's next order.
    pub fn next_session(&self) {
        let mut state = self.state.lock().unwrap();
        let number = state.session.id.to_u128() + 1;
        state.session.id = CheckoutSessionId::from_u128(number);
        renew(&mut state.session, PaymentId::from_u128(number * 100));
    }

    /// The bank's answer to a payment in doubt arrives.
    pub fn settle(&self, outcome: Outcome) {
        let mut state = self.state.lock().unwrap();
        let State { session, payments, .. } = &mut *state;
        let result = payments.get_mut(&session.payment).unwrap();
        result.outcome = outcome;
        result.undone = outcome == Outcome::Canceled;
        if outcome == Outcome::Paid {
            session.status = SessionStatus::Complete;
        } else {
            renew(session, PaymentId::from_u128(session.payment.to_u128() + 1));
        }
    }

    fn act(&self, key: &str, request: &NewInstruction) -> Result<PaymentResult, PcsError> {
        let mut state = self.state.lock().unwrap();
        match state.behaviour {
            Behaviour::Unreachable => return Err(PcsError::NotSent("no connection".to_owned())),
            Behaviour::LoseRequest => return Err(PcsError::MaybeSent("timed out".to_owned())),
            Behaviour::InProgress => return Err(refused(409, "idempotency_in_progress")),
            _ => {}
        }
        if state.keys.iter().any(|known| known == key) {
            return Err(refused(422, "idempotency_key_reused"));
        }
        if state.session.status != SessionStatus::Open || request.session != state.session.id {
            return Err(refused(410, "session_expired"));
        }
        let expected = Expected {
            payment: state.session.payment,
            merchant: state.session.merchant,
            amount: Money::new(state.session.amount, state.session.currency).unwrap(),
            h_oi: order_information(state.session.payment).digest(),
            sender: None,
        };
        let origins = [self.origin.as_str()];
        let trust = Trust {
            wallet_ca: &self.wallet_ca,
            refused: &RefusedSet::default(),
            relying_party: RelyingParty { id: &self.rp_id, origins: &origins },
            now: self.clock.now(),
        };
        let verified =
            verify_instruction(&request.instruction, &expected, &trust, &self.recipients, |_| true)
                .map_err(|error| refused(422, error.code()))?;
        state.keys.push(key.to_owned());
        let (consent, face) = match &verified.instruction.instrument {
            Instrument::Card { pan, security_code, .. } => {
                assert!(security_code.is_some());
                state.numbers.push(pan.expose().clone());
                (ConsentKind::Guest, last4(pan.expose()))
            }
            Instrument::PaymentMethod { .. } => (ConsentKind::Passkey, "4242".to_owned()),
        };
        state.consents.push(consent);
        let (outcome, decline) = match state.behaviour {
            Behaviour::Decline(code) => (Outcome::Declined, Some(code)),
            Behaviour::Silent => (Outcome::InDoubt, None),
            _ => (Outcome::Paid, None),
        };
        let result = PaymentResult {
            payment: state.session.payment,
            session: state.session.id,
            outcome,
            decline: decline
                .map(|code| Decline { code: code.to_owned(), advice: "try_another_card".to_owned() }),
            undone: false,
            card: Some(CardFace { brand: "visa".to_owned(), last4: face }),
            approval_code: Some("418209".to_owned()),
            consent: Some(consent),
            at: self.clock.now(),
        };
        state.payments.insert(result.payment, result.clone());
        match outcome {
            Outcome::Paid => state.session.status = SessionStatus::Complete,
            Outcome::InDoubt => state.session.status = SessionStatus::Processing,
            _ => {
                let next = PaymentId::from_u128(state.session.payment.to_u128() + 1);
                renew(&mut state.session, next);
            }
        }
        if state.behaviour == Behaviour::LoseAnswer {
            return Err(PcsError::MaybeSent("the answer was lost".to_owned()));
        }
        Ok(result)
    }

    fn keep(&self, card: &NewPaymentMethod) -> StoredCard {
        let opened = order::envelope::open(&card.envelope, &self.recipients).unwrap();
        let kept = order::PaymentInstruction::from_canonical(&opened.plain).unwrap();
        // It names a payment that is made, and the security code stays out of it.
        assert_eq!((kept.payment, opened.payment), (card.payment, card.payment));
        let Instrument::Card { pan, security_code: None, .. } = &kept.instrument else { panic!("{kept:?}") };
        let mut state = self.state.lock().unwrap();
        assert!(state.payments.contains_key(&card.payment));
        state.kept.push(card.clone());
        StoredCard {
            payment_method: PaymentMethodId::from_u128(77),
            brand: "visa".to_owned(),
            last4: last4(pan.expose()),
            exp_month: 12,
            exp_year: 2028,
        }
    }
}

fn renew(session: &mut Session, payment: PaymentId) {
    session.payment = payment;
    session.status = SessionStatus::Open;
    session.order_information = String::from_utf8(order_information(payment).to_canonical()).unwrap();
}

fn last4(number: &str) -> String {
    number[number.len() - 4..].to_owned()
}

fn refused(status: u16, code: &str) -> PcsError {
    PcsError::Refused { status, code: code.to_owned() }
}

impl Pcs for FakePcs {
    fn session(&self, id: CheckoutSessionId) -> Eventually<'_, Result<Option<Session>, PcsError>> {
        let session = self.state.lock().unwrap().session.clone();
        Box::pin(async move { Ok(Some(session).filter(|session| session.id == id)) })
    }

    fn instruct<'a>(
        &'a self,
        key: &'a str,
        instruction: &'a NewInstruction,
    ) -> Eventually<'a, Result<PaymentResult, PcsError>> {
        Box::pin(async move { self.act(key, instruction) })
    }

    fn payment(&self, id: PaymentId) -> Eventually<'_, Result<Option<PaymentResult>, PcsError>> {
        let found = self.state.lock().unwrap().payments.get(&id).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn store_card<'a>(
        &'a self,
        _: &'a str,
        card: &'a NewPaymentMethod,
    ) -> Eventually<'a, Result<StoredCard, PcsError>> {
        Box::pin(async move { Ok(self.keep(card)) })
    }
}
