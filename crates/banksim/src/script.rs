//! What happens at a bank and when, as a file says it. Pure; [`crate::Bank::play`] lets it happen.

use std::time::Duration;

use iso8583::Mti;
use serde::Deserialize;

use crate::fault::{Fault, HowMany, Scope};
use crate::notice::Notice;

/// A script that cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {rule}")]
pub struct ScriptError {
    /// Where: `step[2].fault`.
    pub place: String,
    /// The rule it breaks.
    pub rule: String,
}

/// Something that a bank does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Ends the accounting day and says so.
    CutOver,
    /// Ends all connections.
    Disconnect,
    /// Takes no connections and ends those there are, until it opens again.
    Shut,
    /// Takes connections again.
    Open,
    /// Lets go of what was held back.
    Release,
    /// Takes back all faults.
    ClearFaults,
    /// Says something over every connection.
    Say(Notice),
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The fault of this step begins.
    Begin(usize, Fault, Scope),
    /// The fault of this step ends.
    End(usize),
    Do(Deed),
}

/// What happens at a bank and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    acts: Vec<(Duration, Act)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    step: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at_ms: u64,
    for_ms: Option<u64>,
    bank: Option<String>,
    fault: Option<String>,
    by_ms: Option<u64>,
    code: Option<String>,
    mti: Option<String>,
    last4: Option<String>,
    connection: Option<usize>,
    times: Option<u32>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`] names the step and the rule it breaks.
    pub fn from_toml(text: &str) -> Result<Self, ScriptError> {
        let document: Document = toml::from_str(text)
            .map_err(|error| ScriptError { place: "(document)".to_owned(), rule: error.to_string() })?;
        let mut acts = Vec::new();
        for (index, step) in document.step.into_iter().enumerate() {
            step.acts(index, &mut acts)
                .map_err(|(key, rule)| ScriptError { place: format!("step[{index}].{key}"), rule })?;
        }
        // Steps of the same moment happen as they are written.
        acts.sort_by_key(|(at, _)| *at);
        Ok(Self { acts })
    }

    pub(crate) fn acts(&self) -> &[(Duration, Act)] {
        &self.acts
    }

    /// When the last thing happens.
    pub fn length(&self) -> Duration {
        self.acts.last().map_or(Duration::ZERO, |(at, _)| *at)
    }
}

type Wrong = (&'static str, String);

impl Step {
    fn acts(&self, index: usize, acts: &mut Vec<(Duration, Act)>) -> Result<(), Wrong> {
        let at = Duration::from_millis(self.at_ms);
        let end = self.for_ms.map(|lasts| at + Duration::from_millis(lasts));
        match (&self.bank, &self.fault) {
            (Some(word), None) => {
                let deed = deed(word).ok_or_else(|| ("bank", format!("the bank does no {word:?}")))?;
                acts.push((at, Act::Do(deed)));
                match (deed, end) {
                    (_, None) => {}
                    (Deed::Shut, Some(end)) => acts.push((end, Act::Do(Deed::Open))),
                    (_, Some(_)) => return Err(("for_ms", "only a fault, or \"shut\", lasts".to_owned())),
                }
                let about_faults = self.times.is_some() || self.mti.is_some() || self.last4.is_some();
                if about_faults || self.connection.is_some() {
                    return Err(("bank", "mti, last4, connection and times are about faults".to_owned()));
                }
            }
            (None, Some(word)) => {
                acts.push((at, Act::Begin(index, self.fault(word)?, self.scope()?)));
                acts.extend(end.map(|end| (end, Act::End(index))));
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(("at_ms", "a step has either a fault or something the bank does".to_owned()));
            }
        }
        Ok(())
    }

    fn fault(&self, word: &str) -> Result<Fault, Wrong> {
        let fault = match word {
            "delay" => {
                let by = self.by_ms.ok_or(("by_ms", "a delay says by how much".to_owned()))?;
                return Ok(Fault::Delay(Duration::from_millis(by)));
            }
            "decline" => {
                let code = self.code.clone().filter(|code| matches!(code.len(), 2 | 3) && code.is_ascii());
                let code = code.ok_or(("code", "a decline says its response code".to_owned()))?;
                return Ok(Fault::Decline(code));
            }
            "not_received" => Fault::NotReceived,
            "no_answer" => Fault::NoAnswer,
            "held_answer" => Fault::HeldAnswer,
            "held_request" => Fault::HeldRequest,
            "duplicate_answer" => Fault::DuplicateAnswer,
            "wrong_mac" => Fault::WrongMac,
            "wrong_terminal" => Fault::WrongTerminal,
            "wrong_stan" => Fault::WrongStan,
            "wrong_amount" => Fault::WrongAmount,
            "half_frame" => Fault::HalfFrame,
            "reset" => Fault::Reset,
            "garbage_before" => Fault::GarbageBefore,
            "wrong_check_value" => Fault::WrongCheckValue,
            "no_keys" => Fault::NoKeys,
            "other_link" => Fault::OtherLink,
            "not_booked" => Fault::NotBooked,
            _ => return Err(("fault", format!("there is no fault {word:?}"))),
        };
        Ok(fault)
    }

    fn scope(&self) -> Result<Scope, Wrong> {
        let mti = match &self.mti {
            Some(text) => Some(Mti::parse(text).map_err(|error| ("mti", error.to_string()))?),
            None => None,
        };
        let how_many = match (self.times, self.for_ms) {
            (Some(0), _) => return Err(("times", "at least 1".to_owned())),
            (Some(times), _) => HowMany::Next(times),
            (None, Some(_)) => HowMany::Always,
            (None, None) => HowMany::Next(1),
        };
        Ok(Scope { how_many, mti, last4: self.last4.clone(), connection: self.connection })
    }
}

fn deed(word: &str) -> Option<Deed> {
    Some(match word {
        "cut_over" => Deed::CutOver,
        "disconnect" => Deed::Disconnect,
        "shut" => Deed::Shut,
        "open" => Deed::Open,
        "release" => Deed::Release,
        "clear_faults" => Deed::ClearFaults,
        "echo" => Deed::Say(Notice::Echo),
        "new_keys" => Deed::Say(Notice::NewKeys),
        "wrong_keys" => Deed::Say(Notice::WrongKeys),
        "key_exchange" => Deed::Say(Notice::KeyExchange),
        "sign_on" => Deed::Say(Notice::SignOn),
        "sign_off" => Deed::Say(Notice::SignOff),
        "parameters" => Deed::Say(Notice::Parameters),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_a_line_of_events_in_their_order() {
        let script = Script::from_toml(
            "[[step]]\nat_ms = 5000\nfor_ms = 1000\nfault = \"no_answer\"\nmti = \"0200\"\n\
             [[step]]\nat_ms = 2000\nbank = \"shut\"\nfor_ms = 500\n\
             [[step]]\nat_ms = 5500\nbank = \"cut_over\"\n\
             [[step]]\nat_ms = 0\nfault = \"delay\"\nby_ms = 30\ntimes = 2\n",
        )
        .unwrap();
        let ms = Duration::from_millis;
        let always = Scope::always().of(Mti::FINANCIAL_REQUEST);
        let twice = Scope { how_many: HowMany::Next(2), ..Scope::next() };
        let expected = [
            (ms(0), Act::Begin(3, Fault::Delay(ms(30)), twice)),
            (ms(2000), Act::Do(Deed::Shut)),
            (ms(2500), Act::Do(Deed::Open)),
            (ms(5000), Act::Begin(0, Fault::NoAnswer, always)),
            (ms(5500), Act::Do(Deed::CutOver)),
            (ms(6000), Act::End(0)),
        ];
        assert_eq!(script.acts(), expected);
        assert_eq!(script.length(), ms(6000));
    }

    #[test]
    fn a_mistake_in_a_script_is_named_with_its_step() {
        for (step, place, rule) in [
            ("at_ms = 1\nfault = \"nothing\"", "step[0].fault", "nothing"),
            ("at_ms = 1\nbank = \"dance\"", "step[0].bank", "dance"),
            ("at_ms = 1", "step[0].at_ms", "either"),
            ("at_ms = 1\nbank = \"echo\"\nfault = \"reset\"", "step[0].at_ms", "either"),
            ("at_ms = 1\nfault = \"delay\"", "step[0].by_ms", "how much"),
            ("at_ms = 1\nfault = \"decline\"\ncode = \"5\"", "step[0].code", "response code"),
            ("at_ms = 1\nfault = \"reset\"\ntimes = 0", "step[0].times", "at least 1"),
            ("at_ms = 1\nfault = \"reset\"\nmti = \"02\"", "step[0].mti", ""),
            ("at_ms = 1\nbank = \"echo\"\nfor_ms = 1", "step[0].for_ms", "lasts"),
            ("at_ms = 1\nbank = \"echo\"\nmti = \"0200\"", "step[0].bank", "faults"),
            ("at = 1\nbank = \"echo\"", "(document)", "unknown field"),
        ] {
            let said = Script::from_toml(&format!("[[step]]\n{step}\n")).unwrap_err();
            assert!(said.place == place && said.rule.contains(rule), "{step}: {said}");
        }
    }
}
