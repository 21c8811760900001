//! Card terminals as the API shows them.

use pcs::model::{PinKey, Terminal, TerminalStatus};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

/// Whether a terminal may take payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TerminalStatus)]
#[serde(rename_all = "snake_case")]
pub enum TerminalStatusBody {
    /// May take payments.
    Active,
    /// Takes none for now. What it has taken can be refunded.
    Suspended,
}

/// A card terminal of a merchant at one bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Terminal)]
pub struct TerminalBody {
    /// The terminal's id.
    #[schema(example = "ter_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `terminal`.
    #[schema(pattern = "^terminal$")]
    pub object: &'static str,
    /// Whether real money moves.
    pub livemode: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Whose it is.
    pub merchant: String,
    /// The merchant's own name for it.
    #[schema(example = "Till 2")]
    pub label: String,
    /// Whether it may take payments.
    pub status: TerminalStatusBody,
    /// The bank's name in the gateway's configuration.
    #[schema(example = "cups-pos")]
    pub bank: String,
    /// Its number at the bank (DE 41).
    #[schema(example = "10000042")]
    pub number: String,
    /// The key under which it encrypts PINs; none: it takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_key: Option<PinKeyBody>,
}

/// The key under which a terminal encrypts PINs. The key itself is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PinKey)]
pub struct PinKeyBody {
    /// One key for all PINs (TPK), or the base key of a DUKPT terminal (BDK).
    pub kind: PinKeyKindBody,
    /// Its cipher: formats 0, 1 and 3 go with Triple DES, format 4 with AES.
    pub cipher: PinCipherBody,
    /// Six hexadecimal digits that tell nothing of the key.
    #[schema(example = "832754")]
    pub check_value: String,
    /// Since when it is this terminal's.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// What kind of PIN key a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PinKeyKind)]
#[serde(rename_all = "snake_case")]
pub enum PinKeyKindBody {
    /// Terminal PIN key.
    Tpk,
    /// Base derivation key.
    Bdk,
}

/// The cipher of a PIN key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PinCipher)]
#[serde(rename_all = "snake_case")]
pub enum PinCipherBody {
    /// Triple DES.
    TripleDes,
    /// AES.
    Aes,
}

fn pin_key_body(key: &PinKey) -> PinKeyBody {
    PinKeyBody {
        kind: if key.is_dukpt() { PinKeyKindBody::Bdk } else { PinKeyKindBody::Tpk },
        cipher: if key.is_aes() { PinCipherBody::Aes } else { PinCipherBody::TripleDes },
        check_value: key.check_value.clone(),
        since: key.since,
    }
}

/// A terminal as the API shows it.
pub fn terminal_body(terminal: &Terminal, livemode: bool) -> TerminalBody {
    TerminalBody {
        id: terminal.id.to_string(),
        object: "terminal",
        livemode,
        created: terminal.created,
        merchant: terminal.merchant.to_string(),
        label: terminal.label.clone(),
        status: match terminal.status {
            TerminalStatus::Active => TerminalStatusBody::Active,
            TerminalStatus::Suspended => TerminalStatusBody::Suspended,
        },
        bank: terminal.bank.clone(),
        number: terminal.number.clone(),
        pin_key: terminal.pin_key.as_ref().map(pin_key_body),
    }
}
