//! Which language a page speaks.
//!
//! What the shopper chose on this checkout comes first, then what the merchant asked for, then what the browser prefers.

use crate::text::{EN, Texts, ZH_CN};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    /// English.
    En,
    /// Simplified Chinese.
    ZhCn,
}

impl Locale {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::En, Self::ZhCn];

    /// The BCP 47 tag, as in the `lang` attribute.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// The sentences.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::En => &EN,
            Self::ZhCn => &ZH_CN,
        }
    }

    /// The language that the switch offers.
    pub const fn other(self) -> Self {
        match self {
            Self::En => Self::ZhCn,
            Self::ZhCn => Self::En,
        }
    }

    /// The language of a BCP 47 tag, by its first part: every Chinese is better served by Chinese than by English.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let first = tag.trim().split(['-', '_']).next()?;
        match first.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "zh" => Some(Self::ZhCn),
            _ => None,
        }
    }

    /// The best of `Accept-Language` (RFC 9110 section 12.5.4): highest quality, the first of equals.
    pub fn from_accept_language(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',').take(32) {
            let mut parts = range.split(';');
            let Some(locale) = parts.next().and_then(Self::from_tag) else { continue };
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0));
            if quality > 0.0 && quality <= 1.0 && best.is_none_or(|(found, _)| quality > found) {
                best = Some((quality, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }

    /// Chooses: the shopper's own choice, the merchant's wish, the browser's preference, English.
    pub fn choose(chosen: Option<&str>, merchant: Option<&str>, accept_language: Option<&str>) -> Self {
        chosen
            .and_then(Self::from_tag)
            .or_else(|| merchant.and_then(Self::from_tag))
            .or_else(|| accept_language.and_then(Self::from_accept_language))
            .unwrap_or(Self::En)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_heard_by_quality() {
        for (header, wanted) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Some(Locale::ZhCn)),
            ("de-DE,de;q=0.9,en;q=0.5,zh;q=0.4", Some(Locale::En)),
            ("en;q=0.1, zh-Hant-TW;q=0.2", Some(Locale::ZhCn)),
            ("zh;q=0, en;q=0.3", Some(Locale::En)),
            ("fr, *;q=0.1", None),
            ("en;q=ten", None),
            ("", None),
        ] {
            assert_eq!(Locale::from_accept_language(header), wanted, "{header}");
        }
    }

    #[test]
    fn the_shopper_decides_before_the_merchant_and_the_browser() {
        assert_eq!(Locale::choose(Some("en"), Some("zh-CN"), Some("zh")), Locale::En);
        assert_eq!(Locale::choose(None, Some("zh-CN"), Some("en")), Locale::ZhCn);
        assert_eq!(Locale::choose(Some("tlh"), None, Some("zh")), Locale::ZhCn);
        assert_eq!(Locale::choose(None, None, None), Locale::En);
    }
}
