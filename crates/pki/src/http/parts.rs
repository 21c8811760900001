//! The parts of a message that a signature can cover.

/// A request, as its signer sent it and its verifier received it.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// `POST`.
    pub method: &'a str,
    /// Host, and port unless it is the scheme's own: `pay.example` or `pay.example:8443`.
    pub authority: &'a str,
    /// The path, as written in the request: `/v1/payments`.
    pub path: &'a str,
    /// The query without its question mark; empty when there is none.
    pub query: &'a str,
    /// Header names, in any case, and values.
    pub headers: &'a [(&'a str, &'a str)],
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub struct ResponseParts<'a> {
    /// `200`.
    pub status: u16,
    /// Header names, in any case, and values.
    pub headers: &'a [(&'a str, &'a str)],
}

/// What is signed: a request, or an answer together with the request that it answers.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A request.
    Request(&'a RequestParts<'a>),
    /// An answer, and its request if the signature may refer to it with `;req`.
    Response(&'a ResponseParts<'a>, Option<&'a RequestParts<'a>>),
}

impl<'a> Message<'a> {
    pub(super) const fn headers(&self) -> &'a [(&'a str, &'a str)] {
        match self {
            Self::Request(request) => request.headers,
            Self::Response(response, _) => response.headers,
        }
    }
}

/// The combined value of a header: every line of it, trimmed, joined by a comma and a space (RFC 9421 section 2.1).
pub(super) fn header(headers: &[(&str, &str)], name: &str) -> Option<String> {
    let mut values = headers
        .iter()
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_matches([' ', '\t']))
        .peekable();
    values.peek()?;
    Some(values.collect::<Vec<_>>().join(", "))
}
