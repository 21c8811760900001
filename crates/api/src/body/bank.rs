//! Banks and their links as the operator sees them.

use pcs::model::{Figures, Parameters, Reconciliation, Sum, Upload, Verdict};
use pcs::{BankState, BankStatus, LinkStatus, Word};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

/// Where a link is; of a bank: where the furthest of its links is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LinkState)]
#[serde(rename_all = "snake_case")]
pub enum LinkStateBody {
    /// No connection; the next attempt is waited for.
    Down,
    /// A connection is being opened.
    Connecting,
    /// Keys and batch are being fetched.
    SigningOn,
    /// Requests are sent.
    Up,
    /// Being taken out: what is on the wire may still be answered.
    Draining,
    /// Taken out by a person.
    OutOfService,
    /// Stopped, because the bank's keys cannot be trusted; `refused_because` says why.
    Refused,
    /// Closed for good.
    Closed,
}

impl From<BankState> for LinkStateBody {
    fn from(state: BankState) -> Self {
        match state {
            BankState::Down => Self::Down,
            BankState::Connecting => Self::Connecting,
            BankState::SigningOn => Self::SigningOn,
            BankState::Up => Self::Up,
            BankState::Draining => Self::Draining,
            BankState::OutOfService => Self::OutOfService,
            BankState::Refused(_) => Self::Refused,
            BankState::Closed => Self::Closed,
        }
    }
}

/// Why a stopped link has stopped.
pub(crate) fn refused_because(state: BankState) -> Option<String> {
    match state {
        BankState::Refused(why) => Some(why.to_string()),
        BankState::Down
        | BankState::Connecting
        | BankState::SigningOn
        | BankState::Up
        | BankState::Draining
        | BankState::OutOfService
        | BankState::Closed => None,
    }
}

/// A link to a bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BankLink)]
pub struct BankLinkBody {
    /// Counted from 1.
    pub number: usize,
    /// Where it is.
    pub state: LinkStateBody,
    /// Why it has stopped, where it has.
    #[schema(
        example = "the check value of the Mac key does not match: the master keys of the two ends differ"
    )]
    pub refused_because: Option<String>,
    /// DE 41 of its own messages.
    pub terminal: String,
    /// Requests that have no outcome yet.
    pub in_flight: usize,
    /// It loses too many of its requests to be given more while there are better links.
    pub is_suspect: bool,
    /// When it signed on last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub signed_on_at: Option<Timestamp>,
    /// When it took up new working keys last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub keys_exchanged_at: Option<Timestamp>,
}

/// Something that a bank has told, or that was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BankNews)]
pub struct BankNewsBody {
    /// When it was heard.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The link it is about; none: the bank.
    pub link: Option<usize>,
    /// `signed_on`, `cut_over`, `keys_exchanged`, `keys_refused`, `parameters_wanted`, `parameters_fetched`,
    /// `parameters_not_fetched`, `bank_signed_off`, `late_answer`,
    /// `totals_agreed`, `totals_differ`, `totals_not_compared`, `ordered`.
    pub code: &'static str,
    /// In plain words.
    pub text: String,
}

/// A bank as this process of the gateway has it: another process has links of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Bank)]
pub struct BankBody {
    /// Its name in the gateway's configuration.
    pub id: String,
    /// Always `bank`.
    #[schema(pattern = "^bank$")]
    pub object: &'static str,
    /// Where the furthest of its links is.
    pub state: LinkStateBody,
    /// Its accounting day as it tells it: `MMDD`, or `YYMMDD`.
    #[schema(example = "1201")]
    pub settlement_date: Option<String>,
    /// The batch of its latest sign-on, where it has batches.
    pub batch: Option<String>,
    /// What it takes.
    pub currencies: Vec<&'static str>,
    /// What can be asked of it.
    #[schema(example = json!(["authorize", "consume", "capture"]))]
    pub transactions: Vec<&'static str>,
    /// Whether it compares totals.
    pub compares_totals: bool,
    /// When its accounting day changed last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub cut_over_at: Option<Timestamp>,
    /// When it signed itself off, if it has not come back since.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub signed_off_at: Option<Timestamp>,
    /// When it ordered its parameters to be fetched last, if they have not been fetched since. Where `parameter_sets` is empty the
    /// gateway cannot: ask the bank what has changed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub parameters_wanted_at: Option<Timestamp>,
    /// Which sets of its parameters the gateway can fetch.
    #[schema(example = json!(["terminal", "chip"]))]
    pub parameter_sets: Vec<String>,
    /// Answers that nobody waited for, since this process started.
    pub late_answers: u64,
    /// Its links.
    pub links: Vec<BankLinkBody>,
    /// What it has told of late, the latest first; fifty at most.
    pub news: Vec<BankNewsBody>,
}

/// A bank as the API shows it.
pub fn bank_body(bank: &BankStatus) -> BankBody {
    let told = &bank.told;
    BankBody {
        id: bank.name.clone(),
        object: "bank",
        state: bank.state.into(),
        settlement_date: bank.settlement_date.clone(),
        batch: bank.batch.clone(),
        currencies: bank.currencies.iter().map(|currency| currency.alpha()).collect(),
        transactions: bank.offers.iter().map(|transaction| transaction.name()).collect(),
        compares_totals: bank.compares_totals,
        cut_over_at: told.cut_over_at,
        signed_off_at: told.signed_off_at,
        parameters_wanted_at: told.parameters_wanted_at,
        parameter_sets: bank.parameter_sets.clone(),
        late_answers: told.late_answers,
        links: bank.links.iter().map(link_body).collect(),
        news: told.latest.iter().rev().map(news_body).collect(),
    }
}

fn link_body(link: &LinkStatus) -> BankLinkBody {
    BankLinkBody {
        number: link.number,
        state: link.state.into(),
        refused_because: refused_because(link.state),
        terminal: link.terminal.clone(),
        in_flight: link.load,
        is_suspect: link.is_suspect,
        signed_on_at: link.told.signed_on_at,
        keys_exchanged_at: link.told.keys_at,
    }
}

fn news_body(word: &Word) -> BankNewsBody {
    BankNewsBody { at: word.at, link: word.link, code: word.code, text: word.text.clone() }
}

/// How many, and how much in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Total)]
pub struct TotalBody {
    /// How many.
    pub count: u64,
    /// Minor units.
    pub amount: u64,
}

impl From<Sum> for TotalBody {
    fn from(sum: Sum) -> Self {
        Self { count: sum.count, amount: sum.amount }
    }
}

/// The totals of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BatchTotals)]
pub struct BatchTotalsBody {
    /// Sales and completions.
    pub debits: TotalBody,
    /// Those of them that were reversed; nothing for a bank that counts only what stands.
    pub debit_reversals: TotalBody,
    /// Refunds and voids.
    pub credits: TotalBody,
    /// Those of them that were reversed, likewise.
    pub credit_reversals: TotalBody,
}

impl From<Figures> for BatchTotalsBody {
    fn from(figures: Figures) -> Self {
        Self {
            debits: figures.debits.into(),
            debit_reversals: figures.debit_reversals.into(),
            credits: figures.credits.into(),
            credit_reversals: figures.credit_reversals.into(),
        }
    }
}

/// Whether both sides say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Verdict)]
#[serde(rename_all = "snake_case")]
pub enum VerdictBody {
    /// The bank says that the totals are its own.
    Agreed,
    /// The bank has others.
    Differs,
    /// The bank did not compare them; `note` says why.
    NotCompared,
}

/// What a bank was told of a batch, item by item, after totals that differed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BatchUpload)]
pub struct UploadBody {
    /// The comparison that it follows.
    #[schema(example = "rcn_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub follows: String,
    /// How many items the bank has taken.
    pub items: usize,
    /// In how many messages.
    pub messages: usize,
    /// How many could not be told: their card is no longer kept, or the bank's form has no place for them.
    pub left_out: usize,
    /// The bank's answer to the end of the list; none: it did not come to that, and `note` says why.
    #[schema(example = "00")]
    pub response_code: Option<String>,
}

impl From<&Upload> for UploadBody {
    fn from(upload: &Upload) -> Self {
        Self {
            follows: upload.follows.to_string(),
            items: upload.items,
            messages: upload.messages,
            left_out: upload.left_out,
            response_code: upload.response_code.clone(),
        }
    }
}

/// One comparison of a batch's totals with its bank, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Reconciliation)]
pub struct ReconciliationBody {
    /// Its id.
    #[schema(example = "rcn_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `reconciliation`.
    #[schema(pattern = "^reconciliation$")]
    pub object: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// The bank.
    pub bank: String,
    /// DE 41, where each terminal has batches of its own.
    pub terminal: Option<String>,
    /// The batch's number, or the bank's accounting day (`MMDD`, or `YYMMDD` at a bank that says the year) where it has none.
    pub batch: String,
    /// Whether the batch was over.
    pub closed: bool,
    /// ISO 4217, upper case.
    pub currency: &'static str,
    /// What came of it.
    pub verdict: VerdictBody,
    /// The gateway's totals.
    pub own: BatchTotalsBody,
    /// The bank's, where it told them.
    pub bank_has: Option<BatchTotalsBody>,
    /// Who asked for it; none: the end of the bank's day did.
    pub by: Option<String>,
    /// In plain words, where there is more to say.
    pub note: Option<String>,
    /// What the bank was told before, where this follows an upload. If it differs still, people have to compare the batch with
    /// the bank.
    pub upload: Option<UploadBody>,
}

/// A reconciliation as the API shows it.
pub fn reconciliation_body(it: &Reconciliation) -> ReconciliationBody {
    ReconciliationBody {
        id: it.id.to_string(),
        object: "reconciliation",
        created: it.created,
        bank: it.bank.clone(),
        terminal: it.terminal.clone(),
        batch: it.batch.clone(),
        closed: it.closed,
        currency: it.currency.alpha(),
        verdict: match it.verdict {
            Verdict::Agreed => VerdictBody::Agreed,
            Verdict::Differs => VerdictBody::Differs,
            Verdict::NotCompared => VerdictBody::NotCompared,
        },
        own: it.own.into(),
        bank_has: it.bank_has.map(Into::into),
        by: it.by.clone(),
        note: it.note.clone(),
        upload: it.upload.as_ref().map(UploadBody::from),
    }
}

/// A set of a bank's parameters, as it was fetched. To the gateway it is bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BankParameters)]
pub struct ParametersBody {
    /// Its id.
    #[schema(example = "par_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `bank_parameters`.
    #[schema(pattern = "^bank_parameters$")]
    pub object: &'static str,
    /// When it was fetched.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// The bank.
    pub bank: String,
    /// Which of its sets.
    #[schema(example = "terminal")]
    pub set: String,
    /// Why it was fetched.
    pub why: String,
    /// Who asked for it; none: the bank did.
    pub by: Option<String>,
    /// In how many pieces it came.
    pub pieces: u16,
    /// How many bytes it has.
    pub bytes: usize,
    /// SHA-256 of them, hexadecimal.
    pub sha256: String,
    /// The bytes, hexadecimal; only where one set is asked for.
    pub content: Option<String>,
}

/// Fetched parameters as the API shows them: in a list, without what they hold.
pub fn parameters_body(it: Parameters, with_content: bool) -> ParametersBody {
    ParametersBody {
        id: it.id.to_string(),
        object: "bank_parameters",
        created: it.created,
        bank: it.bank,
        set: it.set,
        why: it.why,
        by: it.by,
        pieces: it.pieces,
        bytes: it.bytes,
        sha256: it.sha256,
        content: with_content.then_some(it.content),
    }
}
