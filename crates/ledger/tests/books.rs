//! Whatever is booked, the books balance.

use std::collections::HashMap;

use ledger::{AccountCode, AccountId, Balance, BankName, Entry, Leg, Movement, Owner, Side};
use proptest::prelude::*;
use types::{Currency, MerchantId};

fn accounts(currency: Currency) -> [AccountId; 3] {
    let bank = Owner::Bank(BankName::new("bank").unwrap());
    let merchant = Owner::Merchant(MerchantId::from_u128(1));
    [
        AccountId { code: AccountCode::BankClearing, owner: bank, currency },
        AccountId { code: AccountCode::MerchantPayable, owner: merchant, currency },
        AccountId { code: AccountCode::FeeIncome, owner: Owner::None, currency },
    ]
}

/// Two accounts, a movement and an amount.
fn entry() -> impl Strategy<Value = Entry> {
    let currency = prop::sample::select(vec![Currency::CNY, Currency::EUR]);
    let movement = prop::sample::select(vec![Movement::Hold, Movement::Release, Movement::Post]);
    (currency, movement, 0..3usize, 0..3usize, 1u64..1_000).prop_map(
        |(currency, movement, debit, credit, amount)| {
            let leg = |account, side| Leg { account: accounts(currency)[account], side, movement, amount };
            Entry::new(vec![leg(debit, Side::Debit), leg(credit, Side::Credit)]).unwrap()
        },
    )
}

/// An entry takes effect as a whole or not at all, as in the store.
fn book(books: &mut HashMap<AccountId, Balance>, entry: &Entry) -> bool {
    let mut after = books.clone();
    for leg in entry.legs() {
        let balance = after.entry(leg.account).or_default();
        match balance.apply(leg) {
            Ok(applied) => *balance = applied,
            Err(_) => return false,
        }
    }
    *books = after;
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Holds, releases and posts in any order, some of them refused: all accounts of a currency add up to nothing,
    /// pending and posted, and nothing pending is ever negative.
    #[test]
    fn all_accounts_of_a_currency_add_up_to_nothing(entries in prop::collection::vec(entry(), 0..60)) {
        let mut books = HashMap::new();
        for entry in &entries {
            book(&mut books, entry);
            for currency in [Currency::CNY, Currency::EUR] {
                let of = || books.iter().filter(|(account, _)| account.currency == currency).map(|(_, balance)| balance);
                prop_assert_eq!(of().map(Balance::net_posted).sum::<i128>(), 0);
                prop_assert_eq!(of().map(Balance::net_pending).sum::<i128>(), 0);
            }
            prop_assert!(books.values().all(|balance| balance.debits_pending >= 0 && balance.credits_pending >= 0));
        }
    }

    /// What was held can be released, once: then the pending counters are as before.
    #[test]
    fn a_release_undoes_its_hold(amount in 1u64..1_000_000) {
        let [bank, merchant, _] = accounts(Currency::CNY);
        let pair = |movement| Entry::new(vec![
            Leg { account: bank, side: Side::Debit, movement, amount },
            Leg { account: merchant, side: Side::Credit, movement, amount },
        ]).unwrap();
        let mut books = HashMap::new();
        prop_assert!(book(&mut books, &pair(Movement::Hold)));
        prop_assert!(book(&mut books, &pair(Movement::Release)));
        prop_assert!(books.values().all(|balance| *balance == Balance::default()));
        prop_assert!(!book(&mut books, &pair(Movement::Release)));
    }
}
