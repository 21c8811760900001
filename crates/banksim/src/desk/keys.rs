//! Keys that the bank makes and hands out.

use iso8583::Fields;
use tracing::error;

use super::Desk;
use crate::forms::Form;
use crate::keys::{ConnectionKeys, WorkingKeys};
use crate::request::LinkRequest;

/// Fresh keys, their field and its bytes.
pub(super) struct FreshKeys {
    keys: WorkingKeys,
    field: u8,
    bytes: Vec<u8>,
}

impl FreshKeys {
    /// Puts them into the message that brings them, and serves with them from now on. Where that is wanted, the last of their
    /// check values is wrong.
    pub fn hand_out(mut self, fields: &mut Fields, keys: &mut ConnectionKeys, is_wrong: bool) {
        if is_wrong && let Some(last) = self.bytes.last_mut() {
            *last ^= 0xff;
        }
        if fields.set_bytes(self.field, &self.bytes).is_err() {
            error!(field = self.field, "The bank's keys do not fit their field");
        }
        keys.replace(self.keys);
    }
}

impl Desk {
    /// The keys that the answer to a request brings.
    pub(super) fn keys_for(&self, request: LinkRequest) -> Option<FreshKeys> {
        let brings_keys = match (self.form, request) {
            (Form::Cups, LinkRequest::SignOn) | (Form::Iso87 | Form::Iso93, LinkRequest::KeyExchange) => true,
            (Form::Cups | Form::Iso87 | Form::Iso93, _) => false,
        };
        if brings_keys { self.fresh_keys() } else { None }
    }

    pub(super) fn fresh_keys(&self) -> Option<FreshKeys> {
        let form = self.profile.key_field()?;
        let algorithm = self.profile.mac().algorithm;
        let (keys, wrapped) = WorkingKeys::fresh(&self.tmk, form, algorithm, self.entropy.as_ref());
        Some(FreshKeys { keys, field: form.field, bytes: form.write(&wrapped).to_vec() })
    }
}
