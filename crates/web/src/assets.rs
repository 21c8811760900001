//! The style sheet, the script and the mark: embedded, named by their own hash, never changed under a name.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA384, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One embedded file.
#[derive(Debug)]
pub struct Asset {
    /// Where it is served: `/assets/checkout-0a1b2c3d4e5f.css`.
    pub path: String,
    /// `sha384-…`, for the `integrity` attribute and the inventory.
    pub integrity: String,
    /// The MIME type.
    pub content_type: &'static str,
    /// The file.
    pub body: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, body: &'static str) -> Self {
        let hash = digest(&SHA384, body.as_bytes());
        let short: String = hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self {
            path: format!("/assets/{name}-{short}.{extension}"),
            integrity: format!("sha384-{}", STANDARD.encode(hash)),
            content_type,
            body,
        }
    }

    /// The last part of the path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// Everything that a payment page loads.
#[derive(Debug)]
pub struct Assets {
    /// The one style sheet.
    pub style: Asset,
    /// The one script.
    pub script: Asset,
    /// The mark, as icon of the page.
    pub mark: Asset,
}

/// The embedded files.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("checkout", "css", "text/css; charset=utf-8", include_str!("../assets/checkout.css")),
    script: Asset::new(
        "checkout",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/checkout.js"),
    ),
    mark: Asset::new("mark", "svg", "image/svg+xml", include_str!("../assets/mark.svg")),
});

impl Assets {
    /// The file with this name.
    pub fn find(&self, file_name: &str) -> Option<&Asset> {
        [&self.style, &self.script, &self.mark].into_iter().find(|asset| asset.file_name() == file_name)
    }
}

/// The inventory of scripts on payment pages (PCI DSS v4.0.1 requirement 6.4.3): each script with the reason for it.
pub fn script_inventory() -> serde_json::Value {
    let script = &ASSETS.script;
    serde_json::json!({
        "requirement": "PCI DSS v4.0.1 6.4.3",
        "scripts": [{
            "path": script.path,
            "integrity": script.integrity,
            "bytes": script.body.len(),
            "origin": "self",
            "reason": "Groups card digits, guards against sending a form twice, runs passkey ceremonies, polls an unknown outcome.",
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_stay_small() {
        assert!(ASSETS.style.body.len() <= 12 * 1024);
        assert!(ASSETS.script.body.len() <= 15 * 1024);
    }

    /// What Trusted Types and the policy forbid is not in the script, and nothing of another origin is in either file.
    #[test]
    fn the_files_need_nothing_that_the_policy_forbids() {
        for banned in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "Function(",
            "http://",
            "https://",
        ] {
            assert!(!ASSETS.script.body.contains(banned), "{banned}");
        }
        for banned in ["url(", "@import", "http://", "https://"] {
            assert!(!ASSETS.style.body.contains(banned), "{banned}");
        }
    }

    #[test]
    fn a_file_is_found_by_its_hashed_name_only() {
        assert!(ASSETS.find(ASSETS.script.file_name()).is_some());
        assert!(ASSETS.find("checkout.js").is_none());
        assert!(ASSETS.find("../checkout.js").is_none());
    }
}
