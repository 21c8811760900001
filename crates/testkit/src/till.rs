//! A merchant's terminal at a bank, and what it sends of a sale that a chip approved there.

use card::{EntryMode, Expiry, OfflineApproval, Pan};
use pcs::model::Terminal;
use pcs::{CardInput, CardPresent, NewPayment, NewTerminal};
use types::{Money, PaymentMethodId};

use crate::{Shop, World};

/// A transaction certificate with what belongs to it: made up, but of the right form.
pub const CHIP_DATA: [u8; 27] = [
    0x9F, 0x26, 8, 0xC0, 0xFF, 0xEE, 0xBA, 0xDC, 0x0D, 0xED, 0x01, 0x9F, 0x27, 1, 0x40, 0x9F, 0x36, 2, 0, 1,
    0x95, 5, 0, 0, 0, 0, 0,
];

impl World {
    /// A new terminal of a merchant.
    pub async fn till(&self, shop: &Shop, bank: &str) -> Terminal {
        let number = self.next_number();
        let new = NewTerminal {
            merchant: shop.id(),
            label: format!("Till {number}"),
            bank: bank.to_owned(),
            number: format!("2{number:07}"),
            acceptor: format!("{number:015}"),
        };
        self.pcs().create_terminal(new).await.unwrap()
    }

    /// What a chip approved at a terminal, so many milliseconds ago.
    pub fn offline_sale(&self, till: &Terminal, pan: &str, amount: Money, ago_ms: i64) -> NewPayment {
        let present = CardPresent {
            track2: None,
            sequence_number: Some("001".to_owned()),
            chip_data: Some(CHIP_DATA.to_vec().into()),
            pin: None,
        };
        let card = CardInput {
            entry: EntryMode::Chip.into(),
            pan: Pan::parse(pan).unwrap(),
            expiry: Expiry::from_yymm("3012").unwrap(),
            security_code: None,
            present: Some(present),
            pin: None,
        };
        let approved_at = self.now().plus_ms(-ago_ms);
        NewPayment {
            payment_method: None,
            card: Some(card),
            terminal: Some(till.id),
            offline: Some(OfflineApproval { approved_at, authorization_code: Some("Y1OFFL".to_owned()) }),
            ..self.sale(PaymentMethodId::from_u128(0), amount)
        }
    }
}
