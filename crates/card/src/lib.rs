//! Card numbers, expiry dates, security codes and brands.
//!
//! Every type here that holds cardholder data wipes itself when dropped and shows at most the first six and the last
//! four digits (PCI DSS v4.0.1 requirements 3.3 and 3.4). Nothing here does I/O.

pub mod brand;
pub mod chip_data;
pub mod entry;
pub mod expiry;
pub mod luhn;
pub mod offline;
pub mod pan;
pub mod pin;
pub mod presence;
pub mod scan;
pub mod security_code;
pub mod track;

pub use brand::{Bin, Brand};
pub use chip_data::ChipDataError;
pub use expiry::{Expiry, ExpiryError};
pub use offline::OfflineApproval;
pub use pan::{Pan, PanError};
pub use pin::{EncryptedPin, PinFormat};
pub use presence::{Entry, EntryMode};
pub use scan::{contains_pan, mask_pans};
pub use security_code::{SecurityCode, SecurityCodeError};
pub use track::{Track2, Track2Error};
