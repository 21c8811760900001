//! The messages of a batch upload, built once with as many items as they may have.

use card::{Entry, Pan};

use super::super::error::ProfileError;
use super::super::upload::{Upload, UploadData, UploadItem};
use super::{Check, place};

const KEY: &str = "reconciliation.upload";

pub(super) fn upload(check: &Check<'_>, upload: &Upload) -> Result<(), ProfileError> {
    if upload.accepted.is_empty() || upload.end_accepted.is_empty() {
        return check
            .fail(format!("{KEY}.accepted"), "at least one response code, for items and for their end");
    }
    let all = match upload.all_templates() {
        Ok(all) => all,
        Err(rule) => return check.fail(format!("{KEY}.fields"), rule),
    };
    for templates in &all {
        check.matched_by(KEY, upload.mti, templates)?;
        check.constants(KEY, templates)?;
    }
    let sample = check.sample(None, Entry::default());
    let data = UploadData {
        stan: sample.stan,
        at: sample.at,
        terminal: sample.terminal,
        acceptor: sample.acceptor,
        batch: sample.batch,
    };
    let Ok(pan) = Pan::parse("4242424242424242") else {
        return check.fail(KEY, "the sample card is no card");
    };
    let item = UploadItem { stan: 1, amount: 1, is_credit: false, pan: &pan };
    let credit = UploadItem { is_credit: upload.tells_credits(), ..item };
    let mut items = vec![item; upload.items_per_message];
    items[0] = credit;
    for message in
        [check.profile.upload_message(&data, &items), check.profile.upload_end_message(&data, items.len())]
    {
        match message {
            Ok(Some(fields)) => check.obeys(KEY, fields, &[])?,
            Ok(None) => {}
            Err(error) => return check.fail(place(KEY, &error), error.to_string()),
        }
    }
    Ok(())
}
