//! Totals of a batch, and the items that are told after they differ.

use std::collections::BTreeSet;

use super::Desk;
use crate::forms::Form;
use crate::reconcile::BatchTotals;
use crate::record::Reference;
use crate::request::{BatchKey, Period, TotalsRequest, UploadRequest, Uploaded};

/// What the other side has said of a batch.
#[derive(Default)]
pub(crate) struct Upload {
    /// Its totals.
    claimed: Option<TotalsRequest>,
    /// The messages of the items that it has told.
    items: BTreeSet<Reference>,
}

impl Desk {
    /// The bank's totals, and whether they are those that it was told.
    pub(super) fn compare(&self, request: &TotalsRequest) -> (BatchTotals, bool) {
        let own = self.books.batch_totals(&request.wanted, request.currency);
        let in_balance = match self.form {
            // This dialect's totals are without what was reversed.
            Form::Cups => own.standing() == request.claimed.standing(),
            Form::Iso87 | Form::Iso93 => own == request.claimed,
        };
        (own, in_balance)
    }

    /// Remembers what the other side has: what it uploads next is of these totals.
    pub(super) fn note_totals(&mut self, request: &TotalsRequest) {
        if let Some(batch) = batch_of(request) {
            self.uploads.insert(batch, Upload { claimed: Some(request.clone()), ..Upload::default() });
        }
    }

    /// Adds what the bank lacks of the items of a batch; at their end says whether all have come, and the totals agree now: 00,
    /// or 95. No answer where nothing can be written down.
    pub(super) fn take_upload(&mut self, request: &UploadRequest) -> Option<(&'static str, Option<usize>)> {
        let upload = self.uploads.entry(request.batch.clone()).or_default();
        let items = match &request.told {
            Uploaded::Items(items) => items,
            Uploaded::End(told) => {
                let count = upload.items.len();
                let claimed = upload.claimed.clone();
                let agrees = claimed.is_none_or(|claimed| self.compare(&claimed).1);
                return Some((if agrees && count == *told { "00" } else { "95" }, Some(count)));
            }
        };
        let currency = upload.claimed.as_ref().map(|claimed| claimed.currency);
        let currency = currency.or(self.profile.currencies().first().copied())?;
        upload.items.extend(items.iter().map(|item| item.reference.clone()));
        for item in items {
            match self.books.uploaded(&request.batch, currency, item) {
                Ok(None) => {}
                Ok(Some(event)) => {
                    if !self.write_down(&event) {
                        return None;
                    }
                    self.books.apply(&event);
                }
                Err(code) => return Some((code, None)),
            }
        }
        Some(("00", None))
    }
}

/// The batch that totals are of, where the dialect has batches.
fn batch_of(request: &TotalsRequest) -> Option<BatchKey> {
    let Some(Period::Batch(number)) = request.wanted.period else { return None };
    let (acceptor, terminal) = (request.wanted.acceptor.clone()?, request.wanted.terminal.clone()?);
    Some(BatchKey { acceptor, terminal, number })
}
