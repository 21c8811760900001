//! PEM (RFC 7468), written and read strictly.

use crate::b64;

/// The text is not a PEM document of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a PEM document with the label {label}")]
pub struct PemError {
    /// The label that was wanted.
    pub label: &'static str,
}

/// Writes one block: `-----BEGIN label-----`, base64 in lines of 64, `-----END label-----`.
pub fn encode(label: &str, der: &[u8]) -> String {
    let text = b64::encode_standard(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        // Base64 is ASCII, so every cut is between letters.
        out.extend(line.iter().map(|letter| char::from(*letter)));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

/// Reads every block of the text; all must carry `label`. Text between blocks is refused, blank lines are not.
///
/// # Errors
/// [`PemError`] when there is none, or anything else.
pub fn decode_all(label: &'static str, text: &str) -> Result<Vec<Vec<u8>>, PemError> {
    let wrong = PemError { label };
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut blocks = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (body, after) = rest.strip_prefix(&begin).and_then(|rest| rest.split_once(&end)).ok_or(wrong)?;
        let letters: String = body.split_ascii_whitespace().collect();
        blocks.push(b64::decode_standard(&letters).map_err(|_| wrong)?);
        rest = after.trim_start();
    }
    if blocks.is_empty() { Err(wrong) } else { Ok(blocks) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_read_back_and_strangers_are_refused() {
        let text = encode("CERTIFICATE", &[1; 100]) + &encode("CERTIFICATE", b"2");
        assert_eq!(decode_all("CERTIFICATE", &text), Ok(vec![vec![1; 100], b"2".to_vec()]));
        for wrong in
            ["", "hello", &encode("PRIVATE KEY", b"1"), &text.replace("END", "FIN"), &format!("{text}x")]
        {
            assert_eq!(decode_all("CERTIFICATE", wrong), Err(PemError { label: "CERTIFICATE" }));
        }
    }
}
