//! How a card's data came to the terminal: what a bank wants to know in DE 22.

use serde::{Deserialize, Serialize};

/// How the card's data was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryMode {
    /// By the shopper, over the Internet.
    #[default]
    Ecommerce,
    /// By the merchant, from a letter or a telephone call (MOTO).
    Moto,
    /// Keyed in at a terminal.
    Manual,
    /// The magnetic stripe was read.
    MagneticStripe,
    /// The chip was read, by its contacts.
    Chip,
    /// The chip was read over the air.
    Contactless,
    /// A code that the shopper or the merchant shows.
    Qr,
}

impl EntryMode {
    /// Every way.
    pub const ALL: [EntryMode; 7] = [
        Self::Ecommerce,
        Self::Moto,
        Self::Manual,
        Self::MagneticStripe,
        Self::Chip,
        Self::Contactless,
        Self::Qr,
    ];

    /// Its name in the API, in records and in `bank.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecommerce => "ecommerce",
            Self::Moto => "moto",
            Self::Manual => "manual",
            Self::MagneticStripe => "magnetic_stripe",
            Self::Chip => "chip",
            Self::Contactless => "contactless",
            Self::Qr => "qr",
        }
    }

    /// Whether the card was at the terminal.
    pub const fn is_card_present(self) -> bool {
        match self {
            Self::Ecommerce | Self::Moto => false,
            Self::Manual | Self::MagneticStripe | Self::Chip | Self::Contactless | Self::Qr => true,
        }
    }
}

/// How a card's data was entered, and whether a PIN came with it: the two things that DE 22 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// How.
    pub mode: EntryMode,
    /// A PIN was entered for the bank to check.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pin: bool,
}

impl Entry {
    /// Over the Internet, without a PIN: what is meant where nothing is said.
    pub fn is_ecommerce(&self) -> bool {
        *self == Self::default()
    }
}

impl From<EntryMode> for Entry {
    fn from(mode: EntryMode) -> Self {
        Self { mode, pin: false }
    }
}
