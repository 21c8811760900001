//! Query parameters: each known by name, none twice.

use pcs::Page;
use types::{Id, Kind};

use crate::problem::{Code, Problem};

const DEFAULT_LIMIT: u16 = 20;
const MAX_LIMIT: u16 = 100;

/// A request's query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Refuses parameters other than the known ones, and any that stands twice.
    pub fn only(&self, known: &[&str]) -> Result<(), Problem> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            let shown = card::mask_pans(name);
            if !known.contains(&name.as_str()) {
                let rule = match known {
                    [] => "there are no query parameters here".to_owned(),
                    _ => format!("the query parameters here are: {}", known.join(", ")),
                };
                return Err(Problem::with_param(Code::ParameterUnknown, shown, rule));
            }
            if self.0[..place].iter().any(|(other, _)| other == name) {
                return Err(Problem::with_param(
                    Code::ParameterInvalid,
                    shown,
                    "the parameter is sent twice",
                ));
            }
        }
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// An id of the wanted kind.
    pub fn id<K: Kind>(&self, name: &str) -> Result<Option<Id<K>>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error: types::IdError| {
            Problem::with_param(Code::ParameterInvalid, name, format!("{name} is {error}"))
        })
    }

    /// `limit`, `starting_after`, `ending_before`.
    pub fn page<K: Kind>(&self) -> Result<Page, Problem> {
        let limit = match self.get("limit") {
            None => DEFAULT_LIMIT,
            Some(text) => {
                text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                    let rule = format!("limit must be a whole number from 1 to {MAX_LIMIT}");
                    Problem::with_param(Code::ParameterInvalidInteger, "limit", rule)
                })?
            }
        };
        let after = self.id::<K>("starting_after")?.map(Id::to_u128);
        let before = self.id::<K>("ending_before")?.map(Id::to_u128);
        if after.is_some() && before.is_some() {
            let rule = "starting_after and ending_before cannot be sent together";
            return Err(Problem::with_param(Code::ParameterInvalid, "ending_before", rule));
        }
        Ok(Page { limit, after, before })
    }
}

/// The parameters of every list.
pub(crate) const PAGE: &[&str] = &["limit", "starting_after", "ending_before"];

#[cfg(test)]
mod tests {
    use types::id::PaymentKind;

    use super::*;

    fn page(pairs: &[(&str, &str)]) -> Result<Page, Code> {
        let query = Query::new(pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect());
        query.only(PAGE).and_then(|()| query.page::<PaymentKind>()).map_err(|problem| problem.code())
    }

    #[test]
    fn a_page_has_twenty_objects_unless_asked_otherwise() {
        assert_eq!(page(&[]), Ok(Page { limit: 20, after: None, before: None }));
        let after = "pay_01h455vb4pex5vsknk084sn02q";
        let number = 0x01890a5d_ac96_774b_bcce_b302099a8057;
        assert_eq!(
            page(&[("limit", "3"), ("starting_after", after)]),
            Ok(Page { limit: 3, after: Some(number), before: None })
        );
    }

    #[test]
    fn a_wrong_page_is_refused() {
        assert_eq!(page(&[("limit", "0")]), Err(Code::ParameterInvalidInteger));
        assert_eq!(page(&[("limit", "101")]), Err(Code::ParameterInvalidInteger));
        assert_eq!(page(&[("limit", "1"), ("limit", "2")]), Err(Code::ParameterInvalid));
        assert_eq!(page(&[("offset", "1")]), Err(Code::ParameterUnknown));
        assert_eq!(
            page(&[("starting_after", "cus_01h455vb4pex5vsknk084sn02q")]),
            Err(Code::ParameterInvalid)
        );
    }
}
