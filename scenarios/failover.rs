//! The database's server dies under load and its synchronous standby takes its place: requests are refused clearly meanwhile,
//! nothing that was acknowledged is lost, and everything goes on alone.

#[path = "support/shoppers.rs"]
mod shoppers;
#[path = "support/town.rs"]
mod town;

use std::sync::Arc;

use shoppers::{Shoppers, nothing_is_lost};
use town::Town;

const SHOPPERS: usize = 64;
const PAYMENTS: usize = 15;
/// Acknowledged when the server is killed.
const BEFORE: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_standby_takes_over_under_load_and_nothing_acknowledged_is_lost() {
    let mut town = Town::found().await;
    let standby = tokio::task::block_in_place(|| town.database.synchronous_standby(&std::env::temp_dir()));
    let standby = standby.expect("a standby");
    // Both hosts are named, as an operator would; only the one that takes writes is used.
    town.store_url = format!(
        "postgres://lian@127.0.0.1:{},127.0.0.1:{}/postgres",
        town.database.address().port(),
        standby.address().port()
    );
    for node in ["one", "two"] {
        town.configure(node, 0);
    }
    let (one, two) = (town.start("one"), town.start("two"));
    let mut database = std::mem::replace(&mut town.database, standby);
    let town = Arc::new(town);
    let shoppers = Shoppers::start(&town, &[one.url.clone(), two.url.clone()], SHOPPERS, PAYMENTS);
    shoppers.until_acknowledged(&town, BEFORE).await;
    tokio::task::block_in_place(|| database.kill()).expect("the server is killed");
    tokio::task::block_in_place(|| town.database.promote()).expect("the standby is promoted");
    let told = shoppers.told().await;

    let payments = town.settled(&two.url).await;
    nothing_is_lost(&told, &payments);
    town.bank_agrees(&payments);
    assert_eq!((one.stop(), two.stop()), (Some(0), Some(0)), "{}", town.log());
    town.verify();
}
