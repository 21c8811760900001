//! The items of a batch: every exchange that its totals count, as the journal tells them. A record carries the counts of its
//! commit, so what is found adds up to the totals, and the same stretch of the journal gives the same items in the same order.

use std::collections::HashMap;

use payment::{Exchange, Payment};
use store::{Shard, StoredRecord};
use types::{Currency, MerchantId, PaymentId, Timestamp};

use crate::batch::{Batch, Line};
use crate::model::JournalEvent;
use crate::resource::from_bytes;
use crate::{CommandError, Pcs};

/// How many records are looked at in one go.
const PAGE: usize = 1_000;
/// By how much the clocks of processes may differ.
const SKEW_MS: i64 = 3_600_000;

/// Something that a bank has done and that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub merchant: MerchantId,
    pub payment: PaymentId,
    /// DE 11 of the message that did it.
    pub stan: u32,
    /// Minor units.
    pub amount: u64,
    pub is_credit: bool,
}

impl Pcs {
    /// How far the journal of each shard goes now.
    pub(super) async fn heads(&self) -> Result<Vec<u64>, CommandError> {
        let mut heads = Vec::with_capacity(usize::from(self.store.shards()));
        for shard in 0..self.store.shards() {
            heads.push(self.store.head(Shard(shard)).await?.seq);
        }
        Ok(heads)
    }

    /// The items of a batch in a currency, as the journal has them up to these heads.
    pub(super) async fn items(
        &self,
        batch: &Batch,
        currency: Currency,
        heads: &[u64],
    ) -> Result<Vec<Item>, CommandError> {
        let mut found = Found::default();
        let Some(first_day) = self.first_day(batch).await? else { return Ok(found.items) };
        let begin = Timestamp::from_ms(i64::from(first_day) * 86_400_000 - SKEW_MS);
        for (shard, &head) in (0..).map(Shard).zip(heads) {
            let mut next = self.first_since(shard, head, begin).await?;
            while next <= head {
                let page = self.store.journal(shard, next, PAGE).await?;
                let Some(last) = page.last() else { break };
                next = last.seq + 1;
                for record in page.iter().filter(|record| record.seq <= head) {
                    found.take(batch.number(), currency, record)?;
                }
            }
        }
        Ok(found.items)
    }

    /// The first record of a shard that is not older than this.
    async fn first_since(&self, shard: Shard, head: u64, at: Timestamp) -> Result<u64, CommandError> {
        let (mut low, mut high) = (1, head + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.store.journal(shard, middle, 1).await?.first() {
                Some(record) if record.at < at => low = middle + 1,
                Some(_) | None => high = middle,
            }
        }
        Ok(low)
    }
}

#[derive(Default)]
struct Found {
    items: Vec<Item>,
    /// Where the sale of a payment is, whose amount may change.
    sales: HashMap<PaymentId, usize>,
}

impl Found {
    /// What the commit that ends with this record has added to the batch.
    fn take(&mut self, batch: u128, currency: Currency, record: &StoredRecord) -> Result<(), CommandError> {
        let mut counts =
            record.counts.iter().filter(|it| it.owner == batch && it.currency == currency).peekable();
        if counts.peek().is_none() {
            return Ok(());
        }
        let (mut debits, mut credits) = ((0, 0), (0, 0));
        for it in counts {
            let (sum, sign) = match it.metric {
                metric if metric == Line::Debits as u16 => (&mut debits, 1),
                metric if metric == Line::DebitReversals as u16 => (&mut debits, -1),
                metric if metric == Line::Credits as u16 => (&mut credits, 1),
                metric if metric == Line::CreditReversals as u16 => (&mut credits, -1),
                _ => continue,
            };
            sum.0 += sign * it.count;
            sum.1 += sign * it.amount;
        }
        if (debits, credits) == ((0, 0), (0, 0)) {
            return Ok(());
        }
        let event: JournalEvent = from_bytes(&record.record.event)?;
        let Some(payment) = event.payment else { return Ok(()) };
        match debits {
            (0, 0) => {}
            // An adjustment: the same sale, of another amount.
            (0, more) => {
                if let Some(sale) = self.sales.get(&payment.id).and_then(|&at| self.items.get_mut(at)) {
                    sale.amount = sale.amount.saturating_add_signed(more);
                }
            }
            (_, amount) => {
                let exchange = payment.completion.as_deref().or(payment.original.as_deref());
                self.sales.insert(payment.id, self.items.len());
                self.add(&payment, exchange, amount, false);
            }
        }
        if credits != (0, 0) {
            let refund = event.refund.as_ref().map(|refund| &refund.exchange);
            self.add(&payment, refund.or(payment.void.as_deref()), credits.1, true);
        }
        Ok(())
    }

    fn add(&mut self, payment: &Payment, exchange: Option<&Exchange>, amount: i64, is_credit: bool) {
        let Some(exchange) = exchange else { return };
        let (merchant, payment, stan) = (payment.merchant, payment.id, exchange.stan);
        self.items.push(Item { merchant, payment, stan, amount: amount.unsigned_abs(), is_credit });
    }
}
