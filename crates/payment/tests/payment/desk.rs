//! One payment with its refunds, its books and its clock: what a flow and the store are to it, without I/O.

use std::collections::BTreeMap;

use card::OfflineApproval;
use payment::{
    Approval, CaptureMethod, CardSummary, Change, Decline, Event, Evidence, Exchange, FeePlan, NewRefund,
    Notice, Offers, OrderTerms, Payment, Refund, RefundEvent, Refused, VoidReason,
};
use types::{AttemptId, Currency, MerchantId, Money, PaymentId, PaymentMethodId, RefundId, Timestamp};

use crate::books::Books;

/// Noon of 2026-01-01 UTC.
const START: Timestamp = Timestamp::from_ms(1_767_268_800_000);
const DAY_MS: i64 = 86_400_000;

#[derive(Clone)]
pub struct Desk {
    pub payment: Payment,
    pub refunds: Vec<Refund>,
    pub books: Books,
    pub now: Timestamp,
    notices: Vec<Notice>,
    attempts: u128,
}

impl Desk {
    /// A payment with a card, ready to be confirmed. The fee is 1 % and 10.
    pub fn new(amount: u64, capture_method: CaptureMethod) -> Self {
        let fee_plan = FeePlan { bps: 100, fixed: 10, min: None, cap: None };
        let mut desk = Self::without_card(amount, capture_method, fee_plan);
        desk.tell(attach()).unwrap();
        desk.notices.clear();
        desk
    }

    pub fn without_card(amount: u64, capture_method: CaptureMethod, fee_plan: FeePlan) -> Self {
        let terms = OrderTerms {
            amount: Money::new(amount, Currency::CNY).unwrap(),
            capture_method,
            merchant_reference: Some("A-1".to_owned()),
            description: None,
            metadata: BTreeMap::new(),
            fee_plan,
            authorization_expires_at: START.plus_ms(7 * DAY_MS),
        };
        let created =
            Payment::create(PaymentId::from_u128(1), MerchantId::from_u128(2), terms, START).unwrap();
        assert_eq!((created.payment.version, created.notices), (1, vec![Notice::Created]));
        Self {
            payment: created.payment,
            refunds: Vec::new(),
            books: Books::default(),
            now: START,
            notices: Vec::new(),
            attempts: 0,
        }
    }

    /// A sale whose 0200 is on its way.
    pub fn consuming(amount: u64) -> Self {
        Self::new(amount, CaptureMethod::Automatic).confirmed()
    }

    /// An authorization whose 0100 is on its way.
    pub fn authorizing(amount: u64) -> Self {
        Self::new(amount, CaptureMethod::Manual).confirmed()
    }

    /// An offline sale of which the bank is being told.
    pub fn advising(amount: u64) -> Self {
        let mut desk = Self::new(amount, CaptureMethod::Automatic);
        let event = desk.confirm_offline();
        desk.after(event)
    }

    /// A sale that the bank approved.
    pub fn sold(amount: u64) -> Self {
        Self::consuming(amount).after(approved(amount))
    }

    /// A hold that the bank approved.
    pub fn held(amount: u64) -> Self {
        Self::authorizing(amount).after(approved(amount))
    }

    fn confirmed(mut self) -> Self {
        let event = self.confirm();
        self.after(event)
    }

    /// The same after one more event; its notices are not of interest.
    pub fn after(mut self, event: Event) -> Self {
        self.tell(event).unwrap();
        self.notices.clear();
        self
    }

    /// Applies an event and commits what it changes.
    pub fn tell(&mut self, event: Event) -> Result<(), Refused> {
        self.now = self.now.plus_ms(1);
        let change = self.payment.step(event, self.now)?;
        self.commit(change);
        Ok(())
    }

    /// Applies what became of one message.
    pub fn hear(&mut self, of: AttemptId, event: Event) -> Result<(), Refused> {
        self.now = self.now.plus_ms(1);
        let change = self.payment.hear(of, event, self.now)?;
        self.commit(change);
        Ok(())
    }

    /// Asks for a refund; none gives back all that is left. Returns its index.
    pub fn refund(&mut self, amount: Option<u64>) -> Result<usize, Refused> {
        self.now = self.now.plus_ms(1);
        let new = self.new_refund(amount);
        let changed = self.payment.refund(new, self.now)?;
        self.commit(changed.change);
        self.refunds.push(changed.refund);
        Ok(self.refunds.len() - 1)
    }

    /// Whether a refund of the least amount would be taken now.
    pub fn can_refund(&mut self) -> bool {
        let new = self.new_refund(Some(1));
        self.payment.refund(new, self.now).is_ok()
    }

    fn new_refund(&mut self, amount: Option<u64>) -> NewRefund {
        NewRefund {
            id: RefundId::from_u128(self.refunds.len() as u128 + 1),
            amount,
            reason: Some("returned".to_owned()),
            merchant_reference: None,
            metadata: BTreeMap::new(),
            exchange: self.exchange("refund"),
        }
    }

    /// Applies what happened to a refund's advice.
    pub fn tell_refund(&mut self, index: usize, event: RefundEvent) -> Result<(), Refused> {
        self.now = self.now.plus_ms(1);
        let changed = self.payment.refund_step(&self.refunds[index], event, self.now)?;
        assert_eq!(changed.refund.version, self.refunds[index].version + 1);
        self.refunds[index] = changed.refund;
        self.commit(changed.change);
        Ok(())
    }

    fn commit(&mut self, change: Change) {
        assert_eq!(change.payment.version, self.payment.version + 1);
        self.books.apply(change.entry.as_ref(), &change.stats);
        self.notices.extend(change.notices);
        self.payment = change.payment;
    }

    /// The notices since the last look.
    pub fn notices(&mut self) -> Vec<&'static str> {
        self.notices.drain(..).map(Notice::name).collect()
    }

    pub fn next_day(&mut self) {
        self.now = self.now.plus_ms(DAY_MS);
    }

    pub fn exchange(&mut self, transaction: &str) -> Exchange {
        self.attempts += 1;
        Exchange {
            attempt: AttemptId::from_u128(self.attempts),
            bank: "cups-pos".to_owned(),
            terminal: "00000001".to_owned(),
            acceptor: "000000000000001".to_owned(),
            transaction: transaction.to_owned(),
            stan: self.attempts as u32,
            rrn: None,
            authorization_code: None,
            response_code: None,
            entry: Default::default(),
            offline: None,
            issuer_data: None,
            batch: None,
            settlement_date: None,
            offers: Offers { increment: true, adjust: true },
            sent_at: self.now,
            answered_at: None,
        }
    }

    pub fn confirm(&mut self) -> Event {
        Event::Confirmed { exchange: self.exchange("original"), evidence: Evidence::MerchantInitiated }
    }

    /// The same for what a chip approved an hour ago.
    pub fn confirm_offline(&mut self) -> Event {
        let approved_at = self.now.plus_ms(-3_600_000);
        let offline = Some(OfflineApproval { approved_at, authorization_code: Some("Y1OFFL".to_owned()) });
        let exchange = Exchange { offline, ..self.exchange("offline_sale") };
        Event::Confirmed { exchange, evidence: Evidence::MerchantInitiated }
    }

    pub fn reroute(&mut self) -> Event {
        Event::Rerouted { exchange: Exchange { bank: "iso87-ascii".to_owned(), ..self.exchange("original") } }
    }

    pub fn capture(&mut self, amount: u64) -> Event {
        Event::CaptureRequested { amount, exchange: self.exchange("capture") }
    }

    pub fn increment(&mut self, amount: u64) -> Event {
        Event::IncrementRequested { amount, exchange: self.exchange("increment") }
    }

    pub fn adjust(&mut self, to: u64) -> Event {
        Event::AdjustRequested { to, exchange: self.exchange("adjust") }
    }

    pub fn void(&mut self) -> Event {
        Event::VoidRequested { why: VoidReason::Requested, exchange: Some(self.exchange("void")) }
    }

    pub fn expire(&mut self) -> Event {
        Event::VoidRequested { why: VoidReason::Expired, exchange: Some(self.exchange("void")) }
    }
}

/// The payer's card.
pub fn attach() -> Event {
    Event::MethodAttached {
        method: PaymentMethodId::from_u128(3),
        card: CardSummary {
            brand: "unionpay".to_owned(),
            last4: "0002".to_owned(),
            bin: "400000".to_owned(),
            exp_month: 12,
            exp_year: 2030,
        },
    }
}

pub fn approval(amount: u64) -> Approval {
    Approval {
        amount,
        response_code: "00".to_owned(),
        rrn: Some("123456789012".to_owned()),
        settlement_date: None,
        issuer_data: None,
        authorization_code: Some("A1B2C3".to_owned()),
    }
}

pub fn decline() -> Decline {
    Decline {
        code: "insufficient_funds".to_owned(),
        network_code: Some("51".to_owned()),
        advice: "try_another_card".to_owned(),
    }
}

/// The bank's yes.
pub fn approved(amount: u64) -> Event {
    Event::Approved { approval: approval(amount), flagged: false }
}

/// The bank's no.
pub fn declined() -> Event {
    Event::Declined(decline())
}

/// Silence at a bank whose dialect reverses.
pub const SILENT: Event = Event::Silent { repeat: false };
/// Silence at a bank whose dialect repeats the advice.
pub const SILENT_TO_AN_ADVICE: Event = Event::Silent { repeat: true };
/// Nobody asks a bank any more: the payment is abandoned.
pub const ABANDON: Event = Event::VoidRequested { why: VoidReason::Requested, exchange: None };
