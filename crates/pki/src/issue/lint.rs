//! The lint: what was built is read back and compared with what was asked for, before anything is signed.

use super::build::key_identifier;
use super::{IssueError, Request};
use crate::certificate::Certificate;
use crate::profile::BACKDATE_MS;
use crate::serial::Serial;

/// Compares a certificate, whose signature is a placeholder, with its request.
pub(super) fn lint(
    read: &Certificate,
    request: &Request<'_>,
    serial: Serial,
    issuer_key_id: Option<&[u8]>,
) -> Result<(), IssueError> {
    let rules = request.profile.rules();
    let sorted = |purposes: &[_]| {
        let mut purposes = purposes.to_vec();
        purposes.sort();
        purposes
    };
    let life_ms = read.not_after().ms_since(read.not_before());
    let findings = [
        (read.serial() != serial, "serial number"),
        (read.public_key() != request.public_key, "public key"),
        (read.uri() != request.subject.uri.as_deref(), "identity"),
        (read.dns() != request.subject.dns, "host names"),
        (read.is_ca() != rules.ca.is_some(), "basic constraints"),
        (read.may_sign() != (rules.ca.is_none() && !rules.agrees), "key usage"),
        (read.may_agree() != rules.agrees, "key usage"),
        (sorted(read.purposes()) != sorted(rules.purposes), "extended key usage"),
        (read.subject_key_id() != Some(&key_identifier(request.public_key)), "subject key identifier"),
        (
            read.authority_key_id().is_none() || read.authority_key_id() != issuer_key_id,
            "authority key identifier",
        ),
        (read.credential() != request.credential, "credential"),
        (life_ms > rules.life_ms + BACKDATE_MS, "life"),
    ];
    match findings.into_iter().find(|(wrong, _)| *wrong) {
        Some((_, what)) => Err(IssueError::Lint(what)),
        None => Ok(()),
    }
}
