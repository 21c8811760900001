//! What stops a command: what was tried, and why it did not work, in plain words.

use std::error::Error;
use std::fmt;

/// A command's failure, for people.
#[derive(Debug)]
pub struct Fault {
    tried: String,
    why: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    pub fn new(tried: impl Into<String>, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { tried: tried.into(), why: Some(why.into()) }
    }

    pub fn plain(what: impl Into<String>) -> Self {
        Self { tried: what.into(), why: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tried)?;
        let mut why = self.why.as_deref().map(|why| why as &dyn Error);
        while let Some(cause) = why {
            write!(f, ": {cause}")?;
            why = cause.source();
        }
        Ok(())
    }
}

impl Error for Fault {}

/// Says what was tried when it fails.
pub trait Tried<T> {
    fn tried(self, what: impl Into<String>) -> Result<T, Fault>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Tried<T> for Result<T, E> {
    fn tried(self, what: impl Into<String>) -> Result<T, Fault> {
        self.map_err(|why| Fault::new(what, why))
    }
}
