//! What the pages show, as plain data: built from the wallet's answers here, rendered by the templates, previewed without a
//! server.

use askama::Template;
use types::{Money, PaymentMethodId, Timestamp};
use wallet::Account;
use wallet::wire::{CardFace, ConsentKind, Outcome, PaymentResult, Session, StoredCard};

use super::card_form::{Mistake, brand_name};
use crate::amount::{Amount, instant};
use crate::locale::Locale;
use crate::page::Page;
use crate::text::{Texts, fill};

/// An order as the shopper sees it.
#[derive(Clone, Debug)]
pub struct OrderView {
    /// `/c/cs_…`.
    pub path: String,
    /// The payee.
    pub merchant: String,
    /// How much.
    pub amount: Amount,
    /// Whether the money is held first.
    pub manual: bool,
    /// What is bought.
    pub lines: Vec<LineView>,
    /// The merchant's number.
    pub reference: Option<String>,
    /// Where the shopper goes after paying.
    pub success_url: String,
    /// Where the shopper goes after giving up.
    pub cancel_url: String,
    /// Seconds until the session closes.
    pub closes_in: i64,
}

/// A line of an order.
#[derive(Clone, Debug)]
pub struct LineView {
    /// What.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// For how much.
    pub total: Amount,
}

impl OrderView {
    /// The order of a session.
    pub fn of(session: &Session, now: Timestamp) -> Self {
        // The PCS keeps amounts within what one bank message carries; a line beyond that shows as the largest there is.
        let amount = |minor: u64| {
            Amount::of(
                Money::new(minor.min(i64::MAX as u64), session.currency)
                    .unwrap_or(Money::zero(session.currency)),
            )
        };
        let lines = session.lines.iter().map(|line| LineView {
            name: line.name.clone(),
            quantity: line.quantity,
            total: amount(line.unit_amount.saturating_mul(u64::from(line.quantity))),
        });
        Self {
            path: format!("/c/{}", session.id),
            merchant: session.merchant_name.clone(),
            amount: amount(session.amount),
            manual: session.capture_method == payment::CaptureMethod::Manual,
            lines: lines.collect(),
            reference: session.merchant_reference.clone(),
            success_url: session.success_url.clone(),
            cancel_url: session.cancel_url.clone(),
            closes_in: (session.expires_at.ms_since(now) / 1000).max(0),
        }
    }
}

/// The card form.
#[derive(Template)]
#[template(path = "checkout/card.html")]
pub struct CardPage {
    /// The layout.
    pub page: Page,
    /// The sentences.
    pub t: &'static Texts,
    /// The order.
    pub order: OrderView,
    /// The form token.
    pub form: String,
    /// The brands that are taken.
    pub brands: Vec<&'static str>,
    /// A date in the future.
    pub example: String,
    /// What is wrong; empty on the first showing.
    pub problems: Vec<Mistake>,
    /// Whether the card has to be typed again.
    pub ask_again: bool,
    /// The expiry date to show again.
    pub typed_expiry: String,
    /// The name to show again.
    pub typed_name: String,
    /// Whether the box was ticked.
    pub save: bool,
    /// Whether passkeys are offered: not on a device whose wallet is known.
    pub passkeys: bool,
}

impl CardPage {
    /// What is wrong with a field.
    pub fn wrong(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == Some(field)).map(|problem| problem.text.as_str())
    }
}

/// The brands of a session, by name.
pub fn brands(session: &Session, locale: Locale) -> Vec<&'static str> {
    let known = session.accepted_brands.iter().filter_map(|code| card::Brand::from_code(code));
    known.map(|brand| brand_name(brand, locale)).collect()
}

/// A card of a wallet.
#[derive(Clone, Debug)]
pub struct CardChoice {
    /// Its token.
    pub token: PaymentMethodId,
    /// `Visa ending in 4242`.
    pub name: String,
    /// `12/28`.
    pub expires: String,
}

/// The page of a recognised device.
#[derive(Template)]
#[template(path = "checkout/passkey.html")]
pub struct PasskeyPage {
    /// The layout.
    pub page: Page,
    /// The sentences.
    pub t: &'static Texts,
    /// The order.
    pub order: OrderView,
    /// The form token.
    pub form: String,
    /// The cards to choose from.
    pub cards: Vec<CardChoice>,
    /// What went wrong.
    pub problem: Option<String>,
}

/// The cards of a wallet that this merchant takes and that have not ended.
pub fn cards(account: &Account, session: &Session, now: Timestamp, locale: Locale) -> Vec<CardChoice> {
    let usable = account.cards.iter().filter(|card| {
        let taken = session.accepted_brands.contains(&card.brand);
        let ended =
            card::Expiry::new(card.exp_year, card.exp_month).map_or(true, |expiry| expiry.is_past(now));
        taken && !ended
    });
    let choice = |card: &StoredCard| CardChoice {
        token: card.payment_method,
        name: card_name(&card.brand, &card.last4, locale),
        expires: format!("{:02}/{:02}", card.exp_month, card.exp_year % 100),
    };
    usable.map(choice).collect()
}

/// `Visa ending in 4242`.
pub fn card_name(brand: &str, last4: &str, locale: Locale) -> String {
    let brand = card::Brand::from_code(brand).map_or(brand, |brand| brand_name(brand, locale));
    fill(&fill(locale.texts().card_ending, "brand", brand), "last4", last4)
}

/// What became of a payment.
#[derive(Clone, Debug)]
pub struct ResultView {
    /// Held, not yet taken.
    pub authorized: bool,
    /// The card.
    pub card: Option<String>,
    /// When, for people.
    pub at: String,
    /// When, for machines.
    pub at_machine: String,
    /// The bank's approval.
    pub approval_code: Option<String>,
    /// By passkey or as a guest.
    pub by_passkey: Option<bool>,
    /// The payment's id.
    pub payment: String,
}

impl ResultView {
    /// The receipt of a payment.
    pub fn of(result: &PaymentResult, locale: Locale) -> Self {
        let name = |card: &CardFace| card_name(&card.brand, &card.last4, locale);
        Self {
            authorized: result.outcome == Outcome::Authorized,
            card: result.card.as_ref().map(name),
            at: instant(result.at, locale),
            at_machine: result.at.to_string(),
            approval_code: result.approval_code.clone(),
            by_passkey: result.consent.map(|consent| consent == ConsentKind::Passkey),
            payment: result.payment.to_string(),
        }
    }
}

/// The offer to keep the card.
#[derive(Clone, Debug)]
pub struct OfferView {
    /// The card.
    pub card: String,
    /// A try just failed.
    pub failed: bool,
}

/// The receipt.
#[derive(Template)]
#[template(path = "checkout/paid.html")]
pub struct PaidPage {
    /// The layout.
    pub page: Page,
    /// The sentences.
    pub t: &'static Texts,
    /// The order.
    pub order: OrderView,
    /// The payment.
    pub result: ResultView,
    /// The session was opened again after it was paid.
    pub again: bool,
    /// The card can be kept.
    pub offer: Option<OfferView>,
    /// The card was kept.
    pub saved: Option<String>,
}

/// A link that looks like a button.
#[derive(Clone, Debug)]
pub struct Action {
    /// Where.
    pub href: String,
    /// What.
    pub text: String,
}

/// A page that says one thing.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `bad`, `wait` or `good`: colour, and how loudly it is read out.
    pub tone: &'static str,
    /// The heading.
    pub title: &'static str,
    /// The sentence.
    pub body: String,
    /// A second sentence.
    pub more: Option<&'static str>,
    /// Looks again by itself.
    pub refresh: bool,
    /// Where the script looks.
    pub status_path: Option<String>,
    /// What can be done.
    pub actions: Vec<Action>,
}

impl Notice {
    /// A notice without anything to do.
    pub fn new(tone: &'static str, title: &'static str, body: impl Into<String>) -> Self {
        Self {
            tone,
            title,
            body: body.into(),
            more: None,
            refresh: false,
            status_path: None,
            actions: Vec::new(),
        }
    }

    /// With a link.
    #[must_use]
    pub fn with(mut self, href: impl Into<String>, text: impl Into<String>) -> Self {
        self.actions.push(Action { href: href.into(), text: text.into() });
        self
    }
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "checkout/notice.html")]
pub struct NoticePage {
    /// The layout.
    pub page: Page,
    /// The sentences.
    pub t: &'static Texts,
    /// The order, when it is known.
    pub order: Option<OrderView>,
    /// What it says.
    pub notice: Notice,
}
