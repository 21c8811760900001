//! A bank as the flows see it: a profile that makes messages, a link that carries them, and what the answer means.

mod heard;
pub mod keys;
pub mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use card::{EntryMode, Expiry, Pan, SecurityCode};
use hostlink::{
    BankProfile, CardFields, CardPresent, CodeOutcome, Host, OnSilence, Original, Outcome, Rejection, Reply,
    SecurityError, SessionFacts, TransactionData, TransactionRequest,
};
pub use hostlink::{LinkState as BankState, Transaction};
use iso8583::Fields;
use parking_lot::Mutex;
use payment::routing::{BankNow, Health, Seen};
use payment::{Approval, Decline, Exchange, Offers};
use tokio::time::Instant;
use types::{Money, Timestamp};

pub(crate) use self::heard::{Heard, Says};
use self::heard::{maybe_sent_words, not_sent_words, rejection_words, reversal_reason};
use self::told::{Ears, Told};
use crate::CommandError;
use crate::hash::hex;
use crate::measure::Histogram;

/// A bank that payments can go to.
pub struct Bank {
    profile: Arc<BankProfile>,
    host: Host,
    reply_timeout: Duration,
    asking: AtomicUsize,
    health: Mutex<Option<Health>>,
    ears: Mutex<Ears>,
    day_changed: AtomicBool,
    parameters_wanted: AtomicBool,
    exchanges: Mutex<BTreeMap<&'static str, Histogram>>,
}

/// One who waits for a bank's answer, for as long as this lives.
struct Asking<'a>(&'a AtomicUsize);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A card in clear, in memory only, for the message that is sent next.
pub(crate) struct SecretCard {
    pub pan: Pan,
    pub expiry: Expiry,
    /// Only ever for the first message of a payment; never stored, sealed or not.
    pub security_code: Option<SecurityCode>,
    /// The same of what a terminal read, but for what a chip said of an offline sale.
    pub present: Option<CardPresent>,
}

/// A message that is about to be made.
pub(crate) struct Draft<'a> {
    pub transaction: Transaction,
    pub amount: Money,
    pub exchange: &'a Exchange,
    /// What it refers to: the exchange, what it was, and its amount.
    pub original: Option<(&'a Exchange, Transaction, Money)>,
    /// DE 39 of a reversal.
    pub reason: Option<&'a str>,
}

impl Bank {
    /// A bank behind its links. `reply_timeout` is how long an answer is waited for; none takes the profile's.
    pub fn new(host: impl Into<Host>, reply_timeout: Option<Duration>) -> Self {
        let host = host.into();
        let profile = Arc::clone(host.profile());
        let reply_timeout = reply_timeout.unwrap_or(profile.timers().reply_timeout);
        let ears = Mutex::new(Ears::of(&host));
        Self {
            profile,
            host,
            reply_timeout,
            asking: AtomicUsize::new(0),
            health: Mutex::default(),
            ears,
            day_changed: AtomicBool::new(false),
            parameters_wanted: AtomicBool::new(false),
            exchanges: Mutex::default(),
        }
    }

    /// Hears what its links have told since the last time.
    pub(crate) fn hear(&self, now: Timestamp) {
        let fetches = !self.profile.parameters().is_empty();
        let news = self.ears.lock().hear(self.profile.name(), fetches, now);
        if news.day_changed {
            self.look_at_day_again();
        }
        if news.parameters_wanted && fetches {
            self.want_parameters_again();
        }
    }

    /// Whether it has ordered its parameters to be fetched since this was asked last.
    pub(crate) fn wants_parameters(&self) -> bool {
        self.parameters_wanted.swap(false, Ordering::Relaxed)
    }

    /// Its order could not be recorded.
    pub(crate) fn want_parameters_again(&self) {
        self.parameters_wanted.store(true, Ordering::Relaxed);
    }

    /// Its order is carried out.
    pub(crate) fn parameters_fetched(&self, at: Timestamp, text: String) {
        let mut ears = self.ears.lock();
        ears.told.parameters_wanted_at = None;
        ears.told.keep(at, None, "parameters_fetched", text);
    }

    /// Whether it may have another batch or day since this was asked last.
    pub(crate) fn day_has_changed(&self) -> bool {
        self.day_changed.swap(false, Ordering::Relaxed)
    }

    /// What its new day asks for could not be done.
    pub(crate) fn look_at_day_again(&self) {
        self.day_changed.store(true, Ordering::Relaxed);
    }

    /// DE 41 and DE 42 of its first link's own messages.
    pub(crate) fn identity(&self) -> (String, String) {
        let first = &self.host.links()[0];
        (first.terminal().to_owned(), first.acceptor().to_owned())
    }

    /// Keeps something for the people who look at the bank.
    pub(crate) fn keep_word(&self, at: Timestamp, code: &'static str, text: String) {
        self.ears.lock().told.keep(at, None, code, text);
    }

    /// Asks it something that moves no money.
    pub(crate) async fn ask_plain(&self, fields: Fields) -> Outcome {
        self.host.ask(fields, Instant::now() + self.reply_timeout).await
    }

    /// Whether a link of this process has signed on since then, as far as that was heard.
    pub(crate) fn has_signed_on_since(&self, since: Timestamp) -> bool {
        self.ears.lock().told.links.iter().any(|link| link.signed_on_at.is_some_and(|at| at > since))
    }

    /// What it and its links have told so far.
    pub fn told(&self) -> Told {
        self.ears.lock().told.clone()
    }

    /// Its links: what an operator takes out and brings back, and what is counted.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Its name in our configuration.
    pub fn name(&self) -> &str {
        self.profile.name()
    }

    /// Its profile.
    pub fn profile(&self) -> &BankProfile {
        &self.profile
    }

    /// The state of the link that is furthest: one that is up is enough.
    pub fn state(&self) -> BankState {
        self.host.state()
    }

    /// Waits until a link is up, or all have stopped for good.
    pub async fn settled(&self) -> BankState {
        self.host.until(BankState::is_settled).await
    }

    /// Stops taking requests, waits for those in flight, signs off.
    pub async fn drain(&self) {
        let drained = self.host.drain(Instant::now() + self.reply_timeout).await;
        if drained.unanswered > 0 {
            tracing::warn!(
                bank = self.name(),
                unanswered = drained.unanswered,
                "Requests had no answer at the end; they will be reversed"
            );
        }
    }

    /// Whether fewer wait for its answer than one bank may keep waiting, so that its silence does not take every place.
    pub(crate) fn has_room(&self, at_once: usize) -> bool {
        self.asking.load(Ordering::Relaxed) < at_once.div_ceil(2)
    }

    /// How it is, for the choice of a route.
    pub(crate) fn now(&self, mode: EntryMode, at_once: usize, now: Timestamp) -> BankNow {
        let health = self.health.lock().map_or(100, |health| health.score(now));
        BankNow {
            is_up: self.is_up(),
            has_room: self.has_room(at_once),
            takes_entry: self.takes(mode),
            health,
        }
    }

    /// Keeps how it has answered.
    pub(crate) fn saw(&self, says: &Says, now: Timestamp) {
        let seen = match says {
            Says::Approved { .. } => Seen::Approved,
            Says::Declined(_) => Seen::Declined,
            Says::NotNow(_) | Says::NeverLeft => Seen::Unavailable,
            Says::Silent => Seen::Silent,
        };
        let mut health = self.health.lock();
        *health = Some(health.unwrap_or(Health::new(now)).after(seen, now));
    }

    /// Whether it takes cards whose data was entered in this way.
    pub(crate) fn takes(&self, mode: EntryMode) -> bool {
        self.profile.takes(mode)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.state() == BankState::Up
    }

    pub(crate) fn reply_timeout_ms(&self) -> i64 {
        i64::try_from(self.reply_timeout.as_millis()).unwrap_or(i64::MAX)
    }

    pub(crate) fn repeats(&self, transaction: Transaction) -> bool {
        self.profile.on_silence(transaction) == OnSilence::Repeat
    }

    /// Its batch and its accounting day, as far as it has told.
    pub(crate) fn facts(&self) -> SessionFacts {
        self.host.facts()
    }

    /// What it offers to follow a transaction, of what not every bank has.
    pub(crate) fn offers_after(&self, transaction: Transaction) -> Offers {
        Offers {
            increment: transaction == Transaction::Authorize && self.profile.offers(Transaction::Increment),
            adjust: matches!(transaction, Transaction::Consume | Transaction::OfflineSale)
                && self.profile.offers(Transaction::Adjust),
        }
    }

    pub(crate) fn own_rrn(&self, now: Timestamp, stan: u32) -> Option<String> {
        self.profile.rrn(now, stan)
    }

    pub(crate) fn as_repeat(&self, transaction: Transaction, fields: &Fields) -> Fields {
        self.profile.repeat(transaction, fields)
    }

    /// The fields of a message, without its card: what is recorded before it is sent.
    pub(crate) fn message(&self, draft: &Draft<'_>) -> Result<Fields, CommandError> {
        let exchange = draft.exchange;
        let original = draft.original.map(|(original, transaction, amount)| Original {
            transaction,
            amount,
            stan: original.stan,
            at: original.sent_at,
            rrn: original.rrn.clone(),
            authorization_code: original.authorization_code.clone(),
            batch: original.batch.clone(),
            entry: original.entry,
            offline: original.offline.clone(),
        });
        let data = TransactionData {
            amount: draft.amount,
            stan: exchange.stan,
            at: exchange.sent_at,
            rrn: exchange.rrn.clone(),
            terminal: exchange.terminal.clone(),
            acceptor: exchange.acceptor.clone(),
            batch: exchange.batch.clone(),
            original,
            reason: draft.reason.map(str::to_owned),
            entry: exchange.entry,
            offline: exchange.offline.clone(),
        };
        self.profile
            .message(draft.transaction, &data)
            .map_err(|error| CommandError::Internal(Box::new(error)))
    }

    /// Asks the bank and reads what it says.
    pub(crate) async fn ask(&self, transaction: Transaction, fields: &Fields, card: &SecretCard) -> Heard {
        let asked_at = Instant::now();
        let heard = self.ask_unmeasured(transaction, fields, card).await;
        self.exchanges.lock().entry(heard.says.name()).or_default().add(asked_at.elapsed());
        heard
    }

    /// How long its answers took, by what they were.
    pub(crate) fn exchanges(&self) -> BTreeMap<&'static str, Histogram> {
        self.exchanges.lock().clone()
    }

    async fn ask_unmeasured(&self, transaction: Transaction, fields: &Fields, card: &SecretCard) -> Heard {
        self.asking.fetch_add(1, Ordering::Relaxed);
        let _asking = Asking(&self.asking);
        let card = CardFields {
            pan: card.pan.clone(),
            expiry: Some(card.expiry),
            security_code: card.security_code.clone(),
            present: card.present.clone(),
        };
        let request = TransactionRequest { transaction, fields: fields.clone(), card: Some(card) };
        match self.host.request(request, Instant::now() + self.reply_timeout).await {
            Outcome::Reply(reply) => self.read(transaction, fields, &reply),
            Outcome::NotSent(why) => {
                Heard { may_go_elsewhere: true, ..Heard::never_left(not_sent_words(why)) }
            }
            Outcome::MaybeSent(why) => Heard::silent(maybe_sent_words(&why), reversal_reason(&why)),
            // To the payer the same as a wrong one: enter it again.
            Outcome::Rejected(Rejection::Pin(SecurityError::PinUnreadable)) => Heard {
                note: Some(
                    "the PIN block cannot be read with the terminal's key; the bank was not asked".to_owned(),
                ),
                ..Heard::of(Says::Declined(Decline {
                    code: "incorrect_pin".to_owned(),
                    network_code: None,
                    advice: "correct_card_details".to_owned(),
                }))
            },
            Outcome::Rejected(why) => {
                tracing::error!(
                    bank = self.name(),
                    code = why.code(),
                    "A message of ours does not fit the bank's dialect"
                );
                Heard::never_left(rejection_words(&why))
            }
        }
    }

    fn read(&self, transaction: Transaction, sent: &Fields, reply: &Reply) -> Heard {
        let code = reply.response_code();
        let row = self.profile.outcome(transaction, code);
        if row.alarm {
            tracing::error!(
                bank = self.name(),
                response_code = code,
                "The bank's answer asks for an operator's look"
            );
        }
        let mut heard = match row.outcome {
            CodeOutcome::Approve { flagged } => {
                Heard::of(Says::Approved { approval: self.approval(sent, reply), flagged })
            }
            CodeOutcome::Decline { decline_code, advice, .. } => Heard::of(Says::Declined(Decline {
                code: decline_code,
                network_code: Some(code.to_owned()),
                advice,
            })),
            // The bank itself does not know: as good as silence.
            CodeOutcome::Unknown => {
                Heard::silent("the bank does not know the outcome itself".to_owned(), "98")
            }
            CodeOutcome::RetryAfterSignOn | CodeOutcome::RetryLater => Heard::of(Says::NotNow(Decline {
                code: "issuer_unavailable".to_owned(),
                network_code: Some(code.to_owned()),
                advice: "try_again_later".to_owned(),
            })),
        };
        heard.received = Some(reply.fields.clone());
        heard.found_nothing = row.found_nothing;
        heard
    }

    fn approval(&self, sent: &Fields, reply: &Reply) -> Approval {
        // An answer without DE 4 approves what was asked for; one that names another amount is not that approval.
        let amount = reply.fields.get(4).or_else(|| sent.get(4)).and_then(|digits| digits.parse().ok());
        let text = |de| {
            reply.fields.get(de).map(|value| value.trim_end().to_owned()).filter(|value| !value.is_empty())
        };
        Approval {
            amount: amount.unwrap_or(0),
            response_code: reply.response_code().to_owned(),
            rrn: text(37),
            authorization_code: text(38),
            settlement_date: self.profile.settlement_date_field().and_then(text),
            issuer_data: reply.issuer_data.as_deref().map(hex),
        }
    }
}
