//! Test cards, and faults of the simulated banks.

use std::sync::Arc;
use std::time::Duration;

use api::{Fault as Wanted, FaultRefused, TestBank, TestCard, TestHelpers};
use banksim::{Fault, HowMany, Scope};
use iso8583::Mti;

use crate::demo::banks::DemoBank;
use crate::demo::data_dir::DemoFile;

/// What the demo's simulated banks offer.
pub struct Helpers {
    pub banks: Arc<Vec<DemoBank>>,
    pub file: DemoFile,
}

/// The faults that a person can switch on, by name.
const FAULTS: [&str; 9] = [
    "not_received",
    "no_answer",
    "slow",
    "duplicate_answer",
    "wrong_mac",
    "wrong_terminal",
    "half_frame",
    "connection_reset",
    "decline",
];

impl TestHelpers for Helpers {
    fn cards(&self) -> Vec<TestCard> {
        let card = |card: &crate::demo::TestCard| TestCard {
            number: card.number.clone(),
            brand: card.brand.clone(),
            bank: "every simulated bank".to_owned(),
            behaviour: card.behaviour.clone(),
            currencies: ["CNY", "EUR", "USD", "JPY"].map(str::to_owned).to_vec(),
        };
        self.file.test_cards.iter().map(card).collect()
    }

    fn banks(&self) -> Vec<TestBank> {
        let simulated = self.banks.iter().filter(|bank| bank.simulator.is_some());
        let faults = || FAULTS.iter().map(|&name| name.to_owned()).chain(["none".to_owned()]).collect();
        simulated.map(|bank| TestBank { name: bank.name.to_owned(), faults: faults() }).collect()
    }

    fn inject(&self, bank: &str, wanted: Wanted) -> Result<(), FaultRefused> {
        let found =
            self.banks.iter().find(|known| known.name == bank).and_then(|bank| bank.simulator.as_ref());
        let bank = found.ok_or(FaultRefused::UnknownBank)?;
        if wanted.fault == "none" {
            bank.clear_faults();
            bank.release();
            return Ok(());
        }
        let unknown = || FaultRefused::UnknownFault(FAULTS.iter().map(|&name| name.to_owned()).collect());
        let fault = fault(&wanted.fault).ok_or_else(unknown)?;
        let how_many = wanted.count.map_or(HowMany::Always, HowMany::Next);
        let mti = wanted.mti.as_deref().and_then(|mti| Mti::parse(mti).ok());
        bank.set_fault(fault, Scope { how_many, mti, ..Scope::next() });
        Ok(())
    }
}

fn fault(name: &str) -> Option<Fault> {
    Some(match name {
        "not_received" => Fault::NotReceived,
        "no_answer" => Fault::NoAnswer,
        "slow" => Fault::Delay(Duration::from_secs(2)),
        "duplicate_answer" => Fault::DuplicateAnswer,
        "wrong_mac" => Fault::WrongMac,
        "wrong_terminal" => Fault::WrongTerminal,
        "half_frame" => Fault::HalfFrame,
        "connection_reset" => Fault::Reset,
        "decline" => Fault::Decline("05".to_owned()),
        _ => return None,
    })
}
