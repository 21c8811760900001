//! What can be asked of the PCS, and what comes back.

use std::collections::BTreeMap;

use card::{EncryptedPin, Entry, Expiry, OfflineApproval, Pan, SecurityCode};
use hostlink::CardPresent;
use payment::{CaptureMethod, Payment, Refund};
use types::{CustomerId, MerchantId, Money, PaymentId, PaymentMethodId, TerminalId, Timestamp};

use crate::model::LineItem;

/// Who asks: the merchant that a secret key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The merchant.
    pub merchant: MerchantId,
    /// Names the key in the journal; shows nothing of the secret.
    pub key_id: String,
}

/// An idempotency key with the fingerprint of the request that it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the client sent it, quotes removed: 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of method, route, canonical body and API version: equal for equal requests.
    pub fingerprint: [u8; 32],
}

/// A card as a merchant gives it: in memory only. Its number and date are sealed before anything is recorded; the rest goes
/// to the bank in one message and nowhere else.
#[derive(Clone, Debug)]
pub struct CardInput {
    /// How its data was entered.
    pub entry: Entry,
    /// The card number.
    pub pan: Pan,
    /// The expiry date.
    pub expiry: Expiry,
    /// The security code.
    pub security_code: Option<SecurityCode>,
    /// What a terminal read.
    pub present: Option<CardPresent>,
    /// The PIN that its holder entered at the terminal.
    pub pin: Option<EncryptedPin>,
}

/// A payment to make.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// How much.
    pub amount: Money,
    /// Authorize or consume.
    pub capture_method: CaptureMethod,
    /// Ask the bank now (needs a payment method), or later by `confirm`.
    pub confirm: bool,
    /// The stored card.
    pub payment_method: Option<PaymentMethodId>,
    /// A card given for this payment only; only with `confirm`, and only from merchants that may send card data.
    pub card: Option<CardInput>,
    /// The terminal that the card is at.
    pub terminal: Option<TerminalId>,
    /// A chip has approved it at its terminal already: what the terminal says of that.
    pub offline: Option<OfflineApproval>,
    /// The customer; must own the card when both are given.
    pub customer: Option<CustomerId>,
    /// The merchant's own number, unique per merchant.
    pub merchant_reference: Option<String>,
    /// Free text for people.
    pub description: Option<String>,
    /// The merchant's own data.
    pub metadata: BTreeMap<String, String>,
}

/// A refund to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// Of which payment.
    pub payment: PaymentId,
    /// Minor units; none gives back all that is left.
    pub amount: Option<u64>,
    /// Why, in the merchant's words.
    pub reason: Option<String>,
    /// The merchant's own number, unique per merchant.
    pub merchant_reference: Option<String>,
    /// The merchant's own data.
    pub metadata: BTreeMap<String, String>,
}

/// A hosted checkout to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCheckoutSession {
    /// How much; when `lines` are given it is their sum.
    pub amount: Money,
    /// Authorize or consume.
    pub capture_method: CaptureMethod,
    /// The merchant's own number, unique per merchant.
    pub merchant_reference: Option<String>,
    /// What is bought.
    pub lines: Vec<LineItem>,
    /// The merchant's customer.
    pub customer: Option<CustomerId>,
    /// Where the shopper goes after paying.
    pub success_url: String,
    /// Where the shopper goes after giving up.
    pub cancel_url: String,
    /// `en` or `zh-CN`.
    pub locale: Option<String>,
    /// When it closes; none takes one hour.
    pub expires_at: Option<Timestamp>,
}

/// How a command that moves money ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The payment as the command left it: paid, held, canceled, failed (declined), or `processing` and in doubt.
    Payment(Box<Payment>),
    /// The bank refused a capture or void; the payment stands as before and carries the refusal in `decline`.
    ActionRefused(Box<Payment>),
    /// The refund as the command left it.
    Refund(Box<Refund>),
}

/// A command's end, and whether it is the stored answer to an earlier request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// How it ended.
    pub done: Done,
    /// The same key ended the same way before; nothing was done now.
    pub replayed: bool,
}

/// Which part of a list: newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// 1 to 100.
    pub limit: u16,
    /// Older than the object with this number (`starting_after`).
    pub after: Option<u128>,
    /// Newer than the object with this number (`ending_before`).
    pub before: Option<u128>,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// Newest first.
    pub data: Vec<T>,
    /// There is more in the asked direction.
    pub has_more: bool,
}
