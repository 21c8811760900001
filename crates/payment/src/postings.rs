//! The ledger entries of a payment. Rules read like bookkeeping:
//!
//! | event                    | debit                          | credit                                      |
//! |--------------------------|--------------------------------|---------------------------------------------|
//! | authorized (hold)        | due from bank, pending         | due to merchant, pending                    |
//! | captured                 | due from bank                  | due to merchant (net), fee income           |
//! | adjusted (a tip)         | due from bank                  | due to merchant (net), fee income           |
//! | voided on the same day   | due to merchant (net), fee     | due from bank                               |
//! | refund promised          | due to merchant, pending       | due from bank, pending                      |
//! | refunded                 | due to merchant                | due from bank                               |
//!
//! A hold, once captured, voided or expired, is released in the same entry. The fee of a refunded sale is kept.

use ledger::{AccountCode, AccountId, BankName, Entry, Leg, Movement, Owner, Side};
use types::{Currency, Money};

use crate::{Payment, Refused};

/// The bank holds funds for us.
pub(crate) fn held(payment: &Payment, amount: Money) -> Result<Entry, Refused> {
    entry(pair(payment, Movement::Hold, Direction::In, amount)?)
}

/// The hold is over; nothing was taken.
pub(crate) fn released(payment: &Payment, hold: Money) -> Result<Entry, Refused> {
    entry(pair(payment, Movement::Release, Direction::In, hold)?)
}

/// The bank owes us all of the sale; we owe the merchant all but our fee.
pub(crate) fn captured(
    payment: &Payment,
    sale: Money,
    fee: Money,
    hold: Option<Money>,
) -> Result<Entry, Refused> {
    let mut legs = Vec::with_capacity(5);
    if let Some(hold) = hold {
        legs.extend(pair(payment, Movement::Release, Direction::In, hold)?);
    }
    legs.push(leg(from_bank(payment)?, Side::Debit, Movement::Post, sale));
    legs.push(leg(to_merchant(payment), Side::Credit, Movement::Post, sale.checked_sub(fee)?));
    legs.push(leg(fee_income(sale.currency()), Side::Credit, Movement::Post, fee));
    entry(legs)
}

/// The exact mirror of [`captured`], the fee included.
pub(crate) fn capture_taken_back(payment: &Payment, sale: Money, fee: Money) -> Result<Entry, Refused> {
    entry(vec![
        leg(to_merchant(payment), Side::Debit, Movement::Post, sale.checked_sub(fee)?),
        leg(fee_income(sale.currency()), Side::Debit, Movement::Post, fee),
        leg(from_bank(payment)?, Side::Credit, Movement::Post, sale),
    ])
}

/// The difference between what a sale came to and what it comes to now, and between the fees.
pub(crate) fn adjusted(
    payment: &Payment,
    (from, to): (Money, Money),
    (fee_from, fee_to): (Money, Money),
) -> Result<Entry, Refused> {
    if to.minor() >= from.minor() {
        captured(payment, to.checked_sub(from)?, fee_to.checked_sub(fee_from)?, None)
    } else {
        capture_taken_back(payment, from.checked_sub(to)?, fee_from.checked_sub(fee_to)?)
    }
}

/// Part of what we owe the merchant is set aside for a refund.
pub(crate) fn refund_promised(payment: &Payment, amount: Money) -> Result<Entry, Refused> {
    entry(pair(payment, Movement::Hold, Direction::Out, amount)?)
}

/// The promise is withdrawn.
pub(crate) fn refund_given_up(payment: &Payment, amount: Money) -> Result<Entry, Refused> {
    entry(pair(payment, Movement::Release, Direction::Out, amount)?)
}

/// The promise is kept: the bank gave the money back and takes it from what it owes us.
pub(crate) fn refunded(payment: &Payment, amount: Money) -> Result<Entry, Refused> {
    let mut legs = pair(payment, Movement::Release, Direction::Out, amount)?;
    legs.extend(pair(payment, Movement::Post, Direction::Out, amount)?);
    entry(legs)
}

enum Direction {
    /// From the bank to the merchant.
    In,
    /// From the merchant to the bank.
    Out,
}

fn pair(
    payment: &Payment,
    movement: Movement,
    direction: Direction,
    amount: Money,
) -> Result<Vec<Leg>, Refused> {
    let (bank, merchant) = (from_bank(payment)?, to_merchant(payment));
    let (debit, credit) = match direction {
        Direction::In => (bank, merchant),
        Direction::Out => (merchant, bank),
    };
    Ok(vec![leg(debit, Side::Debit, movement, amount), leg(credit, Side::Credit, movement, amount)])
}

fn leg(account: AccountId, side: Side, movement: Movement, amount: Money) -> Leg {
    Leg { account, side, movement, amount: amount.minor() }
}

/// A zero leg says nothing, so an entry leaves it out: a sale without a fee has two legs.
fn entry(legs: Vec<Leg>) -> Result<Entry, Refused> {
    Ok(Entry::new(legs.into_iter().filter(|leg| leg.amount > 0).collect())?)
}

fn from_bank(payment: &Payment) -> Result<AccountId, Refused> {
    let name = payment.bank().ok_or(ledger::EntryError::UnknownOwner)?;
    let bank = BankName::new(name).map_err(|_| ledger::EntryError::UnknownOwner)?;
    Ok(AccountId { code: AccountCode::BankClearing, owner: Owner::Bank(bank), currency: payment.currency() })
}

fn to_merchant(payment: &Payment) -> AccountId {
    AccountId {
        code: AccountCode::MerchantPayable,
        owner: Owner::Merchant(payment.merchant),
        currency: payment.currency(),
    }
}

fn fee_income(currency: Currency) -> AccountId {
    AccountId { code: AccountCode::FeeIncome, owner: Owner::None, currency }
}
