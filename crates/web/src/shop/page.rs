//! The shop's pages.

use askama::Template;

use super::goods::Picture;
use crate::amount::Amount;
use crate::page::Page;
use crate::text::Texts;

/// An item on the shelf.
#[derive(Clone, Debug)]
pub struct ItemView {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// A sentence.
    pub about: &'static str,
    /// Its price.
    pub amount: Amount,
    /// Its drawing.
    pub picture: Picture,
}

/// The shelf.
#[derive(Template)]
#[template(path = "shop/products.html")]
pub struct ProductsPage {
    /// The layout.
    pub page: Page,
    /// The sentences.
    pub t: &'static Texts,
    /// What is sold.
    pub items: Vec<ItemView>,
    /// The checkout could not be opened.
    pub unavailable: bool,
}

/// A line of what the shop sees.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// The page after the checkout.
#[derive(Template)]
#[template(path = "shop/thanks.html")]
pub struct ThanksPage {
    /// The layout.
    pub page: Page,
    /// The sentences.
    pub t: &'static Texts,
    /// The heading.
    pub title: &'static str,
    /// What became of the order.
    pub sentence: String,
    /// Where the script looks while the outcome is unknown.
    pub status_path: Option<String>,
    /// What the shop sees.
    pub facts: Vec<Fact>,
}
