//! What a bank has told of itself and what its links have met, for the people who operate the gateway. It is heard
//! whenever somebody looks, and by [`crate::Pcs::work`] a few times a second, so times are those of the hearing. It is of
//! this process and its links, and forgotten with them: what must not be forgotten is in the journal.

use std::collections::VecDeque;

use hostlink::{Host, LateReply, LinkEvent};
use iso8583::Fields;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use types::Timestamp;

/// How many words are remembered.
const REMEMBERED: usize = 50;

/// One thing that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// When it was heard.
    pub at: Timestamp,
    /// The link it is about, counted from 1; none where it is about the bank.
    pub link: Option<usize>,
    /// A stable code, such as `keys_refused`.
    pub code: &'static str,
    /// In plain words.
    pub text: String,
}

/// What has been heard of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkTold {
    /// When it signed on last.
    pub signed_on_at: Option<Timestamp>,
    /// When it took up new working keys last.
    pub keys_at: Option<Timestamp>,
}

/// What has been heard of a bank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Of its links, in their order.
    pub links: Vec<LinkTold>,
    /// When its accounting day changed last.
    pub cut_over_at: Option<Timestamp>,
    /// When it signed itself off, if it has not come back since.
    pub signed_off_at: Option<Timestamp>,
    /// When it ordered its parameters to be fetched last, if they have not been fetched since.
    pub parameters_wanted_at: Option<Timestamp>,
    /// Answers that nobody waited for.
    pub late_answers: u64,
    /// What was said faster than it was heard.
    pub missed: u64,
    /// The latest words, oldest first.
    pub latest: VecDeque<Word>,
}

/// The ears that are open for a bank.
pub(super) struct Ears {
    events: Receiver<LinkEvent>,
    late: Receiver<LateReply>,
    pub told: Told,
}

impl Ears {
    pub fn of(host: &Host) -> Self {
        let told = Told { links: vec![LinkTold::default(); host.links().len()], ..Told::default() };
        Self { events: host.events(), late: host.late(), told }
    }

    /// Hears what has been said since the last time. `fetches` says whether its parameters can be fetched.
    pub fn hear(&mut self, bank: &str, fetches: bool, now: Timestamp) -> News {
        let mut news = News::default();
        while let Some(event) = next(&mut self.events, &mut self.told.missed) {
            news.day_changed |= matches!(event, LinkEvent::SignedOn { .. } | LinkEvent::CutOver { .. });
            news.parameters_wanted |= matches!(event, LinkEvent::ParametersWanted { .. });
            self.told.take(bank, &event, fetches, now);
        }
        while let Some(late) = next(&mut self.late, &mut self.told.missed) {
            self.told.late_answers += 1;
            self.told.keep(now, None, "late_answer", late_words(&late));
        }
        news
    }
}

/// What asks for something to be done.
#[derive(Clone, Copy, Default)]
pub(super) struct News {
    /// The bank may have another batch or day.
    pub day_changed: bool,
    /// It has ordered its parameters to be fetched.
    pub parameters_wanted: bool,
}

fn next<T: Clone>(from: &mut Receiver<T>, missed: &mut u64) -> Option<T> {
    loop {
        match from.try_recv() {
            Ok(said) => return Some(said),
            Err(TryRecvError::Lagged(by)) => *missed += by,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
        }
    }
}

impl Told {
    fn take(&mut self, bank: &str, event: &LinkEvent, fetches: bool, now: Timestamp) {
        let link_of = |link: &usize| Some(link + 1);
        match event {
            LinkEvent::SignedOn { link, facts } => {
                self.signed_off_at = None;
                if let Some(told) = self.links.get_mut(*link) {
                    told.signed_on_at = Some(now);
                }
                let batch = facts.batch.as_deref().map(|batch| format!("; its batch is {batch}"));
                let day = facts.settlement_date.as_deref().map(|day| format!("; its day is {day}"));
                let facts = [batch, day].into_iter().flatten().collect::<String>();
                self.keep(now, link_of(link), "signed_on", format!("signed on at {bank}{facts}"));
            }
            LinkEvent::CutOver { settlement_date } => {
                self.cut_over_at = Some(now);
                let date = settlement_date.as_deref().unwrap_or("not told");
                tracing::info!(bank.name = bank, settlement_date = date, "{bank} has ended its day");
                self.keep(now, None, "cut_over", format!("has ended its day; the new one is {date}"));
            }
            LinkEvent::KeysExchanged { link } => {
                if let Some(told) = self.links.get_mut(*link) {
                    told.keys_at = Some(now);
                }
                self.keep(now, link_of(link), "keys_exchanged", "new working keys are in use".to_owned());
            }
            // The link has said so in the log as it stopped.
            LinkEvent::KeysRefused { link, why } => {
                self.keep(now, link_of(link), "keys_refused", format!("stopped: {why}"));
            }
            LinkEvent::ParametersWanted { link } => {
                self.parameters_wanted_at = Some(now);
                let text = if fetches {
                    "wants its parameters to be fetched"
                } else {
                    "wants its parameters to be fetched; the gateway has no way to, so ask the bank what changed"
                };
                tracing::warn!(bank.name = bank, link = link + 1, "{bank} {text}");
                self.keep(now, link_of(link), "parameters_wanted", text.to_owned());
            }
            LinkEvent::BankSignedOff { link } => {
                self.signed_off_at = Some(now);
                self.keep(now, link_of(link), "bank_signed_off", "has signed itself off".to_owned());
            }
            other => self.keep(now, None, "other", format!("{other:?}")),
        }
    }

    pub(super) fn keep(&mut self, at: Timestamp, link: Option<usize>, code: &'static str, text: String) {
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back(Word { at, link, code, text });
    }
}

fn late_words(late: &LateReply) -> String {
    let field = |fields: &Fields, de| fields.get(de).map_or("-", str::trim).to_owned();
    let fields = &late.fields;
    format!(
        "an answer that nobody waited for ({:?}): {} with STAN {}, terminal {}, response code {}{}",
        late.reason,
        fields.mti(),
        field(fields, 11),
        field(fields, 41),
        field(fields, 39),
        if late.authentic { "" } else { "; its MAC is wrong or missing" },
    )
}
