//! Totals where they stand in the standard's own fields: 74 to 77 count, 86 to 89 add up, 50 names the currency.

use iso8583::{Fields, Message};
use types::Currency;

use super::set;
use crate::reconcile::BatchTotals;
use crate::totals::Sum;

/// What the other side says that it has.
pub(super) fn claimed(message: &Message<'_>) -> Option<(Currency, BatchTotals)> {
    let number = |de| message.get(de).map_or(Some(0), |value| value.as_u64());
    let sum = |count, amount| Some(Sum { count: number(count)?, amount: number(amount)? });
    let currency = message.get(50)?.to_text().parse().ok().and_then(Currency::from_numeric)?;
    let totals = BatchTotals {
        credits: sum(74, 86)?,
        credit_reversals: sum(75, 87)?,
        debits: sum(76, 88)?,
        debit_reversals: sum(77, 89)?,
    };
    Some((currency, totals))
}

/// The bank's own, in the same fields.
pub(super) fn put(fields: &mut Fields, own: &BatchTotals) {
    let all = [own.credits, own.credit_reversals, own.debits, own.debit_reversals];
    for (place, sum) in (0u8..).zip(all) {
        set(fields, 74 + place, &format!("{:010}", sum.count));
        set(fields, 86 + place, &format!("{:016}", sum.amount));
    }
}
