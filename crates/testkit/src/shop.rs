//! A merchant with a contract at each bank, and what its server asks.

use card::{Expiry, Pan};
use payment::limits::Limits;
use payment::routing::Acquirer;
use payment::{CaptureMethod, FeePlan, OfflineTerms};
use pcs::{Caller, IdempotencyKey, MerchantUpdate, NewMerchant, NewPayment, RefundRequest};
use types::{Currency, MerchantId, Money, PaymentId, PaymentMethodId};

use crate::{World, gbp};

/// The most that a chip may approve by itself at a merchant's terminals, in minor units.
pub const FLOOR_LIMIT: u64 = 100_00;

/// A merchant.
#[derive(Clone, Debug)]
pub struct Shop {
    /// Whom the API knows it as.
    pub caller: Caller,
}

impl Shop {
    /// The merchant's id.
    pub const fn id(&self) -> MerchantId {
        self.caller.merchant
    }
}

impl World {
    /// Takes a merchant on: CNY at `cups-pos`; EUR, USD and JPY at `iso87-ascii`; GBP at `iso93-bcd`; 0.60 % and at least one
    /// minor unit.
    pub async fn merchant(&self, name: &str) -> Shop {
        let contracts: [(&str, &[Currency]); 3] = [
            ("cups-pos", &[Currency::CNY]),
            ("iso87-ascii", &[Currency::EUR, Currency::USD, Currency::JPY]),
            ("iso93-bcd", &[gbp(0).currency()]),
        ];
        self.merchant_at(name, &contracts).await
    }

    /// Takes a merchant on with these contracts, in this order.
    pub async fn merchant_at(&self, name: &str, contracts: &[(&str, &[Currency])]) -> Shop {
        let number = self.next_number();
        let contract = |&(bank, currencies): &(&str, &[Currency])| Acquirer {
            bank: bank.to_owned(),
            terminal: format!("{number:08}"),
            acceptor: format!("{number:015}"),
            currencies: currencies.to_vec(),
            brands: Vec::new(),
        };
        let new = NewMerchant {
            name: name.to_owned(),
            fee_plan: FeePlan { bps: 60, fixed: 0, min: Some(1), cap: None },
            limits: Limits::default(),
            acquirers: contracts.iter().map(contract).collect(),
            authorization_days: 7,
            sends_card_data: true,
            offline: Some(offline_terms(contracts.first().and_then(|it| it.1.first()))),
        };
        let (merchant, _) = self.pcs().create_merchant(new).await.unwrap();
        Shop { caller: Caller { merchant: merchant.id, key_id: format!("key of {name}") } }
    }

    /// Lets chips approve sales at a merchant's terminals in this currency, and in no other.
    pub async fn allow_offline(&self, shop: &Shop, currency: Currency) {
        let update = MerchantUpdate { status: None, offline: Some(Some(offline_terms(Some(&currency)))) };
        self.pcs().update_merchant(shop.id(), update).await.unwrap();
    }

    /// Stores a test card for a merchant.
    pub async fn card(&self, shop: &Shop, pan: &str) -> PaymentMethodId {
        let test_card = banksim::cards().iter().find(|card| card.pan == pan).expect("a test card");
        let expiry = Expiry::from_yymm(test_card.expiry).unwrap();
        let pan = Pan::parse(pan).unwrap();
        self.pcs().store_card(&pan, expiry, Some(shop.id()), None).await.unwrap().id
    }

    /// A sale with a stored card, to be confirmed at once.
    pub fn sale(&self, card: PaymentMethodId, amount: Money) -> NewPayment {
        NewPayment {
            amount,
            capture_method: CaptureMethod::Automatic,
            confirm: true,
            payment_method: Some(card),
            card: None,
            terminal: None,
            offline: None,
            customer: None,
            merchant_reference: None,
            description: None,
            metadata: Default::default(),
        }
    }

    /// An authorization with a stored card.
    pub fn authorization(&self, card: PaymentMethodId, amount: Money) -> NewPayment {
        NewPayment { capture_method: CaptureMethod::Manual, ..self.sale(card, amount) }
    }

    /// A refund of part (or, for none, the rest) of a payment.
    pub fn refund_request(&self, payment: PaymentId, amount: Option<u64>) -> RefundRequest {
        RefundRequest {
            payment,
            amount,
            reason: None,
            merchant_reference: None,
            metadata: Default::default(),
        }
    }

    /// An idempotency key that nobody has used.
    pub fn key(&self) -> IdempotencyKey {
        self.named_key(&format!("key-{}", self.next_number()), "the only request")
    }

    /// The key `name`, used for the request `request`.
    pub fn named_key(&self, name: &str, request: &str) -> IdempotencyKey {
        let fingerprint = pki::sha256::sha256(request.as_bytes());
        IdempotencyKey { key: name.to_owned(), fingerprint }
    }
}

fn offline_terms(currency: Option<&Currency>) -> OfflineTerms {
    let currency = currency.copied().unwrap_or(Currency::CNY);
    let floor_limit = Money::new(FLOOR_LIMIT, currency).expect("a hundred");
    OfflineTerms { floor_limit, days: payment::offline::DAYS }
}
