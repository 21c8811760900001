//! The laws, whatever happens in whatever order. They are checked after each act: entries balance and no counter
//! goes below zero; captured is within authorized, refunds within captured; the books, the statistics and the refunds
//! say what the payment says; each commit is one version; what is over stays over; what is allowed is what is taken.

use ledger::AccountCode;
use payment::{CaptureMethod, Held, Notice, RefundState, State, Statistic, Undo};
use proptest::prelude::*;

use crate::acts::{Act, act};
use crate::desk::Desk;
use crate::records::assert_readable;
use crate::table::accepted;
use crate::world::World;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_books_are_right_and_in_the_end_they_are_the_banks(
        amount in prop_oneof![1u64..20, 100u64..1_000_000],
        is_manual: bool,
        repeats: bool,
        offline: bool,
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let method = if is_manual { CaptureMethod::Manual } else { CaptureMethod::Automatic };
        let mut world = World::new(amount, method, repeats, offline && !is_manual);
        world.act(&Act::Confirm);
        for act in &acts {
            world.act(act);
        }
        world.settle();
        world.assert_bank_agrees();
    }
}

/// Holds the payment, its refunds, its books and everything that was told of it against each other.
pub fn assert_laws(desk: &mut Desk, told_so_far: &mut Vec<&'static str>) {
    told_so_far.extend(desk.notices());
    let told = |notice: Notice| told_so_far.iter().filter(|name| **name == notice.name()).count() as i32;
    let doubts = told(Notice::InDoubt) - told(Notice::InDoubtResolved);
    let (payment, books) = (desk.payment.clone(), &desk.books);
    assert!(books.balance_out());
    assert!(payment.captured <= payment.authorized);
    let may_be_more = payment.increment.is_some() || payment.adjustment.is_some();
    assert!(may_be_more || payment.authorized <= payment.terms.amount.minor());
    assert!(payment.refunded + payment.refund_pending <= payment.captured);
    assert!(payment.fee <= payment.captured);

    let has_hold = matches!(
        payment.state,
        State::Authorized
            | State::Capturing { .. }
            | State::Incrementing { .. }
            | State::Voiding { of: Held::Hold, .. }
            | State::Reversing {
                undo: Undo::Capture { .. } | Undo::Increment { .. } | Undo::Void { of: Held::Hold, .. }
            }
    );
    assert_eq!(books.held(), if has_hold { payment.authorized as i64 } else { 0 });
    assert_eq!(books.promised(), payment.refund_pending as i64);
    let merchant = books.balance(AccountCode::MerchantPayable);
    assert_eq!((merchant.credits_pending, merchant.debits_pending), (books.held(), books.promised()));

    let (captured, fee, refunded) = (payment.captured as i64, payment.fee as i64, payment.refunded as i64);
    assert_eq!(books.due_from_bank(), i128::from(captured - refunded));
    assert_eq!(books.due_to_merchant(), i128::from(captured - fee - refunded));
    assert_eq!(books.fees(), i128::from(fee));

    let amount = |statistic| books.counted(statistic).1;
    assert_eq!(amount(Statistic::Captured) - amount(Statistic::Voided), captured);
    assert_eq!(amount(Statistic::Fee), fee);
    assert_eq!(amount(Statistic::Refunded), refunded);

    let refunds = |wanted: &[RefundState]| {
        desk.refunds.iter().filter(|r| wanted.contains(&r.state)).map(|r| r.amount).sum::<u64>()
    };
    assert_eq!(refunds(&[RefundState::Succeeded]), payment.refunded);
    assert_eq!(refunds(&[RefundState::Pending, RefundState::InDoubt]), payment.refund_pending);

    assert_eq!(doubts, i32::from(payment.state.in_doubt()), "a doubt is told once, and its end too");
    assert_readable(&payment, &desk.refunds);
    assert_eq!(accepted(desk), payment.allowed_actions(desk.now));
}
