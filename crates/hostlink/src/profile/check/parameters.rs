//! The messages with which parameters are fetched, each built once.

use card::Entry;

use super::super::error::ProfileError;
use super::super::parameters::{ParameterSet, ParameterStep};
use super::super::upload::UploadData;
use super::{Check, place};

pub(super) fn parameters(check: &Check<'_>, index: usize, set: &ParameterSet) -> Result<(), ProfileError> {
    let key = format!("parameters[{index}]");
    if set.accepted.is_empty() {
        return check.fail(format!("{key}.accepted"), "at least one response code");
    }
    if set.most_pieces == 0 || set.most_pieces > 9_999 || set.most_bytes == 0 || set.most_bytes > 400_000 {
        return check.fail(key, "1 to 9999 pieces and 1 to 400000 bytes");
    }
    if set.more == set.last {
        return check.fail(format!("{key}.last"), "something tells the last piece from the others");
    }
    let sample = check.sample(None, Entry::default());
    let data = UploadData {
        stan: sample.stan,
        at: sample.at,
        terminal: sample.terminal,
        acceptor: sample.acceptor,
        batch: sample.batch,
    };
    for step in [ParameterStep::Piece(set.most_pieces), ParameterStep::End] {
        let Some(message) = set.message(step) else { continue };
        let templates = message.templates(1);
        let templates = templates.or_else(|rule| check.fail(format!("{key}.fields"), rule))?;
        check.matched_by(&key, message.mti, &templates)?;
        check.constants(&key, &templates)?;
        match check.profile.parameter_message(set, step, &data) {
            Ok(Some(fields)) => check.obeys(&key, fields, &[])?,
            Ok(None) => {}
            Err(error) => return check.fail(place(&key, &error), error.to_string()),
        }
        if !check.profile.match_fields(message.mti).contains(&11) {
            let rule = format!(
                "{} needs a row of its own, with field 11: a link has such messages of its own",
                message.mti
            );
            return check.fail("matching", rule);
        }
    }
    Ok(())
}
