//! What people do about banks and their links: look at them, take a link out and bring it back, have keys exchanged. Who did
//! it, and why, stands in the journal for ever. All of it is about the links of this process; another has its own.

use hostlink::{CounterValues, HostLink};
use tokio::time::Instant;
use types::Currency;

use crate::bank::told::{LinkTold, Told};
use crate::bank::{Bank, BankState, Transaction};
use crate::hash::bank_number;
use crate::model::Actor;
use crate::unit::Said;
use crate::{CommandError, Pcs};

/// A link as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Counted from 1.
    pub number: usize,
    /// Where it is.
    pub state: BankState,
    /// DE 41 of its own messages.
    pub terminal: String,
    /// Requests that have no outcome yet.
    pub load: usize,
    /// It loses too many of its requests to be given more while there are better links.
    pub is_suspect: bool,
    /// What it has told.
    pub told: LinkTold,
    /// What it has seen since its start.
    pub counters: CounterValues,
}

/// A bank as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankStatus {
    /// Its name in our configuration.
    pub name: String,
    /// The state of the link that is furthest.
    pub state: BankState,
    /// Its accounting day as it tells it, `MMDD` or `YYMMDD`, as far as it has.
    pub settlement_date: Option<String>,
    /// The batch of its latest sign-on, where it has batches.
    pub batch: Option<String>,
    /// What it takes.
    pub currencies: Vec<Currency>,
    /// What can be asked of it.
    pub offers: Vec<Transaction>,
    /// Whether it compares totals.
    pub compares_totals: bool,
    /// Which sets of its parameters can be fetched.
    pub parameter_sets: Vec<String>,
    /// Its links, in their order.
    pub links: Vec<LinkStatus>,
    /// What it has told.
    pub told: Told,
}

/// Who wants something done about a link, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Pcs {
    /// Every bank as it is now, in the order of their names.
    pub fn bank_statuses(&self) -> Vec<BankStatus> {
        self.banks.values().map(|bank| self.status_of(bank)).collect()
    }

    /// One bank as it is now.
    ///
    /// # Errors
    /// [`CommandError::Missing`].
    pub fn bank_status(&self, name: &str) -> Result<BankStatus, CommandError> {
        Ok(self.status_of(self.bank_named(name)?))
    }

    /// Takes a link out of service: it takes nothing new, what is on the wire has the bank's time to be answered, then it
    /// signs off. It stays out until [`Pcs::resume_link`]. Returns the bank, and how many requests had no answer in time;
    /// those are in doubt, and pursued over the other links.
    ///
    /// # Errors
    /// [`CommandError::Missing`].
    pub async fn take_link_out(
        &self,
        bank: &str,
        link: usize,
        order: &Order,
    ) -> Result<(BankStatus, usize), CommandError> {
        let (bank, handle) = self.link(bank, link)?;
        // Recorded before it is done: what people did must be found even if this process ends meanwhile.
        self.record_order(bank, order, format!("take out link {link}")).await?;
        let timeout = u64::try_from(bank.reply_timeout_ms()).unwrap_or(u64::MAX);
        let deadline = Instant::now() + std::time::Duration::from_millis(timeout);
        let handle = handle.clone();
        // In a task of its own: an operator who hangs up does not leave it half done.
        let drained = tokio::spawn(async move { handle.take_out(deadline).await }).await.unwrap_or_default();
        Ok((self.status_of(bank), drained.unanswered))
    }

    /// Brings back a link that was taken out, or has stopped because of its keys.
    ///
    /// # Errors
    /// [`CommandError::Missing`]; [`CommandError::Invalid`] for a link that is neither.
    pub async fn resume_link(
        &self,
        bank: &str,
        link: usize,
        order: &Order,
    ) -> Result<BankStatus, CommandError> {
        let (bank, handle) = self.link(bank, link)?;
        let state = *handle.state().borrow();
        if !matches!(state, BankState::OutOfService | BankState::Refused(_)) {
            let rule =
                format!("is {}: only one that was taken out, or has stopped, is resumed", state.name());
            return Err(CommandError::Invalid { field: "link", rule });
        }
        self.record_order(bank, order, format!("resume link {link}")).await?;
        handle.resume().await;
        Ok(self.status_of(bank))
    }

    /// Fetches new working keys over a link. Answers under the old ones count for a while.
    ///
    /// # Errors
    /// [`CommandError::Missing`]; [`CommandError::Invalid`] for a link that is not signed on, and for a bank that sends no
    /// keys.
    pub async fn exchange_keys(
        &self,
        bank: &str,
        link: usize,
        order: &Order,
    ) -> Result<BankStatus, CommandError> {
        let (bank, handle) = self.link(bank, link)?;
        let state = *handle.state().borrow();
        if state != BankState::Up {
            let rule = format!("is {}: keys are exchanged over a link that is signed on", state.name());
            return Err(CommandError::Invalid { field: "link", rule });
        }
        if bank.profile().key_step().is_none() {
            let rule = format!("{} sends no working keys", bank.name());
            return Err(CommandError::Invalid { field: "bank", rule });
        }
        self.record_order(bank, order, format!("exchange the keys of link {link}")).await?;
        handle.exchange_keys().await;
        Ok(self.status_of(bank))
    }

    pub(crate) fn bank_named(&self, name: &str) -> Result<&Bank, CommandError> {
        let missing = || CommandError::Missing { kind: "bank", id: name.to_owned() };
        self.banks.get(name).ok_or_else(missing)
    }

    fn link(&self, bank: &str, number: usize) -> Result<(&Bank, &HostLink), CommandError> {
        let bank = self.bank_named(bank)?;
        let missing = || CommandError::Missing { kind: "link", id: format!("{} of {}", number, bank.name()) };
        let link = number.checked_sub(1).and_then(|place| bank.host().links().get(place));
        Ok((bank, link.ok_or_else(missing)?))
    }

    pub(super) async fn record_order(
        &self,
        bank: &Bank,
        order: &Order,
        what: String,
    ) -> Result<(), CommandError> {
        let Order { by, reason } = order;
        let note = format!("{what} of {}: {reason}", bank.name());
        tracing::warn!(bank.name = bank.name(), by, "{note}");
        let (number, now) = (bank_number(bank.name()), self.clock.now());
        bank.keep_word(now, "ordered", format!("{what}, by {by}: {reason}"));
        let mut unit = self.unit(types::MerchantId::from_u128(number), now);
        let said = Said { note: Some(note), ..Said::default() };
        self.add_bank_note(&mut unit, number, Actor::Operator { by: by.clone() }, said)?;
        self.commit(unit).await.map(drop)
    }

    fn status_of(&self, bank: &Bank) -> BankStatus {
        bank.hear(self.clock.now());
        let (facts, profile, told) = (bank.facts(), bank.profile(), bank.told());
        let link = |(place, link): (usize, &HostLink)| LinkStatus {
            number: place + 1,
            state: *link.state().borrow(),
            terminal: link.terminal().to_owned(),
            load: link.load(),
            is_suspect: link.is_suspect(),
            told: told.links.get(place).copied().unwrap_or_default(),
            counters: link.counters(),
        };
        BankStatus {
            name: bank.name().to_owned(),
            state: bank.state(),
            settlement_date: facts.settlement_date,
            batch: facts.batch,
            currencies: profile.currencies().to_vec(),
            offers: Transaction::ALL.into_iter().filter(|it| profile.offers(*it)).collect(),
            parameter_sets: profile.parameters().iter().map(|set| set.name().to_owned()).collect(),
            compares_totals: profile.reconciliation().is_some(),
            links: bank.host().links().iter().enumerate().map(link).collect(),
            told,
        }
    }
}
