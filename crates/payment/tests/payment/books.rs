//! The books and the statistics that a payment's changes add up to.

use std::collections::BTreeMap;

use ledger::{AccountCode, AccountId, Balance, Entry};
use payment::{Stat, Statistic};

#[derive(Clone, Default)]
pub struct Books {
    balances: BTreeMap<AccountId, Balance>,
    stats: Vec<Stat>,
}

impl Books {
    /// Applies an entry as the store does. A counter below zero is our mistake.
    pub fn apply(&mut self, entry: Option<&Entry>, stats: &[Stat]) {
        for leg in entry.iter().flat_map(|entry| entry.legs()) {
            let balance = self.balances.entry(leg.account).or_default();
            *balance = balance.apply(leg).unwrap_or_else(|error| panic!("{error}: {leg:?} on {balance:?}"));
        }
        self.stats.extend_from_slice(stats);
    }

    pub fn balance(&self, code: AccountCode) -> Balance {
        let mut of_code = self.balances.iter().filter(|(account, _)| account.code == code);
        let balance = of_code.next().map_or_else(Balance::default, |(_, balance)| *balance);
        assert!(of_code.next().is_none(), "one payment touches one account of {code:?}");
        balance
    }

    /// What the bank owes us.
    pub fn due_from_bank(&self) -> i128 {
        self.balance(AccountCode::BankClearing).net_posted()
    }

    /// What the bank holds for us.
    pub fn held(&self) -> i64 {
        self.balance(AccountCode::BankClearing).debits_pending
    }

    /// What is set aside for refunds.
    pub fn promised(&self) -> i64 {
        self.balance(AccountCode::BankClearing).credits_pending
    }

    /// What we owe the merchant.
    pub fn due_to_merchant(&self) -> i128 {
        -self.balance(AccountCode::MerchantPayable).net_posted()
    }

    /// What we earned.
    pub fn fees(&self) -> i128 {
        -self.balance(AccountCode::FeeIncome).net_posted()
    }

    /// Whether all accounts together are in balance, posted and pending.
    pub fn balance_out(&self) -> bool {
        let all = || self.balances.values();
        all().map(Balance::net_posted).sum::<i128>() == 0
            && all().map(Balance::net_pending).sum::<i128>() == 0
    }

    /// Count and amount of a statistic.
    pub fn counted(&self, statistic: Statistic) -> (i64, i64) {
        let of_it = self.stats.iter().filter(|stat| stat.statistic == statistic);
        of_it.fold((0, 0), |(count, amount), stat| (count + stat.count, amount + stat.amount))
    }
}
