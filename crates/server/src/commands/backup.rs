//! `lian backup` and `lian restore`: the embedded store as it is in one moment, and back.

use std::fs;
use std::path::{Path, PathBuf};

use super::verify;
use crate::cli::{BackupArgs, RestoreArgs};
use crate::fault::{Fault, Tried as _};
use crate::progress;
use crate::store_url::StoreUrl;

/// Copies a store that may be served meanwhile, and proves the copy.
pub async fn run(args: BackupArgs) -> Result<(), Fault> {
    let from = file_of(&args.store)?;
    if !from.exists() {
        return Err(Fault::plain(format!("there is no store at {}", from.display())));
    }
    copied(from, &args.to).await?;
    println!(
        "{} is a copy of the store as it was when this began. It can be brought back with lian restore.",
        args.to.display()
    );
    println!(
        "The vault's key file is not in it, and without that file no card in it can be read: keep both, and apart."
    );
    Ok(())
}

/// Brings a copy back to where no store is.
pub async fn restore(args: RestoreArgs) -> Result<(), Fault> {
    let to = file_of(&args.store)?;
    if !args.from.exists() {
        return Err(Fault::plain(format!("there is no copy at {}", args.from.display())));
    }
    for beside in ["-wal", "-shm", "-projections"] {
        let path = with_suffix(&to, beside);
        if path.exists() {
            return Err(Fault::plain(format!(
                "{} belongs to another store; move it away first",
                path.display()
            )));
        }
    }
    copied(args.from, &to).await?;
    println!(
        "{} is the store again. Start the gateway with the vault's key file that belongs to it.",
        to.display()
    );
    println!("What was paid after the copy was taken is not in it: settle that with the banks' own reports.");
    Ok(())
}

/// Copies, proves, and only then gives the copy its name.
async fn copied(from: PathBuf, to: &Path) -> Result<(), Fault> {
    if to.exists() {
        return Err(Fault::plain(format!("{} exists already; it is not written over", to.display())));
    }
    let part = with_suffix(to, ".part");
    // What a copy that was broken off has left.
    remove(&part)?;
    let made = make(from, part.clone()).await;
    let cleared = ["-wal", "-shm", "-projections", "-projections-wal", "-projections-shm"]
        .into_iter()
        .try_for_each(|beside| remove(&with_suffix(&part, beside)));
    if made.is_err() {
        // The reason is worth more than whether its remains could be taken away.
        let _ = remove(&part);
        return made;
    }
    cleared?;
    fs::rename(&part, to).tried(format!("cannot rename {}", part.display()))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).tried("the folder cannot be made durable")
}

async fn make(from: PathBuf, part: PathBuf) -> Result<(), Fault> {
    let bar = progress::bar("copying", "pages");
    let (shown, target) = (bar.clone(), part.clone());
    let copying = tokio::task::spawn_blocking(move || {
        store::copy_sqlite(&from, &target, |done, all| progress::show(&shown, done, all))
    });
    copying.await.tried("the copy was interrupted")?.tried("cannot copy the store")?;
    bar.finish_and_clear();
    verify::prove(StoreUrl::Sqlite(part)).await
}

fn file_of(url: &str) -> Result<PathBuf, Fault> {
    match StoreUrl::parse(url, Path::new("."))? {
        StoreUrl::Sqlite(path) => Ok(path),
        StoreUrl::Postgres(_) => Err(Fault::plain(
            "a PostgreSQL store is copied by PostgreSQL's own means (pg_basebackup, pg_dump); this is for sqlite:FILE",
        )),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::new(format!("cannot remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}
