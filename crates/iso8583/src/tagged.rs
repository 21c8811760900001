//! Writes the text of a tagged field: tag, length, value, one after another.

use zeroize::Zeroizing;

/// Builds the value of a tagged field with two-digit lengths, as field 48 of the dialects shipped here.
///
/// # Example
/// ```
/// let text = iso8583::Tagged::new().with("CV", "123").into_text();
/// assert_eq!(text.as_str(), "CV03123");
/// ```
pub struct Tagged(Zeroizing<String>);

/// The longest field of the standard, in characters.
const MAX_LENGTH: usize = 999;

impl Default for Tagged {
    fn default() -> Self {
        Self::new()
    }
}

impl Tagged {
    /// A value without parts.
    #[must_use]
    pub fn new() -> Self {
        // As much as a field can hold: a value that outgrew its memory would leave an unwiped copy behind.
        Self(Zeroizing::new(String::with_capacity(MAX_LENGTH)))
    }

    /// Appends a part. A value of more than 99 characters does not fit its length and is refused when the field
    /// is encoded.
    #[must_use]
    pub fn with(mut self, tag: &str, value: &str) -> Self {
        self.0.push_str(tag);
        self.0.push_str(&format!("{:02}", value.len()));
        self.0.push_str(value);
        self
    }

    /// The text for [`Fields::set`](crate::Fields::set).
    #[must_use]
    pub fn into_text(self) -> Zeroizing<String> {
        self.0
    }
}

impl std::fmt::Debug for Tagged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tagged({} characters)", self.0.len())
    }
}
