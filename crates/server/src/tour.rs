//! `lian try`: the guided tour.

mod client;
mod print;
mod receiver;
mod steps;

pub use client::Client;
pub use print::timeline;

use crate::cli::{DemoArgs, TryArgs};
use crate::demo::{self, Demo};
use crate::fault::{Fault, Tried as _};

pub async fn run(args: TryArgs) -> Result<(), Fault> {
    match args.data {
        Some(data) => {
            let none = || {
                Fault::plain(format!(
                    "there is no demo.json in {}; run `lian demo` there first",
                    data.display()
                ))
            };
            let client = Client::new(demo::read_demo(&data)?.ok_or_else(none)?)?;
            steps::all(&client).await
        }
        None => on_a_demo_of_its_own().await,
    }
}

/// Starts a demo in a directory of its own, tours it, stops it, and removes the directory.
async fn on_a_demo_of_its_own() -> Result<(), Fault> {
    let data = std::env::temp_dir().join(format!("lian-try-{}", std::process::id()));
    let args = DemoArgs { data: data.clone(), port: 0, banks: Vec::new() };
    println!("Starting the gateway and two simulated banks in {} …", data.display());
    let demo = Demo::start(args).await?;
    let toured = match Client::new(demo.file().clone()) {
        Ok(client) => steps::all(&client).await,
        Err(fault) => Err(fault),
    };
    demo.stop().await;
    std::fs::remove_dir_all(&data).tried(format!("cannot remove {}", data.display()))?;
    toured
}
