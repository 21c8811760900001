//! What the demo says when it is ready.

use super::data_dir::DemoFile;

pub fn print(demo: &DemoFile) {
    let card = &demo.test_cards[0];
    println!("Lian is ready.\n");
    println!("  Shop       {}          (open it in a browser and buy something)", demo.shop_url);
    println!("  API        {}", demo.api_url);
    println!("  Wallet     {}", demo.wallet_url);
    println!("  Secret key {}", demo.secret_key);
    for bank in &demo.banks {
        println!("  Bank       {:12} ISO 8583 on {}", bank.name, bank.address);
    }
    println!("\n  Cards (expiry {}, code {}):", card.expiry, card.security_code);
    for card in &demo.test_cards {
        println!(
            "    {}  {:10} {}  {}",
            spaced(&card.number),
            card.brand,
            card.currency,
            card.behaviour.replace('_', " ")
        );
    }
    println!("\n  Try a payment:\n");
    println!("    curl {}/v1/payments \\", demo.api_url);
    println!("      -H 'Authorization: Bearer {}' \\", demo.secret_key);
    println!("      -H 'Idempotency-Key: first-payment' -H 'Content-Type: application/json' \\");
    println!(
        "      -d '{{\"amount\": 1250, \"currency\": \"{}\", \"confirm\": true, \"payment_method\": \"{}\"}}'",
        card.currency, card.payment_method
    );
    println!("\n  Then: `lian try --data <this directory>` for the tour. Ctrl-C stops.");
}

fn spaced(number: &str) -> String {
    number.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four)).collect::<Vec<_>>().join(" ")
}
