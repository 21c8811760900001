//! The codes of all problems: one table, from which the statuses, the titles and docs/reference/errors.md are made.

use std::fmt::Write as _;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal, $todo:literal;)*) => {
        /// A problem's code: never renamed, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as it stands in a problem.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// What it means, in one sentence without the particulars.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// What the reader of the problem can do.
            pub const fn what_to_do(self) -> &'static str {
                match self { $(Code::$name => $todo,)* }
            }
        }
    };
}

#[rustfmt::skip]
codes! {
    BodyInvalid = "body_invalid", 400, "The request's body is not a JSON object.",
        "Send one JSON object in UTF-8. `detail` names the line and column, or the key that stands twice.";
    ParameterMissing = "parameter_missing", 400, "A required parameter is missing.",
        "Add the parameter named by `param`.";
    ParameterUnknown = "parameter_unknown", 400, "A parameter is not known here.",
        "Correct its spelling or remove it; unknown parameters are refused so that a typing error never goes unseen.";
    ParameterInvalid = "parameter_invalid", 400, "A parameter breaks a rule.",
        "`param` points at the value, `detail` says the rule, `allowed` lists the values where there is a list.";
    ParameterInvalidInteger = "parameter_invalid_integer", 400, "A parameter is not a whole number.",
        "Send a JSON number without a fraction. Amounts count minor units: 12.50 EUR is 1250.";
    CurrencyUnsupported = "currency_unsupported", 400, "The currency is not supported.",
        "Send an upper-case ISO 4217 code for which the merchant has a contract with a bank.";
    AmountTooSmall = "amount_too_small", 400, "The amount is below the least that can be charged.",
        "`detail` names the least amount.";
    AmountTooLarge = "amount_too_large", 400, "The amount is above the most that can be charged.",
        "`detail` names the largest amount; no message to a bank carries more than twelve digits.";
    PanNotAllowedHere = "pan_not_allowed_here", 400, "Something that looks like a card number was sent where none may be.",
        "Card numbers are entered on the hosted checkout, or given in `payment_method_data` by merchants that may send them. \
         Remove the number from the field that `param` names.";
    IdempotencyKeyRequired = "idempotency_key_required", 400, "A request that can move money needs an Idempotency-Key.",
        "Make one key for each intended operation, and send the same key again whenever you retry that operation.";
    VersionUnsupported = "version_unsupported", 400, "This API version does not exist.",
        "Leave the Gateway-Version header out, or send the version that `GET /v1` names.";
    ApiKeyMissing = "api_key_missing", 401, "The request carries no API key.",
        "Send `Authorization: Bearer` and a secret key.";
    ApiKeyInvalid = "api_key_invalid", 401, "The API key is unknown or has expired.",
        "Check that the whole key was copied and that it belongs to this gateway.";
    BankRefused = "bank_refused", 402, "The bank refused a capture, void or refund.",
        "The payment stands as it was before; `decline_code` and `network_decline_code` say why.";
    CardDeclined = "card_declined", 402, "The card was declined.",
        "`decline_code` says why and `advice` what the payer can do. The payment has failed; make a new one to try again.";
    ExpiredCard = "expired_card", 402, "The card has expired.",
        "Ask the payer for another card.";
    IncorrectNumber = "incorrect_number", 402, "The bank knows no card with this number.",
        "Ask the payer to check the number or to use another card.";
    PermissionDenied = "permission_denied", 403, "The key's owner may not do this.",
        "Ask the operator of the gateway.";
    ResourceMissing = "resource_missing", 404, "There is no such object.",
        "Check the id, and that it belongs to the merchant of the key.";
    MethodNotAllowed = "method_not_allowed", 405, "The path exists, but not for this HTTP method.",
        "The `Allow` header lists the methods.";
    IdempotencyInProgress = "idempotency_in_progress", 409, "A request with this Idempotency-Key is still running.",
        "Wait as long as `Retry-After` says, then send the same request with the same key.";
    DuplicateMerchantReference = "duplicate_merchant_reference", 409, "This merchant_reference is taken.",
        "`detail` names the object that has it. Read that object before you charge again.";
    InvalidState = "invalid_state", 409, "The object's state does not allow this.",
        "`current_status` is where it is, `allowed_actions` is what can be asked for.";
    ResourceBusy = "resource_busy", 409, "Too many requests change this object at once.",
        "Wait as long as `Retry-After` says, then send the same request with the same key.";
    AmountExceedsCapturable = "amount_exceeds_capturable", 409, "More than what is held cannot be captured.",
        "Capture at most `amount_capturable`.";
    AmountExceedsRefundable = "amount_exceeds_refundable", 409, "More than what is left cannot be refunded.",
        "Refund at most `amount_refundable`.";
    SessionExpired = "session_expired", 410, "The checkout session is over.",
        "Make a new session.";
    BodyTooLarge = "body_too_large", 413, "The request's body is too large.",
        "Send at most 64 KiB.";
    MediaTypeUnsupported = "media_type_unsupported", 415, "The request's body is of an unsupported media type.",
        "Send `Content-Type: application/json`.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "This Idempotency-Key was used for another request.",
        "Send the first request unchanged, or make a new key for a new operation.";
    InstructionRefused = "instruction_refused", 422, "The payment instruction was refused.",
        "`detail` names the check that failed. Ask the payer for a new consent.";
    InternalError = "internal_error", 500, "The gateway has a fault.",
        "Send the same request with the same Idempotency-Key again; nothing happens twice. Give `request_id` to the operator.";
    HostUnavailable = "host_unavailable", 503, "No bank can be reached.",
        "Nothing was sent to a bank and no money was taken. Try later.";
    TemporarilyUnavailable = "temporarily_unavailable", 503, "The gateway is overloaded, or its store is not available.",
        "Wait as long as `Retry-After` says, then send the same request with the same Idempotency-Key.";
    HostTimeout = "host_timeout", 504, "The bank did not answer in time.",
        "Do not charge again. `payment` is the truth: while it is `in_doubt` the gateway finds the outcome out; a webhook \
         and `GET /v1/payments/{id}` tell it.";
}

impl Code {
    /// The code with this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// docs/reference/errors.md, made from the table.
pub fn errors_markdown() -> String {
    let mut page = String::from(HEAD);
    let mut status = 0;
    for &code in Code::ALL {
        if code.status() != status {
            status = code.status();
            let _ = write!(page, "\n## {status}\n");
        }
        let _ = write!(
            page,
            "\n### {}\n\n{}\n\n**What to do:** {}\n",
            code.name(),
            code.title(),
            code.what_to_do()
        );
    }
    page
}

const HEAD: &str = "# Errors

Every error is a problem of RFC 9457, `application/problem+json`, with a `code` that never changes. `detail` says what
happened in this case; `param` and each `errors[].pointer` are JSON pointers (RFC 6901) into the request's body, or the
name of a query parameter or header. `request_id` is also in the `Request-Id` header. `user_message` may be shown to the
payer and follows `Accept-Language` (`en`, `zh-CN`).

A request with an `Idempotency-Key` may always be sent again with the same key, whatever the answer was: it takes effect
once.

This file is made from `crates/api/src/problem/code.rs` by `cargo run -p api --example errors`.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_twice_and_statuses_are_in_order() {
        for (place, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[..place].iter().all(|other| other.name() != code.name()), "{}", code.name());
            assert_eq!(Code::from_name(code.name()), Some(*code));
        }
        assert!(Code::ALL.windows(2).all(|pair| pair[0].status() <= pair[1].status()));
    }

    #[test]
    fn the_committed_page_lists_every_code() {
        let page = include_str!("../../../../docs/reference/errors.md");
        assert_eq!(
            page,
            errors_markdown(),
            "run `cargo run -p api --example errors > docs/reference/errors.md`"
        );
    }
}
