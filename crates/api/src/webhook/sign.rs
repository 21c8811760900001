//! Signatures of webhooks (Standard Webhooks 1.0.0, symmetric): HMAC-SHA256 over `{id}.{timestamp}.{body}`.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use types::Secret;

/// The secret is not `whsec_` and base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASecret;

/// The value of `webhook-signature`: one signature for each secret, so that a receiver may rotate at its leisure.
/// `timestamp` counts seconds since 1970.
///
/// # Errors
/// [`NotASecret`].
pub fn signatures(secrets: &[Secret<String>], id: &str, timestamp: i64, body: &str) -> Result<String, NotASecret> {
    let signed: Result<Vec<String>, NotASecret> = secrets.iter().map(|s| signature(s, id, timestamp, body)).collect();
    Ok(signed?.join(" "))
}

fn signature(secret: &Secret<String>, id: &str, timestamp: i64, body: &str) -> Result<String, NotASecret> {
    let encoded = secret.expose().strip_prefix("whsec_").ok_or(NotASecret)?;
    let key = Secret::new(STANDARD.decode(encoded).map_err(|_| NotASecret)?);
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn the_specification_s_example_has_the_specification_s_signature() {
        let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = signatures(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn while_rotating_every_secret_signs() {
        let secrets = [Secret::from("whsec_AAAA"), Secret::from("whsec_BBBB")];
        let signed = signatures(&secrets, "evt_1", 1, "{}").unwrap();
        assert_eq!(signed.split(' ').filter(|one| one.starts_with("v1,")).count(), 2);
        assert_eq!(signatures(&[Secret::from("AAAA")], "evt_1", 1, "{}"), Err(NotASecret));
    }
}
