//! Every event in every state: where it leads, or that it is refused.

use std::collections::BTreeMap;

use payment::{CaptureMethod, Event, FeePlan, Refused, State};

use crate::desk::{ABANDON, Desk, SILENT, SILENT_TO_AN_ADVICE, approved, attach, decline, declined};

/// Columns: a card is attached; the payment is confirmed; the bank says yes, yes to another amount, no; it is silent and
/// the dialect reverses, or repeats; the message never left; it never left and goes to another bank; the reversal is
/// acknowledged; the merchant captures, has more held, adjusts the sale, voids; time voids; the payment is abandoned without a message;
/// people give up what the bank will not be told.
/// `-` is refused, `=` stays.
#[rustfmt::skip]
const TABLE: &str = "
                  attach confirm yes    other  no     silent repeat unsent reroute acked  capture more adjust void   expire abandon give_up
no_card           card   -       -      -      -      -      -      -      -       -      -       -    -      -      -      abandoned -
card              =      consume -      -      -      -      -      -      -       -      -       -    -      -      -      abandoned -
card_hold         =      auth    -      -      -      -      -      -      -       -      -       -    -      -      -      abandoned -
auth              -      -       held   rev    failed rev    rev    failed =       -      -       -    -      -      -      -       -
consume           -      -       sold   rev    failed rev    rev    failed =       -      -       -    -      -      -      -       -
advise            -      -       sold   adv_d  adv_d  adv_d  adv_d  adv_d  -       -      -       -    -      -      -      -       -
adv_d             -      -       sold   =      =      =      =      =      -       -      -       -    -      -      -      -       failed
held              -      -       -      -      -      -      -      -      -       -      capt    incr -      void_h exp_h  -       -
capt              -      -       sold   rev_c  held   rev_c  capt_d held   -       -      -       -    -      -      -      -       -
capt_d            -      -       sold   rev_c  held   rev_c  =      =      -       -      -       -    -      -      -      -       -
incr              -      -       held   rev_i  held   rev_i  rev_i  held   -       -      -       -    -      -      -      -       -
sold              -      -       -      -      -      -      -      -      -       -      -       -    adj    void_s -      -       -
adj               -      -       tipped rev_a  sold   rev_a  adj_d  sold   -       -      -       -    -      -      -      -       -
adj_d             -      -       tipped rev_a  sold   rev_a  =      =      -       -      -       -    -      -      -      -       -
tipped            -      -       -      -      -      -      -      -      -       -      -       -    -      void_s -      -       -
void_h            -      -       voided rev_vh held   rev_vh rev_vh held   -       -      -       -    -      -      -      -       -
exp_h             -      -       expird rev_xh expird rev_xh rev_xh held   -       -      -       -    -      -      -      -       -
void_s            -      -       voided rev_vs sold   rev_vs rev_vs sold   -       -      -       -    -      -      -      -       -
rev               -      -       =      =      =      =      =      =      -       undone -       -    -      -      -      -       -
rev_c             -      -       =      =      =      =      =      =      -       held   -       -    -      -      -      -       -
rev_i             -      -       =      =      =      =      =      =      -       held   -       -    -      -      -      -       -
rev_a             -      -       =      =      =      =      =      =      -       sold   -       -    -      -      -      -       -
rev_vh            -      -       =      =      =      =      =      =      -       held   -       -    -      -      -      -       -
rev_xh            -      -       =      =      =      =      =      =      -       held   -       -    -      -      -      -       -
rev_vs            -      -       =      =      =      =      =      =      -       sold   -       -    -      -      -      -       -
failed            -      -       -      -      -      -      -      -      -       -      -       -    -      -      -      -       -
undone            -      -       -      -      -      -      -      -      -       -      -       -    -      -      -      -       -
voided            -      -       -      -      -      -      -      -      -       -      -       -    -      -      -      -       -
expird            -      -       -      -      -      -      -      -      -       -      -       -    -      -      -      -       -
abandoned         -      -       -      -      -      -      -      -      -       -      -       -    -      -      -      -       -
";

const AMOUNT: u64 = 100_00;
const TIPPED: u64 = 110_00;

/// A payment in every state, by the name of its row. Manual ones capture all of it, so that a capture and a sale end alike.
pub fn in_every_state() -> BTreeMap<&'static str, Desk> {
    let capturing = || {
        let mut desk = Desk::held(AMOUNT);
        let capture = desk.capture(AMOUNT);
        desk.after(capture)
    };
    let incrementing = || {
        let mut desk = Desk::held(AMOUNT);
        let increment = desk.increment(AMOUNT);
        desk.after(increment)
    };
    let adjusting = || {
        let mut desk = Desk::sold(AMOUNT);
        let adjust = desk.adjust(TIPPED);
        desk.after(adjust)
    };
    let voiding = |start: fn(u64) -> Desk| {
        let mut desk = start(AMOUNT);
        let void = desk.void();
        desk.after(void)
    };
    let expiring = || {
        let mut desk = Desk::held(AMOUNT);
        let expire = desk.expire();
        desk.after(expire)
    };
    let card = |method| Desk::new(AMOUNT, method);
    BTreeMap::from([
        ("no_card", Desk::without_card(AMOUNT, CaptureMethod::Automatic, FeePlan::default())),
        ("card", card(CaptureMethod::Automatic)),
        ("card_hold", card(CaptureMethod::Manual)),
        ("auth", Desk::authorizing(AMOUNT)),
        ("consume", Desk::consuming(AMOUNT)),
        ("advise", Desk::advising(AMOUNT)),
        ("adv_d", Desk::advising(AMOUNT).after(SILENT_TO_AN_ADVICE)),
        ("held", Desk::held(AMOUNT)),
        ("capt", capturing()),
        ("capt_d", capturing().after(SILENT_TO_AN_ADVICE)),
        ("incr", incrementing()),
        ("rev_i", incrementing().after(SILENT)),
        ("sold", Desk::sold(AMOUNT)),
        ("adj", adjusting()),
        ("adj_d", adjusting().after(SILENT_TO_AN_ADVICE)),
        ("rev_a", adjusting().after(SILENT)),
        ("tipped", adjusting().after(approved(TIPPED))),
        ("void_h", voiding(Desk::held)),
        ("exp_h", expiring()),
        ("void_s", voiding(Desk::sold)),
        ("rev", Desk::consuming(AMOUNT).after(SILENT)),
        ("rev_c", capturing().after(SILENT)),
        ("rev_vh", voiding(Desk::held).after(SILENT)),
        ("rev_xh", expiring().after(SILENT)),
        ("rev_vs", voiding(Desk::sold).after(SILENT)),
        ("failed", Desk::consuming(AMOUNT).after(declined())),
        ("undone", Desk::consuming(AMOUNT).after(SILENT).after(Event::ReversalAccepted)),
        ("voided", voiding(Desk::held).after(approved(AMOUNT))),
        ("expird", expiring().after(approved(AMOUNT))),
        ("abandoned", card(CaptureMethod::Automatic).after(ABANDON)),
    ])
}

/// What the bank was asked for.
fn asked(desk: &Desk) -> u64 {
    if matches!(desk.payment.state, State::Adjusting { .. }) { TIPPED } else { AMOUNT }
}

fn event(column: &str, desk: &mut Desk) -> Event {
    match column {
        "attach" => attach(),
        "confirm" => desk.confirm(),
        "yes" => approved(asked(desk)),
        "other" => approved(asked(desk) - 1),
        "no" => declined(),
        "silent" => SILENT,
        "repeat" => SILENT_TO_AN_ADVICE,
        "unsent" => Event::NeverLeft,
        "reroute" => desk.reroute(),
        "acked" => Event::ReversalAccepted,
        "capture" => desk.capture(AMOUNT),
        "more" => desk.increment(AMOUNT),
        "adjust" => desk.adjust(TIPPED),
        "void" => desk.void(),
        "expire" => desk.expire(),
        "abandon" => ABANDON,
        "give_up" => Event::GivenUp(decline()),
        other => panic!("no event is called {other}"),
    }
}

#[test]
fn every_event_in_every_state_leads_where_the_table_says_or_is_refused() {
    let mut lines = TABLE.trim_matches('\n').lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    let mut rows_seen = 0;
    for line in lines {
        rows_seen += 1;
        assert_eq!(line.len(), columns.len() + 1, "{line:?}");
        for (column, expected) in columns.iter().zip(&line[1..]) {
            let cell = format!("{column} in {}", line[0]);
            let mut states = in_every_state();
            let names: BTreeMap<_, State> =
                states.iter().map(|(name, desk)| (*name, desk.payment.state)).collect();
            let desk = states.get_mut(line[0]).unwrap();
            let before = desk.payment.clone();
            let event = event(column, desk);
            match (desk.tell(event), *expected) {
                (Err(Refused::InvalidState { state, .. }), "-") => assert_eq!(state, before.state, "{cell}"),
                // It comes to that already.
                (Err(Refused::AdjustsNothing { .. }), "-") => {
                    assert_eq!((*column, line[0]), ("adjust", "tipped"))
                }
                (Err(Refused::TooLateToVoid), "-") => {
                    assert!(*column == "expire" && ["sold", "tipped"].contains(&line[0]), "{cell}");
                }
                (Ok(()), "=") => assert_eq!(desk.payment.state, before.state, "{cell}"),
                (Ok(()), name) if name != "-" => assert_eq!(desk.payment.state, names[name], "{cell}"),
                (got, expected) => panic!("{cell}: {got:?}, and the table says {expected}"),
            }
        }
    }
    assert_eq!(rows_seen, in_every_state().len(), "each state has a row");
}

#[test]
fn a_refund_is_refused_in_every_state_but_captured() {
    for (name, mut desk) in in_every_state() {
        let before = desk.payment.clone();
        match desk.refund(Some(1)) {
            Ok(_) => assert!(["sold", "tipped"].contains(&name), "{name}"),
            Err(refused) => {
                assert_eq!(refused, Refused::InvalidState { state: before.state, event: "refund" });
                assert_eq!(desk.payment, before);
            }
        }
    }
}

#[test]
fn what_is_said_to_be_allowed_in_a_state_is_what_is_taken_there() {
    for (name, mut desk) in in_every_state() {
        let allowed = desk.payment.state.allowed_actions();
        assert_eq!(
            desk.payment.allowed_actions(desk.now),
            allowed,
            "{name}: nothing is refunded, the day is young"
        );
        assert_eq!(accepted(&mut desk), allowed, "{name}");
    }
}

/// What the payment really takes now, found by trying.
pub fn accepted(desk: &mut Desk) -> Vec<&'static str> {
    let (payment, now) = (desk.payment.clone(), desk.now);
    let with_card = payment.step(attach(), now).map_or(payment.clone(), |change| change.payment);
    let confirm = desk.confirm();
    let capture = desk.capture(1);
    let increment = desk.increment(1);
    let adjust = desk.adjust(payment.captured + 1);
    let void = desk.void();
    let is_taken = |event| payment.step(event, now).is_ok();
    let mut accepted = Vec::new();
    if with_card.step(confirm, now).is_ok() {
        accepted.push("confirm");
    }
    if is_taken(capture) {
        accepted.push("capture");
    }
    if is_taken(increment) {
        accepted.push("increment");
    }
    if is_taken(adjust) {
        accepted.push("adjust");
    }
    if desk.can_refund() {
        accepted.push("refund");
    }
    if is_taken(void) || is_taken(ABANDON) {
        accepted.push("void");
    }
    accepted
}
