//! Items of a batch that the other side tells after totals that differ: the bank adds what it lacks. Pure.

use types::Currency;

use crate::books::Books;
use crate::cards::cards;
use crate::record::{Answer, Effect, Event, Record, RecordKind, Reference};
use crate::request::{BatchKey, UploadedItem};

impl Books {
    /// What an item changes; nothing where the bank has it. A card that it does not know is refused.
    pub fn uploaded(
        &self,
        batch: &BatchKey,
        currency: Currency,
        item: &UploadedItem,
    ) -> Result<Option<Event>, &'static str> {
        let card = item.card.ok_or("14")?;
        let known = self.record_of(&item.reference).filter(|(_, record)| !record.reversed);
        let number = self.next_event();
        let answered = self.answer_of(&item.reference);
        let (reference, effect) = match known {
            Some((_, record)) if record.amount == item.amount => return Ok(None),
            Some((number, _)) => {
                let Reference(name) = &item.reference;
                (Reference(format!("upload|{name}")), Effect::Adjust { number, to: item.amount })
            }
            None => {
                let record = Record {
                    kind: if item.is_credit { RecordKind::Refund } else { RecordKind::Sale },
                    card,
                    currency,
                    amount: item.amount,
                    acceptor: batch.acceptor.clone(),
                    terminal: batch.terminal.clone(),
                    day: String::new(),
                    authorization_code: answered
                        .and_then(|(_, _, answer)| answer.authorization_code.clone())
                        .unwrap_or_else(|| format!("{:06}", number % 1_000_000)),
                    target: None,
                    live: false,
                    reversed: false,
                    refunded: 0,
                    increments: 0,
                    batch: batch.number,
                };
                (item.reference.clone(), Effect::Open { number, record })
            }
        };
        // Whoever repeats the message itself gets the answer of the first time.
        let kept = answered.filter(|_| matches!(effect, Effect::Open { .. })).cloned();
        let (kind, amount, answer) = kept.unwrap_or_else(|| {
            ("upload".to_owned(), item.amount, Answer::of_code("00", format!("{number:012}")))
        });
        let last4 = Some(cards()[card].last4().to_owned());
        Ok(Some(Event { number, reference, kind, amount, last4, answer, pin: None, effect }))
    }
}
