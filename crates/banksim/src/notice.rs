//! What a bank says of its own accord.

/// A request or advice of the bank's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An echo test.
    Echo,
    /// The accounting day has changed: [`crate::Bank::cut_over`] says so by itself.
    CutOver,
    /// New working keys, in the message.
    NewKeys,
    /// New working keys whose check value is wrong.
    WrongKeys,
    /// The other side shall ask for new keys.
    KeyExchange,
    /// The other side shall sign on again.
    SignOn,
    /// The bank signs off.
    SignOff,
    /// The other side shall fetch parameters.
    Parameters,
}
