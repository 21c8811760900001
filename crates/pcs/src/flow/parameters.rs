//! Parameters: what a bank has for its terminals is fetched when the bank orders it, or when somebody asks.
//!
//! | step | crate          | leaves behind                                                             |
//! |------|----------------|---------------------------------------------------------------------------|
//! | 1    | store, commit  | a task: who wants it, and why                                             |
//! | 2    | hostlink       | the pieces, in memory; silence or a crash begins again with the first     |
//! | 3    | store, commit  | each set as a row and a word in the journal; with the last, the task ends |
//!
//! A set has a bound. What goes beyond it is refused, and nothing of it is kept.

use std::sync::Arc;

use hostlink::{Outcome, ParameterAnswer, ParameterSet, ParameterStep, UploadData};
use serde::{Deserialize, Serialize};
use store::{DueTask, Table, TaskChange};
use types::{MerchantId, ParametersId, Timestamp};

use super::banks::{BankStatus, Order};
use crate::bank::Bank;
use crate::hash::{bank_number, hex, short_hash};
use crate::model::{Actor, Parameters};
use crate::resource::{from_bytes, put, to_bytes};
use crate::task::{LATER_MS, PARAMETERS, done};
use crate::unit::Said;
use crate::{CommandError, Listed, Page, Pcs};

/// How long a bank may be silent before people have to look.
const PATIENCE_MS: i64 = 3_600_000;
/// How many banks are looked at in one round.
const ROUND: usize = 16;

/// A fetching that is to be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Wanted {
    bank: String,
    why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    since: Timestamp,
}

/// Why nothing was fetched.
enum Stop {
    Later(String),
    Refused(String),
}

impl Wanted {
    fn put(&self, due: Timestamp) -> Result<TaskChange, CommandError> {
        let id = u128::from_be_bytes(short_hash(&["parameters", &self.bank]));
        Ok(TaskChange { kind: PARAMETERS, id, put: Some((due, to_bytes(self)?)) })
    }

    fn actor(&self) -> Actor {
        match &self.by {
            Some(by) => Actor::Operator { by: by.clone() },
            None => Actor::Bank { bank: self.bank.clone() },
        }
    }
}

impl Pcs {
    /// Has a bank's parameters fetched soon; what came of it is in its news and in [`Pcs::parameters`].
    ///
    /// # Errors
    /// [`CommandError::Missing`] for an unknown bank, [`CommandError::Invalid`] for one from which none can be fetched.
    pub async fn fetch_parameters(&self, bank: &str, order: &Order) -> Result<BankStatus, CommandError> {
        let named = self.bank_named(bank)?;
        if named.profile().parameters().is_empty() {
            let rule = format!("{bank} has no parameters that can be fetched");
            return Err(CommandError::Invalid { field: "bank", rule });
        }
        self.record_order(named, order, "fetch the parameters".to_owned()).await?;
        self.want_parameters(named, order.reason.clone(), Some(order.by.clone())).await?;
        self.pursue.notify_one();
        self.bank_status(bank)
    }

    /// What has been fetched from a bank, the latest first.
    ///
    /// # Errors
    /// [`CommandError::Missing`] for an unknown bank.
    pub async fn parameters(&self, bank: &str, page: Page) -> Result<Listed<Parameters>, CommandError> {
        let bank = self.bank_named(bank)?;
        self.list(Table::Setting, bank_number(bank.name()), page).await
    }

    /// One set of what has been fetched from a bank.
    ///
    /// # Errors
    /// [`CommandError::Missing`].
    pub async fn parameters_by_id(&self, bank: &str, id: ParametersId) -> Result<Parameters, CommandError> {
        let bank = self.bank_named(bank)?;
        let missing = || CommandError::Missing { kind: "parameters", id: id.to_string() };
        self.row(Table::Setting, bank_number(bank.name()), id).await?.ok_or_else(missing)
    }

    /// Step 1.
    pub(super) async fn want_parameters(
        &self,
        bank: &Bank,
        why: String,
        by: Option<String>,
    ) -> Result<(), CommandError> {
        let now = self.clock.now();
        let wanted = Wanted { bank: bank.name().to_owned(), why, by, since: now };
        let mut unit = self.unit(MerchantId::from_u128(bank_number(bank.name())), now);
        unit.tasks.push(wanted.put(now)?);
        self.commit(unit).await.map(drop)
    }

    /// What is to be fetched now.
    pub(super) async fn parameters_due(&self, now: Timestamp) -> Result<Vec<DueTask>, CommandError> {
        Ok(self.store.tasks(PARAMETERS, Some(now), ROUND).await?)
    }

    /// Fetches what is due; returns how much that was.
    pub(super) async fn fetch_all_due(self: &Arc<Self>) -> Result<usize, CommandError> {
        let due = self.parameters_due(self.clock.now()).await?;
        let many = due.len();
        for due in due {
            if let Some(_hand) = self.take_in_hand(PARAMETERS, due.id) {
                self.fetch_due(&due).await?;
            }
        }
        Ok(many)
    }

    async fn fetch_due(&self, due: &DueTask) -> Result<(), CommandError> {
        let wanted: Wanted = from_bytes(&due.body)?;
        // No other process takes it up meanwhile.
        let mut unit = self.unit(MerchantId::from_u128(bank_number(&wanted.bank)), self.clock.now());
        unit.tasks.push(wanted.put(unit.at.plus_ms(LATER_MS))?);
        self.commit(unit).await?;
        let fetched = match self.bank(&wanted.bank) {
            Ok(bank) if bank.is_up() => self.fetch_sets(bank, &wanted).await?,
            Ok(_) | Err(_) => Err(Stop::Later("its links are down".to_owned())),
        };
        let now = self.clock.now();
        let mut unit = self.unit(MerchantId::from_u128(bank_number(&wanted.bank)), now);
        match fetched {
            Err(Stop::Later(_)) if now.ms_since(wanted.since) < PATIENCE_MS => {
                unit.tasks.push(wanted.put(now.plus_ms(LATER_MS))?);
                return self.commit(unit).await.map(drop);
            }
            Ok(sets) => {
                for set in sets {
                    self.add_fetched(&mut unit, &wanted, &set)?;
                }
            }
            Err(Stop::Later(why) | Stop::Refused(why)) => {
                let note = format!("the parameters of {} were not fetched: {why}", wanted.bank);
                tracing::error!(bank.name = wanted.bank, "{note}");
                if let Ok(bank) = self.bank(&wanted.bank) {
                    bank.keep_word(
                        now,
                        "parameters_not_fetched",
                        format!("its parameters were not fetched: {why}"),
                    );
                }
                let said = Said { note: Some(note), ..Said::default() };
                self.add_bank_note(&mut unit, bank_number(&wanted.bank), wanted.actor(), said)?;
            }
        }
        unit.tasks.push(done(PARAMETERS, due.id));
        self.commit(unit).await.map(drop)
    }

    /// Step 3, of one set.
    fn add_fetched(
        &self,
        unit: &mut store::Unit,
        wanted: &Wanted,
        set: &Parameters,
    ) -> Result<(), CommandError> {
        let (name, pieces, bytes, sha256) = (&set.set, set.pieces, set.bytes, &set.sha256);
        let text =
            format!("its {name} parameters are fetched: {bytes} bytes in {pieces} pieces, SHA-256 {sha256}");
        tracing::info!(bank.name = wanted.bank, "{}: {text}", wanted.bank);
        if let Ok(bank) = self.bank(&wanted.bank) {
            bank.parameters_fetched(set.created, text.clone());
        }
        unit.rows.push(put(set)?);
        let said = Said { note: Some(format!("{}: {text}; {}", wanted.bank, wanted.why)), ..Said::default() };
        self.add_bank_note(unit, bank_number(&wanted.bank), wanted.actor(), said)
    }

    /// Step 2: all sets, or none.
    async fn fetch_sets(
        &self,
        bank: &Bank,
        wanted: &Wanted,
    ) -> Result<Result<Vec<Parameters>, Stop>, CommandError> {
        let mut sets = Vec::new();
        for set in bank.profile().parameters() {
            let (content, pieces) = match self.fetch_set(bank, set).await? {
                Ok(fetched) => fetched,
                Err(stop) => return Ok(Err(stop)),
            };
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content);
            sets.push(Parameters {
                id: self.new_id(),
                version: 1,
                created: self.clock.now(),
                bank: bank.name().to_owned(),
                set: set.name().to_owned(),
                why: wanted.why.clone(),
                by: wanted.by.clone(),
                pieces,
                bytes: content.len(),
                sha256: hex(digest.as_ref()),
                content: hex(&content),
            });
        }
        Ok(Ok(sets))
    }

    async fn fetch_set(
        &self,
        bank: &Bank,
        set: &ParameterSet,
    ) -> Result<Result<(Vec<u8>, u16), Stop>, CommandError> {
        let mut content = Vec::new();
        for number in 1..=set.most_pieces() {
            let (piece, is_last) = match self.fetch_step(bank, set, ParameterStep::Piece(number)).await? {
                Ok(ParameterAnswer::Piece { bytes, is_last }) => (bytes, is_last),
                Ok(_) => return Ok(Err(Stop::Refused("an answer is none to a piece".to_owned()))),
                Err(stop) => return Ok(Err(stop)),
            };
            if content.len() + piece.len() > set.most_bytes() {
                let why = format!("the {} parameters have more than {} bytes", set.name(), set.most_bytes());
                return Ok(Err(Stop::Refused(why)));
            }
            content.extend_from_slice(&piece);
            if is_last {
                let ended = self.fetch_step(bank, set, ParameterStep::End).await?;
                return Ok(ended.map(|_| (content, number)));
            }
        }
        let why = format!("the {} parameters have more than {} pieces", set.name(), set.most_pieces());
        Ok(Err(Stop::Refused(why)))
    }

    /// One message and its answer.
    async fn fetch_step(
        &self,
        bank: &Bank,
        set: &ParameterSet,
        step: ParameterStep,
    ) -> Result<Result<ParameterAnswer, Stop>, CommandError> {
        let now = self.clock.now();
        let (terminal, acceptor) = bank.identity();
        let stan = self.numbers.stan(&self.store, bank.name(), &terminal, now).await?;
        let data = UploadData { stan, at: now, terminal, acceptor, batch: bank.facts().batch };
        let fields = match bank.profile().parameter_message(set, step, &data) {
            Ok(Some(fields)) => fields,
            // The bank wants to hear of no end.
            Ok(None) => return Ok(Ok(ParameterAnswer::Taken)),
            Err(error) => return Err(CommandError::Internal(Box::new(error))),
        };
        let reply = match bank.ask_plain(fields).await {
            Outcome::Reply(reply) => reply,
            Outcome::NotSent(why) => {
                return Ok(Err(Stop::Later(format!("a message was not sent ({})", why.code()))));
            }
            Outcome::MaybeSent(why) => {
                return Ok(Err(Stop::Later(format!("the bank did not answer ({})", why.code()))));
            }
            Outcome::Rejected(why) => {
                return Ok(Err(Stop::Refused(format!(
                    "a message does not fit the dialect ({})",
                    why.code()
                ))));
            }
        };
        let code = reply.response_code();
        Ok(match bank.profile().parameter_answer(set, step, &reply) {
            ParameterAnswer::NotNow => {
                Err(Stop::Later(format!("the bank cannot now (response code {code})")))
            }
            ParameterAnswer::Refused => {
                Err(Stop::Refused(format!("the bank refused (response code {code})")))
            }
            ParameterAnswer::Unfit => Err(Stop::Refused(
                "an answer brings nothing, or does not say whether more follows".to_owned(),
            )),
            answer => Ok(answer),
        })
    }
}
