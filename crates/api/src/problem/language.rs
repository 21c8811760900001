//! In which language a payer is spoken to.

use axum::http::{HeaderMap, header};

/// A language of our texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese in simplified characters.
    Chinese,
}

impl Language {
    /// The language tag (RFC 5646).
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    /// The best of our languages for an `Accept-Language` header (RFC 9110 section 12.5.4); English when in doubt.
    pub fn of(headers: &HeaderMap) -> Self {
        let accepted =
            headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        let mut best = (0.0, Language::English);
        for range in accepted.flat_map(|value| value.split(',')) {
            let (tag, quality) = range.split_once(';').unwrap_or((range, "q=1"));
            let quality =
                quality.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok()).unwrap_or(0.0);
            let primary = tag.trim().split('-').next().unwrap_or_default();
            let language = match primary {
                _ if primary.eq_ignore_ascii_case("zh") => Language::Chinese,
                _ if primary.eq_ignore_ascii_case("en") || primary == "*" => Language::English,
                _ => continue,
            };
            // At equal quality the one that stands first wins.
            if quality > best.0 {
                best = (quality, language);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_s_first_choice_among_our_languages_is_taken() {
        for (header, language) in [
            ("", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en;q=0.5, zh-Hans;q=0.6", Language::Chinese),
            ("fr, de;q=0.9", Language::English),
            ("zh;q=0, en", Language::English),
            ("zh;q=oops", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, header.parse().unwrap());
            assert_eq!(Language::of(&headers), language, "{header}");
        }
    }
}
