//! The API of a running gateway, as its operator asks it: by the operator's key.

use std::net::IpAddr;

use serde_json::Value;

use crate::cli::OperatorArgs;
use crate::fault::{Fault, Tried as _};
use crate::operator_key;

/// Asks for a path, or with a body tells it something; a refusal is told in the API's words.
pub async fn ask(args: &OperatorArgs, path: &str, body: Option<Value>) -> Result<Value, Fault> {
    let key = operator_key::read(&args.operator_key_file)?;
    let mut http = reqwest::Client::builder().no_proxy();
    if let Some(path) = &args.tls_certificate {
        let pem = std::fs::read(path).tried(format!("cannot read {}", path.display()))?;
        let trusted = reqwest::Certificate::from_pem(&pem);
        http = http.add_root_certificate(trusted.tried(format!("{} is no certificate", path.display()))?);
    }
    let http = http.build().tried("cannot make an HTTP client")?;
    if is_open_to_others(&args.url) {
        let rule = "is not encrypted, and the operator's key would be sent there";
        return Err(Fault::plain(format!("{} {rule}", args.url)));
    }
    let url = format!("{}{path}", args.url.trim_end_matches('/'));
    let request = match &body {
        Some(body) => http.post(&url).json(body),
        None => http.get(&url),
    };
    let answer = request.bearer_auth(key.expose()).send().await;
    let answer = answer.tried(format!("no answer from {}; is the gateway running there?", args.url))?;
    let is_good = answer.status().is_success();
    let body: Value = answer.json().await.tried("the answer is not JSON")?;
    if is_good { Ok(body) } else { Err(Fault::plain(text(&body, "detail").to_owned())) }
}

/// Whether what is sent there can be read on its way.
fn is_open_to_others(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() != "https" && !is_here
}

/// A text member of an answer; `-` where it has none.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("-")
}

/// The members of a list.
pub fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_key_is_not_sent_where_others_can_read_it() {
        for url in
            ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080", "https://pay.example"]
        {
            assert!(!is_open_to_others(url), "{url}");
        }
        for url in ["http://pay.example", "http://192.0.2.7:8080", "http://localhost.example"] {
            assert!(is_open_to_others(url), "{url}");
        }
    }
}
