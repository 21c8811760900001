//! `GET /v1/test_helpers/trial_balance`: the books beside the banks' own totals. Only where the banks are simulated, for
//! only a simulator lets one look into its books.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use banksim::CurrencyTotals;
use ledger::{AccountCode, Balance, Owner};
use pcs::Pcs;
use serde_json::{Value, json};
use types::Currency;

use crate::demo::banks::DemoBank;

struct Look {
    pcs: Arc<Pcs>,
    banks: Arc<Vec<DemoBank>>,
}

pub fn router(pcs: Arc<Pcs>, banks: Arc<Vec<DemoBank>>) -> Router {
    Router::new().route("/v1/test_helpers/trial_balance", get(look)).with_state(Arc::new(Look { pcs, banks }))
}

async fn look(State(look): State<Arc<Look>>, headers: HeaderMap) -> Response {
    if !is_known(&look.pcs, &headers).await {
        let body =
            json!({ "status": 401, "code": "api_key_invalid", "detail": "this page needs a secret key" });
        let problem = [(header::CONTENT_TYPE, "application/problem+json")];
        return (StatusCode::UNAUTHORIZED, problem, body.to_string()).into_response();
    }
    match look.pcs.store().balances().await {
        Ok(balances) => axum::Json(trial_balance(&look, &balances)).into_response(),
        Err(error) => {
            let body =
                json!({ "status": 503, "code": "temporarily_unavailable", "detail": error.to_string() });
            let problem = [(header::CONTENT_TYPE, "application/problem+json")];
            (StatusCode::SERVICE_UNAVAILABLE, problem, body.to_string()).into_response()
        }
    }
}

/// Whether the request comes with a secret key of any merchant of this demo.
async fn is_known(pcs: &Pcs, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match value.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(key) => pcs.authenticate(key).await.is_ok_and(|caller| caller.is_some()),
        None => false,
    }
}

fn trial_balance(look: &Look, balances: &[(ledger::AccountId, Balance)]) -> Value {
    let accounts: Vec<Value> = balances
        .iter()
        .map(|(account, balance)| {
            json!({
                "account": account.to_string(),
                "debits_posted": balance.debits_posted,
                "credits_posted": balance.credits_posted,
                "debits_pending": balance.debits_pending,
                "credits_pending": balance.credits_pending,
            })
        })
        .collect();
    let (posted, pending) = balances.iter().fold((0i128, 0i128), |(posted, pending), (_, balance)| {
        (posted + balance.net_posted(), pending + balance.net_pending())
    });
    let banks: Vec<Value> = look.banks.iter().flat_map(|bank| compare(bank, balances)).collect();
    let agrees = banks.iter().all(|bank| bank["agrees"] == true);
    json!({ "accounts": accounts, "banks": banks, "balanced": posted == 0 && pending == 0 && agrees })
}

/// A bank's totals and what the books say about it, currency by currency.
fn compare(bank: &DemoBank, balances: &[(ledger::AccountId, Balance)]) -> Vec<Value> {
    let Some(simulator) = &bank.simulator else { return Vec::new() };
    let totals = simulator.totals();
    let is_ours = |owner: Owner| matches!(owner, Owner::Bank(name) if name.as_str() == bank.name);
    let ledger = |currency: Currency| {
        let found = balances.iter().find(|(account, _)| {
            account.code == AccountCode::BankClearing
                && account.currency == currency
                && is_ours(account.owner)
        });
        found.map(|(_, balance)| *balance).unwrap_or_default()
    };
    totals
        .iter()
        .map(|(currency, totals)| {
            let (net, held, books) = (net(totals), totals.open_holds.amount, ledger(*currency));
            let agrees =
                i128::from(net) == books.net_posted() && i128::from(held) == i128::from(books.debits_pending);
            json!({
                "bank": bank.name,
                "currency": currency.alpha(),
                "bank_net": net,
                "bank_held": held,
                "ledger_net": books.net_posted() as i64,
                "ledger_held": books.debits_pending,
                "agrees": agrees,
            })
        })
        .collect()
}

fn net(totals: &CurrencyTotals) -> i64 {
    totals.net_due.values().sum()
}
