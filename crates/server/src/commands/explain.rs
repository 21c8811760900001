//! `lian explain`: a payment's whole life.

use crate::cli::ExplainArgs;
use crate::demo;
use crate::fault::Fault;
use crate::tour::{Client, timeline};

pub async fn run(args: ExplainArgs) -> Result<(), Fault> {
    let none = || Fault::plain(format!("there is no demo.json in {}", args.data.display()));
    let client = Client::new(demo::read_demo(&args.data)?.ok_or_else(none)?)?;
    let answer = client.get(&format!("/v1/payments/{}", args.payment)).await?;
    if answer.status == 404 {
        return Err(Fault::plain(format!("there is no payment {}", args.payment)));
    }
    let life = client.get(&format!("/v1/payments/{}/timeline", args.payment)).await?;
    timeline(&life.body);
    Ok(())
}
