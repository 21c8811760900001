//! Progress bars of long commands. Where nobody looks, nothing is drawn.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for so many of something, behind what is being done.
pub fn bar(doing: &'static str, of: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template =
        format!("{{msg:10}} {{bar:40}} {{human_pos}}/{{human_len}} {of}, {{per_sec}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.set_message(doing);
    bar
}

/// Shows how far it is.
pub fn show(bar: &ProgressBar, done: u64, all: u64) {
    bar.set_length(all);
    bar.set_position(done);
}
