//! `lian verify`: recompute everything that can be recomputed, and name the first breach.

use indicatif::{ProgressBar, ProgressStyle};
use store::Store;

use crate::cli::VerifyArgs;
use crate::fault::{Fault, Tried as _};

pub async fn run(args: VerifyArgs) -> Result<(), Fault> {
    let path = args.data.join("lian.db");
    if !path.exists() {
        return Err(Fault::plain(format!("there is no store at {}", path.display())));
    }
    let store = Store::open_to_verify(&path).tried(format!("cannot open {}", path.display()))?;
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} records, {eta} left") {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let verified = store.verify(move |done, all| {
        shown.set_length(all);
        shown.set_position(done);
    });
    let verified = verified.await.tried("cannot read the store")?;
    bar.finish_and_clear();
    match verified {
        Ok(verified) => {
            println!("{verified}");
            Ok(())
        }
        Err(breach) => Err(Fault::plain(format!("the store does not hold: {breach}"))),
    }
}
