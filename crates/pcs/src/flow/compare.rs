//! One comparison of a batch's totals with its bank: our message, its answer, and what came of it as a record.

use hostlink::{BatchTotals, Count, Outcome, ReconciliationData};
use types::Currency;

use crate::bank::Bank;
use crate::batch::Batch;
use crate::hash::bank_number;
use crate::model::{Actor, Figures, Reconciliation, Sum, Verdict};
use crate::resource::put;
use crate::unit::Said;
use crate::{CommandError, Pcs};

impl Pcs {
    /// Step 1 to 3, for each currency of a batch.
    pub(crate) async fn compare(
        &self,
        bank: &Bank,
        batch: &Batch,
        by: Option<&str>,
    ) -> Result<Vec<Reconciliation>, CommandError> {
        let mut all = Vec::new();
        for (currency, own) in self.figures(batch).await? {
            let (reconciliation, said) = self.compare_one(bank, batch, (currency, own), by).await?;
            self.record_comparison(bank, batch, &reconciliation, said).await?;
            all.push(reconciliation);
        }
        Ok(all)
    }

    pub(super) async fn compare_one(
        &self,
        bank: &Bank,
        batch: &Batch,
        (currency, own): (Currency, Figures),
        by: Option<&str>,
    ) -> Result<(Reconciliation, Said), CommandError> {
        let profile = bank.profile();
        let stands_only = profile.reconciliation().is_some_and(hostlink::Reconciliation::counts_what_stands);
        let own = if stands_only { own.standing() } else { own };
        let now = self.clock.now();
        let (terminal, acceptor) = match (&batch.terminal, &batch.acceptor) {
            (Some(terminal), Some(acceptor)) => (terminal.clone(), acceptor.clone()),
            _ => bank.identity(),
        };
        let is_day = batch.terminal.is_none();
        let data = ReconciliationData {
            totals: totals(own),
            currency,
            stan: self.numbers.stan(&self.store, bank.name(), &terminal, now).await?,
            at: now,
            terminal,
            acceptor,
            batch: (!is_day).then(|| batch.name.clone()),
            settlement_date: is_day.then(|| batch.name.clone()),
        };
        let mut reconciliation = Reconciliation {
            id: self.new_id(),
            version: 1,
            created: now,
            bank: bank.name().to_owned(),
            terminal: batch.terminal.clone(),
            acceptor: batch.acceptor.clone(),
            batch: batch.name.clone(),
            closed: !batch.is_current(bank),
            currency,
            verdict: Verdict::NotCompared,
            own,
            bank_has: None,
            by: by.map(str::to_owned),
            note: None,
            upload: None,
        };
        let fields = match profile.totals_message(&data) {
            Ok(Some(fields)) => fields,
            Ok(None) => return Ok((reconciliation, Said::default())),
            Err(error) => {
                reconciliation.note = Some(format!("the totals do not fit the bank's message: {error}"));
                return Ok((reconciliation, Said::default()));
            }
        };
        let mut said = Said { sent: Some(fields.clone()), ..Said::default() };
        match bank.ask_plain(fields).await {
            Outcome::Reply(reply) => {
                reconciliation.bank_has = profile.bank_totals(&reply).map(figures);
                match profile.in_balance(&reply) {
                    Some(true) => reconciliation.verdict = Verdict::Agreed,
                    Some(false) => reconciliation.verdict = Verdict::Differs,
                    None => {
                        let code = reply.response_code();
                        reconciliation.note =
                            Some(format!("the bank did not compare them (response code {code})"));
                    }
                }
                said.received = Some(reply.fields);
            }
            Outcome::NotSent(why) => reconciliation.note = Some(format!("not sent ({})", why.code())),
            Outcome::MaybeSent(why) => {
                reconciliation.note = Some(format!("the bank did not answer ({})", why.code()));
            }
            Outcome::Rejected(why) => {
                reconciliation.note = Some(format!("the message does not fit the dialect ({})", why.code()));
            }
        }
        Ok((reconciliation, said))
    }

    /// Keeps what came of a comparison. A batch that is over and differs is told to its bank item by item, where that takes it.
    async fn record_comparison(
        &self,
        bank: &Bank,
        batch: &Batch,
        reconciliation: &Reconciliation,
        said: Said,
    ) -> Result<(), CommandError> {
        let mut unit = self.comparison(bank, reconciliation, said)?;
        let differs = reconciliation.verdict == Verdict::Differs && reconciliation.closed;
        if differs && bank.profile().upload().is_some() {
            self.begin_upload(&mut unit, batch, reconciliation).await?;
        }
        self.commit(unit).await.map(drop)
    }

    /// What is kept of a comparison.
    pub(super) fn comparison(
        &self,
        bank: &Bank,
        reconciliation: &Reconciliation,
        mut said: Said,
    ) -> Result<store::Unit, CommandError> {
        let text = words(reconciliation);
        match reconciliation.verdict {
            Verdict::Agreed => tracing::info!(bank.name = bank.name(), "{text}"),
            Verdict::Differs => tracing::error!(bank.name = bank.name(), "{text}"),
            Verdict::NotCompared => tracing::warn!(bank.name = bank.name(), "{text}"),
        }
        let code = match reconciliation.verdict {
            Verdict::Agreed => "totals_agreed",
            Verdict::Differs => "totals_differ",
            Verdict::NotCompared => "totals_not_compared",
        };
        bank.keep_word(reconciliation.created, code, text.clone());
        let number = bank_number(bank.name());
        let mut unit = self.unit(types::MerchantId::from_u128(number), reconciliation.created);
        unit.rows.push(put(reconciliation)?);
        said.note = Some(text);
        let actor = match &reconciliation.by {
            Some(by) => Actor::Operator { by: by.clone() },
            None => Actor::Gateway,
        };
        self.add_bank_note(&mut unit, number, actor, said)?;
        Ok(unit)
    }
}

fn words(it: &Reconciliation) -> String {
    let what = match &it.terminal {
        Some(terminal) => format!("batch {} of terminal {terminal}", it.batch),
        None => format!("day {}", it.batch),
    };
    let told = |figures: &Figures| {
        format!(
            "debits {} of {}, credits {} of {}, of them reversed {} of {} and {} of {}",
            figures.debits.amount,
            figures.debits.count,
            figures.credits.amount,
            figures.credits.count,
            figures.debit_reversals.amount,
            figures.debit_reversals.count,
            figures.credit_reversals.amount,
            figures.credit_reversals.count,
        )
    };
    let (bank, currency, own) = (&it.bank, it.currency, told(&it.own));
    match it.verdict {
        Verdict::Agreed => format!("{bank} has our totals of the {what} in {currency}: {own}"),
        Verdict::Differs => {
            let has = it.bank_has.as_ref().map_or_else(|| "others, and does not say which".to_owned(), told);
            let after = match &it.upload {
                Some(upload) => format!(
                    "; it has taken {} items of the batch and {} are left out: compare the batch with the bank item by item",
                    upload.items, upload.left_out
                ),
                None => String::new(),
            };
            format!("{bank} has other totals of the {what} in {currency}: {has}; ours are {own}{after}")
        }
        Verdict::NotCompared => {
            let why = it.note.as_deref().unwrap_or("it compares none");
            format!("the totals of the {what} at {bank} in {currency} were not compared: {why}")
        }
    }
}

fn totals(figures: Figures) -> BatchTotals {
    let count = |sum: Sum| Count { number: sum.count, amount: sum.amount };
    BatchTotals {
        credits: count(figures.credits),
        credit_reversals: count(figures.credit_reversals),
        debits: count(figures.debits),
        debit_reversals: count(figures.debit_reversals),
    }
}

fn figures(totals: BatchTotals) -> Figures {
    let sum = |count: Count| Sum { count: count.number, amount: count.amount };
    Figures {
        credits: sum(totals.credits),
        credit_reversals: sum(totals.credit_reversals),
        debits: sum(totals.debits),
        debit_reversals: sum(totals.debit_reversals),
    }
}
