//! `/v1/customers` and `/v1/payment_methods`. Stored cards come into being at the checkout only.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use types::id::CustomerKind;
use types::{CustomerId, PaymentMethodId};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, created, ok};
use crate::body::{
    CustomerBody, DeletedBody, ListBody, PaymentMethodBody, customer_body, payment_method_body,
};
use crate::problem::{Code, Problem};
use crate::request::query::PAGE;
use crate::request::{Call, Fields, FromFields, TextRule};

/// A customer to make or to change. When changing, what is not sent stays as it is, and an empty text removes it.
#[derive(Debug, ToSchema)]
pub(crate) struct CustomerRequest {
    /// The customer's name.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// The customer's address.
    #[schema(max_length = 254, example = "li.na@example.com")]
    email: Option<String>,
    /// Your own data; replaces all of it.
    metadata: Option<BTreeMap<String, String>>,
}

impl FromFields for CustomerRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", TextRule::OPTIONAL_NAME);
        let email = fields.text("email", TextRule::EMAIL);
        if email.as_ref().is_some_and(|email| !email.is_empty() && !looks_like_an_address(email)) {
            fields.flaw(
                "email",
                Code::ParameterInvalid,
                "email must be an address such as li.na@example.com",
            );
        }
        Some(Self { name, email, metadata: fields.metadata() })
    }
}

/// One @ with something before it and a dotted name after it; more can only be told by sending mail.
fn looks_like_an_address(text: &str) -> bool {
    matches!(text.split_once('@'), Some((local, domain))
        if !local.is_empty() && !domain.contains('@') && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.'))
}

fn none_if_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Make a customer.
#[utoipa::path(post, path = "/v1/customers", operation_id = "createCustomer", tag = "Customers",
    request_body = CustomerRequest,
    responses((status = 201, description = "The customer.", body = CustomerBody)))]
pub(crate) async fn create(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let request: CustomerRequest = call.read()?;
    let (name, email) = (none_if_empty(request.name), none_if_empty(request.email));
    let metadata = request.metadata.unwrap_or_default();
    let customer = api.pcs.create_customer(&call.caller, name, email, metadata).await?;
    created(format!("/v1/customers/{}", customer.id), customer_body(&customer, api.config.livemode))
}

/// List customers.
#[utoipa::path(get, path = "/v1/customers", operation_id = "listCustomers", tag = "Customers",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "Newest first.", body = ListBody<CustomerBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.query.only(PAGE)?;
    let listed = api.pcs.customers(call.caller.merchant, call.query.page::<CustomerKind>()?).await?;
    let data = listed.data.iter().map(|customer| customer_body(customer, api.config.livemode)).collect();
    ok(ListBody::<CustomerBody>::new("/v1/customers", data, listed.has_more))
}

/// Read a customer.
#[utoipa::path(get, path = "/v1/customers/{id}", operation_id = "getCustomer", tag = "Customers",
    params(("id" = String, Path, description = "A customer's id.")),
    responses((status = 200, description = "The customer.", body = CustomerBody)))]
pub(crate) async fn get(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: CustomerId = call.id("customer")?;
    let found = api.pcs.customer(call.caller.merchant, id).await?;
    let customer = found.ok_or_else(|| Problem::missing("customer", &id.to_string()))?;
    ok(customer_body(&customer, api.config.livemode))
}

/// Change a customer.
#[utoipa::path(post, path = "/v1/customers/{id}", operation_id = "updateCustomer", tag = "Customers",
    params(("id" = String, Path, description = "A customer's id.")),
    request_body = CustomerRequest,
    responses((status = 200, description = "The customer.", body = CustomerBody)))]
pub(crate) async fn update(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let id: CustomerId = call.id("customer")?;
    let request: CustomerRequest = call.read()?;
    let name = request.name.map(|name| none_if_empty(Some(name)));
    let email = request.email.map(|email| none_if_empty(Some(email)));
    let customer = api.pcs.update_customer(&call.caller, id, name, email, request.metadata).await?;
    ok(customer_body(&customer, api.config.livemode))
}

/// Erase a customer's personal data and detach its cards. Its payments stay.
#[utoipa::path(delete, path = "/v1/customers/{id}", operation_id = "deleteCustomer", tag = "Customers",
    params(("id" = String, Path, description = "A customer's id.")),
    responses((status = 200, description = "It is gone.", body = DeletedBody)))]
pub(crate) async fn delete(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: CustomerId = call.id("customer")?;
    api.pcs.delete_customer(&call.caller, id).await?;
    ok(DeletedBody { id: id.to_string(), object: "customer", deleted: true })
}

/// List the cards that a customer can use.
#[utoipa::path(get, path = "/v1/customers/{id}/payment_methods", operation_id = "listCustomerPaymentMethods",
    tag = "Customers", params(("id" = String, Path, description = "A customer's id.")),
    responses((status = 200, description = "Newest first.", body = ListBody<PaymentMethodBody>)))]
pub(crate) async fn list_methods(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let (merchant, id): (_, CustomerId) = (call.caller.merchant, call.id("customer")?);
    if api.pcs.customer(merchant, id).await?.is_none() {
        return Err(Problem::missing("customer", &id.to_string()));
    }
    let methods = api.pcs.payment_methods_of(merchant, id).await?;
    let data = methods.iter().map(|method| payment_method_body(method, api.config.livemode)).collect();
    ok(ListBody::<PaymentMethodBody>::new(call.path(), data, false))
}

/// Read a stored card.
#[utoipa::path(get, path = "/v1/payment_methods/{id}", operation_id = "getPaymentMethod", tag = "Payment methods",
    params(("id" = String, Path, description = "A stored card's id.")),
    responses((status = 200, description = "The card, without its number.", body = PaymentMethodBody)))]
pub(crate) async fn get_method(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: PaymentMethodId = call.id("payment method")?;
    let found = api.pcs.payment_method(call.caller.merchant, id).await?;
    let method = found.ok_or_else(|| Problem::missing("payment method", &id.to_string()))?;
    ok(payment_method_body(&method, api.config.livemode))
}

/// Detach a stored card: it pays no more, and is kept for refunds only.
#[utoipa::path(post, path = "/v1/payment_methods/{id}/detach", operation_id = "detachPaymentMethod",
    tag = "Payment methods", params(("id" = String, Path, description = "A stored card's id.")),
    responses((status = 200, description = "The card, detached.", body = PaymentMethodBody)))]
pub(crate) async fn detach_method(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: PaymentMethodId = call.id("payment method")?;
    let method = api.pcs.detach_payment_method(&call.caller, id).await?;
    ok(payment_method_body(&method, api.config.livemode))
}
