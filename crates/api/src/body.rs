//! Objects as the API shows them: pure functions from what the gateway keeps to what merchants read. Nothing here can
//! see a whole card number.

mod attempt;
mod bank;
mod checkout_session;
mod doubt;
mod event;
mod payment;
mod refund;
mod route;
mod setup;
mod terminal;

use serde::Serialize;
use utoipa::ToSchema;

pub use attempt::{AttemptBody, AttemptOutcome, attempts};
pub(crate) use bank::refused_because;
pub use bank::{
    BankBody, BankLinkBody, BankNewsBody, BatchTotalsBody, LinkStateBody, ParametersBody, ReconciliationBody,
    TotalBody, VerdictBody, bank_body, parameters_body, reconciliation_body,
};
pub use checkout_session::{
    CheckoutSessionBody, LineBody, SessionPaymentStatus, SessionStatusBody, checkout_session_body,
};
pub use doubt::{BankWordBody, DoubtBody, doubt_body};
pub use event::{
    DeliveryBody, DeliveryStatusBody, EndpointStatusBody, EventBody, EventData, EventObject, LegBody,
    MessageBody, TestEventBody, TimelineItemBody, WebhookEndpointBody, delivery_body, event_body,
    timeline_item, webhook_endpoint_body,
};
pub use payment::{
    CancellationReasonBody, CaptureMethodBody, CardBody, PaymentBody, PaymentStatus, ProcessingReasonBody,
    payment_body,
};
pub use refund::{RefundBody, RefundStatus, refund_body};
pub use route::{RouteBody, RouteContractBody, RouteRuleBody, route_body};
pub use setup::{
    CustomerBody, DeletedBody, FeePlanBody, MerchantBody, MerchantStatusBody, PaymentMethodBody,
    PaymentMethodStatusBody, customer_body, merchant_body, payment_method_body,
};

pub use terminal::{TerminalBody, TerminalStatusBody, terminal_body};

/// Part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListBody<T> {
    /// Always `list`.
    #[schema(pattern = "^list$")]
    pub object: &'static str,
    /// The objects.
    pub data: Vec<T>,
    /// There is more in the asked direction.
    pub has_more: bool,
    /// The list's path.
    pub url: String,
}

impl<T> ListBody<T> {
    /// A list as the API shows it.
    pub fn new(url: impl Into<String>, data: Vec<T>, has_more: bool) -> Self {
        Self { object: "list", data, has_more, url: url.into() }
    }
}
