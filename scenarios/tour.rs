//! The guided tour runs on a demo of its own, and everything adds up at its end.

use std::process::Command;

#[test]
fn the_tour_shows_every_station_and_adds_up() {
    let output = Command::new(env!("CARGO_BIN_EXE_lian")).arg("try").output().expect("lian try runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    for station in
        ["Consume", "Authorize", "Void", "Refund", "Decline", "never answers", "again", "webhooks", "books"]
    {
        assert!(shown.contains(station), "the tour lacks {station}:\n{shown}");
    }
    assert!(shown.contains("Everything adds up."), "{shown}");
    assert!(!card::contains_pan(&shown), "the tour shows a card number");
}
