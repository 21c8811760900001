//! What the shop sells.

use types::{Currency, Money};

use crate::text::Texts;

/// The drawing of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// A notebook.
    Notebook,
    /// A cup of tea.
    Tea,
    /// A lamp.
    Lamp,
}

/// Something to buy.
#[derive(Debug)]
pub struct Item {
    /// Its code in the form.
    pub code: &'static str,
    /// Its price in minor units.
    pub price: u64,
    /// The currency of the price.
    pub currency: Currency,
    /// Charged when it ships: authorize now, capture later.
    pub ships_later: bool,
    /// Its drawing.
    pub picture: Picture,
}

/// The shelf.
pub static GOODS: [Item; 3] = [
    Item { code: "tea", price: 128_00, currency: Currency::CNY, ships_later: false, picture: Picture::Tea },
    Item {
        code: "notebook",
        price: 24_50,
        currency: Currency::EUR,
        ships_later: false,
        picture: Picture::Notebook,
    },
    Item { code: "lamp", price: 699_00, currency: Currency::CNY, ships_later: true, picture: Picture::Lamp },
];

impl Item {
    /// The price.
    pub fn money(&self) -> Money {
        // The prices above are far below what an amount holds.
        Money::new(self.price, self.currency).unwrap_or(Money::zero(self.currency))
    }

    /// Its name.
    pub const fn name(&self, t: &'static Texts) -> &'static str {
        match self.picture {
            Picture::Notebook => t.item_notebook,
            Picture::Tea => t.item_tea,
            Picture::Lamp => t.item_lamp,
        }
    }

    /// A sentence about it.
    pub const fn about(&self, t: &'static Texts) -> &'static str {
        match self.picture {
            Picture::Notebook => t.item_notebook_about,
            Picture::Tea => t.item_tea_about,
            Picture::Lamp => t.item_lamp_about,
        }
    }
}
