//! Keys in a PKCS#11 token: a hardware security module, or SoftHSM in tests. Source: OASIS PKCS #11 v2.40.
//!
//! A key in a token never leaves it: one that could be read out is refused. What the token's mechanisms do not offer is
//! not made up for with the key's bytes: it is refused too. Which they are is in `docs/operating/keys.md`.

mod key;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType as TokenKeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use types::Secret;
use zeroize::Zeroize as _;

pub use key::TokenKey;

use super::{BankKey, BankKeyError, KeyFamily, KeyType, TransportKey};

/// Why a token or a key in it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The library is missing, or is none of PKCS#11.
    #[error("PKCS#11 module {}: {reason}", module.display())]
    Module {
        /// The path of the library.
        module: PathBuf,
        /// Why.
        reason: TokenReason,
    },
    /// No token of that label, or more than one.
    #[error("{count} tokens are labelled {label}; there must be one")]
    NoToken {
        /// The label that was looked for.
        label: String,
        /// How many there are.
        count: usize,
    },
    /// The token refused the PIN, or did not answer.
    #[error("token {label}: {reason} while {doing}")]
    Refused {
        /// The label of the token.
        label: String,
        /// What was being done.
        doing: &'static str,
        /// Why.
        reason: TokenReason,
    },
    /// No secret key of that label, or more than one.
    #[error("{count} secret keys are labelled {label}; there must be one")]
    NoKey {
        /// The label that was looked for.
        label: String,
        /// How many there are.
        count: usize,
    },
    /// A key of that label is there, and is not replaced.
    #[error("a secret key is labelled {label} already")]
    Taken {
        /// The label.
        label: String,
    },
    /// A key that is not fit.
    #[error("key {label} in the token is unfit: {rule}")]
    Unfit {
        /// The label of the key.
        label: String,
        /// The rule that is broken.
        rule: &'static str,
    },
}

impl TokenError {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Module { .. } => "token_module",
            Self::NoToken { .. } => "token_missing",
            Self::Refused { .. } => "token_refused",
            Self::NoKey { .. } => "token_key_missing",
            Self::Taken { .. } => "token_label_taken",
            Self::Unfit { .. } => "token_key_unfit",
        }
    }
}

/// What a PKCS#11 library returned: `CKR_PIN_INCORRECT` of the standard is `PinIncorrect` here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenReason(Option<RvError>);

impl From<Error> for TokenReason {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(reason, _) => Self(Some(reason)),
            _ => Self(None),
        }
    }
}

impl fmt::Display for TokenReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(reason) => write!(f, "{reason:?}"),
            None => f.write_str("the library could not be loaded or gave no answer that can be read"),
        }
    }
}

impl fmt::Debug for TokenReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A session with a token, logged in. Calls take turns; a session of its own for each bank keeps banks apart.
pub struct Token {
    label: String,
    session: Mutex<Session>,
}

impl Token {
    /// Opens the token with this label and logs in with its user PIN.
    ///
    /// # Errors
    /// [`TokenError`] says whether the library, the token or the PIN was wrong.
    pub fn open(module: &Path, label: &str, pin: &Secret<String>) -> Result<Arc<Self>, TokenError> {
        let library = library(module)?;
        let refused = |doing| {
            let label = label.to_owned();
            move |error: Error| TokenError::Refused { label, doing, reason: error.into() }
        };
        let slot = slot(&library, label).map_err(refused("looking for it"))?;
        let slot = slot.map_err(|count| TokenError::NoToken { label: label.to_owned(), count })?;
        let session = library.open_rw_session(slot).map_err(refused("opening a session"))?;
        match session.login(UserType::User, Some(&AuthPin::from(pin.expose().as_str()))) {
            // Logging in is for a whole process: another bank's session has done it.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(refused("logging in")(error)),
        }
        Ok(Arc::new(Self { label: label.to_owned(), session: Mutex::new(session) }))
    }

    /// The one secret key with this label, for one type of use.
    ///
    /// # Errors
    /// [`TokenError::NoKey`] when there is none or more than one; [`TokenError::Unfit`] for a key that could be read out,
    /// or is neither double- or triple-length Triple DES nor AES.
    pub fn key(self: &Arc<Self>, label: &str, key_type: KeyType) -> Result<BankKey, TokenError> {
        Ok(BankKey::in_token(key_type, self.find(label)?))
    }

    /// Brings a transport key into the token under a label: for SoftHSM, and for tokens whose own tools cannot. It lies in
    /// this process meanwhile; key custodians at a hardware module use its tools.
    ///
    /// # Errors
    /// [`TokenError::Taken`] when a key has that label already; [`TokenError::Refused`] when the token does not take the key.
    pub fn import(self: &Arc<Self>, label: &str, key: &TransportKey) -> Result<(), TokenError> {
        let session = self.session();
        let refused = |error: Error| TokenError::Refused {
            label: self.label.clone(),
            doing: "bringing in a key",
            reason: error.into(),
        };
        let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.into())];
        let count = session.find_objects(&wanted).map_err(refused)?.len();
        if count > 0 {
            return Err(TokenError::Taken { label: label.to_owned() });
        }
        // Each cipher's keys may do what a master key does, and no more.
        let (kind, purpose) = match (key.family(), key.bytes().len()) {
            (KeyFamily::TripleDes, 16) => (TokenKeyType::DES2, Attribute::Decrypt(true)),
            (KeyFamily::TripleDes, _) => (TokenKeyType::DES3, Attribute::Decrypt(true)),
            (KeyFamily::Aes, _) => (TokenKeyType::AES, Attribute::Unwrap(true)),
        };
        let mut template = vec![
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(kind),
            Attribute::Label(label.into()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(false),
            Attribute::Wrap(false),
            purpose,
            Attribute::Value(key.bytes().to_vec()),
        ];
        let made = session.create_object(&template).map_err(refused);
        for attribute in &mut template {
            if let Attribute::Value(bytes) = attribute {
                bytes.zeroize();
            }
        }
        made.map(|_| ())
    }

    pub(crate) fn find(self: &Arc<Self>, label: &str) -> Result<TokenKey, TokenError> {
        let session = self.session();
        let refused = |error: Error| TokenError::Refused {
            label: self.label.clone(),
            doing: "looking for a key",
            reason: error.into(),
        };
        let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.as_bytes().to_vec())];
        let found = session.find_objects(&wanted).map_err(refused)?;
        let [handle] = found[..] else {
            return Err(TokenError::NoKey { label: label.to_owned(), count: found.len() });
        };
        let family = family(&session, handle).map_err(refused)?;
        let family = family.map_err(|rule| TokenError::Unfit { label: label.to_owned(), rule })?;
        Ok(TokenKey::new(Arc::clone(self), handle, family))
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        // A panic between two calls leaves no half-done state in a session: each call here is one operation.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.label)
    }
}

/// The library, initialized once in a process: PKCS#11 knows one state of it, whoever opens it.
fn library(module: &Path) -> Result<Pkcs11, TokenError> {
    static LIBRARIES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = libraries.get(module) {
        return Ok(library.clone());
    }
    let wrong = |error: Error| TokenError::Module { module: module.to_owned(), reason: error.into() };
    let library = Pkcs11::new(module).map_err(wrong)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(wrong(error)),
    }
    libraries.insert(module.to_owned(), library.clone());
    Ok(library)
}

/// The slot of the token with this label, or how many there are.
fn slot(library: &Pkcs11, label: &str) -> Result<Result<Slot, usize>, Error> {
    let mut found = Vec::new();
    for slot in library.get_slots_with_initialized_token()? {
        if library.get_token_info(slot)?.label() == label {
            found.push(slot);
        }
    }
    Ok(if let [slot] = found[..] { Ok(slot) } else { Err(found.len()) })
}

/// The cipher of a key that cannot be read out, or the rule that it breaks.
fn family(session: &Session, handle: ObjectHandle) -> Result<Result<KeyFamily, &'static str>, Error> {
    let asked = [AttributeType::KeyType, AttributeType::Sensitive, AttributeType::Extractable];
    let (mut family, mut sensitive, mut extractable) = (None, false, true);
    for attribute in session.get_attributes(handle, &asked)? {
        match attribute {
            Attribute::KeyType(TokenKeyType::DES2 | TokenKeyType::DES3) => {
                family = Some(KeyFamily::TripleDes);
            }
            Attribute::KeyType(TokenKeyType::AES) => family = Some(KeyFamily::Aes),
            Attribute::Sensitive(value) => sensitive = value,
            Attribute::Extractable(value) => extractable = value,
            _ => {}
        }
    }
    Ok(if !sensitive || extractable {
        Err("it is not sensitive, or can be extracted")
    } else {
        family.ok_or("it is neither Triple DES nor AES")
    })
}

/// Calls the token and says what it was doing when it refuses.
fn ask<T>(
    token: &Token,
    doing: &'static str,
    call: impl FnOnce(&Session) -> Result<T, Error>,
) -> Result<T, BankKeyError> {
    call(&token.session()).map_err(|error| BankKeyError::Token { doing, reason: error.into() })
}

/// The mechanism that passes single blocks.
fn blocks(family: KeyFamily) -> Mechanism<'static> {
    match family {
        KeyFamily::TripleDes => Mechanism::Des3Ecb,
        KeyFamily::Aes => Mechanism::AesEcb,
    }
}
