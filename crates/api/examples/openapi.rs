//! Prints the OpenAPI description of the API: `cargo run -p api --example openapi > docs/reference/openapi.json`.

fn main() -> Result<(), serde_json::Error> {
    println!("{}", api::openapi().to_pretty_json()?);
    Ok(())
}
