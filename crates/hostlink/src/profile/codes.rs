//! What a response code (DE 39) means to us.

use serde::Deserialize;

/// What a bank's answer decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Yes.
    Approve {
        /// The bank has a doubt of its own ("defective success"): reconcile this one first.
        flagged: bool,
    },
    /// No.
    Decline {
        /// Our name for the reason, for example `insufficient_funds`.
        decline_code: String,
        /// What the payer can do, for example `try_another_card`.
        advice: String,
        /// Whether the same card may be tried again at all.
        may_retry: bool,
    },
    /// The bank does not know how the transaction ended: as good as silence.
    Unknown,
    /// The keys or the batch are out of step; nothing was done. The link signs on again, then it can be tried once more.
    RetryAfterSignOn,
    /// The bank cannot work on it now; nothing was done.
    RetryLater,
}

/// A row of the table of response codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// What it decides.
    pub outcome: CodeOutcome,
    /// Whether the operator must look at it: a mistake of ours, of the configuration, or an attack.
    pub alarm: bool,
    /// Of a reversal: the bank knows of nothing to undo, so nothing was done, neither then nor now.
    pub found_nothing: bool,
}

impl CodeRow {
    /// A code that no table names.
    pub(crate) fn unknown_to_us() -> Self {
        let (decline_code, advice) = ("generic_decline".to_owned(), "try_another_card".to_owned());
        Self {
            outcome: CodeOutcome::Decline { decline_code, advice, may_retry: false },
            alarm: true,
            found_nothing: false,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeWord {
    Approve,
    ApproveFlagged,
    Decline,
    Unknown,
    RetryAfterSignOn,
    RetryLater,
}

/// A row as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeDoc {
    pub outcome: OutcomeWord,
    pub decline_code: Option<String>,
    pub advice: Option<String>,
    #[serde(default = "yes")]
    pub may_retry: bool,
    #[serde(default)]
    pub alarm: bool,
    #[serde(default)]
    pub found_nothing: bool,
}

const fn yes() -> bool {
    true
}

impl CodeDoc {
    pub fn compile(self) -> Result<CodeRow, &'static str> {
        let outcome = match (self.outcome, self.decline_code, self.advice) {
            (OutcomeWord::Decline, Some(decline_code), Some(advice)) => {
                CodeOutcome::Decline { decline_code, advice, may_retry: self.may_retry }
            }
            (OutcomeWord::Decline, _, _) => return Err("a decline names decline_code and advice"),
            (_, Some(_), _) | (_, _, Some(_)) => return Err("only a decline names decline_code and advice"),
            (OutcomeWord::Approve, None, None) => CodeOutcome::Approve { flagged: false },
            (OutcomeWord::ApproveFlagged, None, None) => CodeOutcome::Approve { flagged: true },
            (OutcomeWord::Unknown, None, None) => CodeOutcome::Unknown,
            (OutcomeWord::RetryAfterSignOn, None, None) => CodeOutcome::RetryAfterSignOn,
            (OutcomeWord::RetryLater, None, None) => CodeOutcome::RetryLater,
        };
        if self.found_nothing && !matches!(outcome, CodeOutcome::Approve { .. }) {
            return Err("only what approves a reversal has found_nothing");
        }
        Ok(CodeRow { outcome, alarm: self.alarm, found_nothing: self.found_nothing })
    }
}
