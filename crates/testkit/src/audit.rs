//! The auditor: after a story, everything that two parties know must be the same twice.

use std::collections::BTreeMap;

use ledger::{AccountCode, AccountId, Balance, BankName, Owner};
use payment::{Payment, RefundState, State, Statistic};
use pcs::{Page, TASK_EXPIRY};
use store::{Shard, Table};
use types::{Currency, MerchantId};

use crate::{World, gbp};

impl World {
    /// An account's balance.
    pub async fn balance(&self, code: AccountCode, owner: Owner, currency: Currency) -> Balance {
        self.store().balance(AccountId { code, owner, currency }).await.unwrap()
    }

    /// What we owe a merchant, in minor units; negative when it owes us.
    pub async fn owed_to(&self, merchant: MerchantId, currency: Currency) -> i128 {
        -self.balance(AccountCode::MerchantPayable, Owner::Merchant(merchant), currency).await.net_posted()
    }

    /// Holds the gateway against itself and against its banks. Nothing may be in doubt any more.
    ///
    /// # Panics
    /// When anything is not as it must be.
    pub async fn audit(&self) {
        self.store().verify(|_, _| {}).await.unwrap().unwrap();
        assert_eq!(self.unsettled().await, 0, "exchanges and pursuits that are left");
        let payments = self.all_payments().await;
        for payment in &payments {
            self.audit_payment(payment).await;
        }
        let pounds = gbp(0).currency();
        for currency in [Currency::CNY, Currency::EUR, Currency::USD, Currency::JPY, pounds] {
            for bank in self.bank_names() {
                self.audit_bank(bank, currency).await;
            }
            self.audit_sums(currency, &payments).await;
        }
        // Every hold that stands is given back at its end, and nothing else is.
        let held = payments.iter().filter(|payment| payment.state == State::Authorized).count();
        assert_eq!(self.store().tasks(TASK_EXPIRY, None, 100_000).await.unwrap().len(), held, "expiries");
    }

    async fn all_payments(&self) -> Vec<Payment> {
        let newest = Page { limit: 100, after: None, before: None };
        let mut payments = Vec::new();
        for merchant in self.pcs().merchants(newest).await.unwrap().data {
            let mut page = newest;
            loop {
                let listed = self.pcs().payments(merchant.id, page).await.unwrap();
                page.after = listed.data.last().map(|payment| payment.id.to_u128());
                payments.extend(listed.data);
                if !listed.has_more {
                    break;
                }
            }
        }
        payments
    }

    async fn audit_payment(&self, payment: &Payment) {
        let id = payment.id;
        assert!(!payment.state.in_doubt(), "{id} is in doubt");
        assert!(payment.state.processing_reason().is_none(), "{id} waits for a bank: {:?}", payment.state);
        assert!(payment.captured <= payment.authorized, "{id} captured too much");
        assert!(payment.refunded + payment.refund_pending <= payment.captured, "{id} refunded too much");
        let newest = Page { limit: 100, after: None, before: None };
        let refunds = self.pcs().refunds(payment.merchant, newest).await.unwrap();
        if !refunds.has_more {
            let of_this = refunds.data.iter().filter(|refund| refund.payment == id);
            let sum =
                |state| of_this.clone().filter(|refund| refund.state == state).map(|r| r.amount).sum::<u64>();
            assert_eq!(sum(RefundState::Succeeded), payment.refunded, "{id} refunded");
            assert_eq!(
                sum(RefundState::Pending) + sum(RefundState::InDoubt),
                payment.refund_pending,
                "{id} promised"
            );
        }
        let last =
            self.pcs().history(payment.merchant, id).await.unwrap().pop().expect("a payment has a history");
        assert_eq!(last.event.payment.as_deref(), Some(payment), "the journal's last word on {id}");
    }

    /// What we say the bank owes us is what the bank says.
    async fn audit_bank(&self, name: &str, currency: Currency) {
        let totals = self.bank(name).totals().remove(&currency).unwrap_or_default();
        let owner = Owner::Bank(BankName::new(name).unwrap());
        let books = self.balance(AccountCode::BankClearing, owner, currency).await;
        let taken = totals.purchases.amount + totals.completions.amount;
        let given_back = totals.voids.amount + totals.refunds.amount;
        let posted = i128::from(taken) - i128::from(given_back);
        assert_eq!(books.net_posted(), posted, "posted at {name} in {currency}: {totals:?}");
        assert_eq!(books.net_pending(), i128::from(totals.open_holds.amount), "held at {name} in {currency}");
        let due: i64 = totals.net_due.values().sum();
        assert_eq!(posted, i128::from(due), "{name} contradicts itself in {currency}");
    }

    /// Payments, statistics and books say the same.
    async fn audit_sums(&self, currency: Currency, payments: &[Payment]) {
        let mut stats: BTreeMap<u16, i64> = BTreeMap::new();
        for shard in 0..self.store().shards() {
            for (_, count) in self.store().reads().all_counts(Shard(shard)).unwrap() {
                if count.currency == currency {
                    *stats.entry(count.metric).or_default() += count.amount;
                }
            }
        }
        let stat = |statistic: Statistic| i128::from(stats.get(&(statistic as u16)).copied().unwrap_or(0));
        let net = stat(Statistic::Captured) - stat(Statistic::Voided) - stat(Statistic::Refunded);
        let of_currency = || payments.iter().filter(|payment| payment.currency() == currency);
        let paid: u64 = of_currency().map(|payment| payment.captured - payment.refunded).sum();
        assert_eq!(i128::from(paid), net, "payments and statistics in {currency}");
        let fees: u64 = of_currency().map(|payment| payment.fee).sum();
        let income = self.balance(AccountCode::FeeIncome, Owner::None, currency).await;
        assert_eq!(
            (-income.net_posted(), stat(Statistic::Fee)),
            (i128::from(fees), i128::from(fees)),
            "fees"
        );
    }

    /// How many rows of a table there are for an owner; for "nothing was recorded".
    pub async fn rows(&self, table: Table, merchant: MerchantId) -> usize {
        let shard = store::shard_of(merchant, self.store().shards());
        self.store().scan(shard, table, merchant.to_u128(), None, 100_000).await.unwrap().len()
    }
}
