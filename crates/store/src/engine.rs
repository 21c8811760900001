//! What an engine promises.

use crate::{Committed, Refused, StoreError, Unit};

/// The result of each unit of a batch, in its order.
pub type Outcomes = Vec<Result<Committed, Refused>>;

/// Commits batches. Units are decided on in their order, each against all that was committed and the units before it;
/// a refused unit leaves nothing and its neighbours are committed. What is returned is durable.
pub trait Engine: Send {
    /// Commits a batch as one transaction.
    ///
    /// # Errors
    /// [`StoreError::NotWritten`]: surely nothing of the batch. [`StoreError::Unknown`]: perhaps all of it, and nothing
    /// of it may be acknowledged. [`StoreError::Superseded`]: nothing, and never again by this engine.
    fn commit(&mut self, batch: &[Unit]) -> Result<Outcomes, StoreError>;

    /// Gets ready again after [`StoreError::NotWritten`], by what the store says itself.
    ///
    /// # Errors
    /// [`StoreError`]: still not able to write.
    fn recover(&mut self) -> Result<(), StoreError>;

    /// Whether it can go on after [`StoreError::Unknown`], once it has recovered: the store itself knows what it has
    /// committed. Otherwise only opening it again decides.
    fn outlives_unknown(&self) -> bool {
        false
    }
}
