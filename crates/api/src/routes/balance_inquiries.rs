//! `/v1/balance_inquiries`: what a card has left.

use std::sync::Arc;

use axum::extract::State;
use pcs::{Balance, BalanceQuestion};
use serde::Serialize;
use types::{PaymentMethodId, TerminalId};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, ok};
use crate::problem::{Code, Problem};
use crate::request::card_data::{self, CardDataRequest};
use crate::request::{Call, Fields, FromFields};

/// A question about a card.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `BalanceQuestion` is read from")]
pub(crate) struct BalanceInquiryRequest {
    /// ISO 4217, upper case.
    #[schema(example = "CNY", pattern = "^[A-Z]{3}$")]
    currency: String,
    /// A stored card.
    #[schema(example = "pm_01kbt3m2x4e5f8g9hajbkcmdpe")]
    payment_method: Option<String>,
    /// A card for this question only. Only for merchants that may send card data.
    payment_method_data: Option<CardDataRequest>,
    /// The terminal that the card is at.
    #[schema(example = "ter_01kbt3m2x4e5f8g9hajbkcmdpe")]
    terminal: Option<String>,
}

impl FromFields for BalanceQuestion {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let currency = fields.currency("currency");
        let currency = fields.required("currency", currency);
        let payment_method: Option<PaymentMethodId> = fields.id("payment_method");
        let terminal: Option<TerminalId> = fields.id("terminal");
        fields.no_card_data_of_this_merchant(card_data::FIELD);
        Some(Self { currency: currency?, payment_method, card: None, terminal })
    }
}

/// What a card has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Balance)]
pub(crate) struct BalanceBody {
    /// Always `balance`.
    #[schema(pattern = "^balance$")]
    object: &'static str,
    /// Minor units; negative when the card is overdrawn.
    #[schema(example = 125_000)]
    available: i64,
    /// ISO 4217, upper case.
    currency: &'static str,
}

/// Ask what a card has left.
///
/// Nothing is moved and nothing is kept. Not every bank answers it, and few do so for a card that is not there.
#[utoipa::path(post, path = "/v1/balance_inquiries", operation_id = "inquireBalance", tag = "Terminals",
    request_body = BalanceInquiryRequest,
    responses((status = 200, description = "What the card has left.", body = BalanceBody)))]
pub(crate) async fn create(State(api): State<Arc<ApiState>>, mut call: Call) -> Answer {
    let card = card_data::take(&api, &mut call).await?;
    let mut question: BalanceQuestion = call.read()?;
    question.card = card_data::read(card, false)?;
    let (is_stored, is_given) = (question.payment_method.is_some(), question.card.is_some());
    card_data::one_card(is_stored, is_given, question.terminal.is_some())?;
    match api.pcs.balance_of(&call.caller, question).await? {
        Balance::Available { minor, currency } => {
            ok(BalanceBody { object: "balance", available: minor, currency: currency.alpha() })
        }
        Balance::Declined(decline) => {
            let detail = format!("the bank does not say: {}", decline.code.replace('_', " "));
            Err(Problem::new(Code::CardDeclined, detail).decline(Some(decline)))
        }
        Balance::Unknown => {
            Err(Problem::new(Code::HostTimeout, "the bank did not say what the card has left; ask again"))
        }
    }
}
