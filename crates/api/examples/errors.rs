//! Prints the page of error codes: `cargo run -p api --example errors > docs/reference/errors.md`.

fn main() {
    print!("{}", api::problem::errors_markdown());
}
