//! The stations of the tour. Each is a small story; the last adds everything up.

use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::print;
use super::receiver::Receiver;
use crate::fault::Fault;

pub async fn all(client: &Client) -> Result<(), Fault> {
    let receiver = Receiver::start(client).await?;
    consume(client).await?;
    authorize_and_capture(client).await?;
    void(client).await?;
    refund(client).await?;
    decline(client).await?;
    silence(client).await?;
    replay(client).await?;
    webhooks(&receiver).await?;
    receiver.stop(client).await?;
    trial_balance(client).await
}

async fn consume(client: &Client) -> Result<(), Fault> {
    print::chapter(1, "Consume (sale): one message moves the money");
    let paid = pay(client, "approve", "CNY", 12_50, json!({})).await?;
    expect(&paid, 200, "succeeded")?;
    life(client, &paid.body).await
}

async fn authorize_and_capture(client: &Client) -> Result<(), Fault> {
    print::chapter(2, "Authorize, then capture a part: the rest of the hold is given back");
    let held = pay(client, "approve", "EUR", 100_00, json!({ "capture_method": "manual" })).await?;
    expect(&held, 200, "requires_capture")?;
    let captured = action(client, &held.body, "capture", json!({ "amount": 60_00 })).await?;
    expect(&captured, 200, "succeeded")?;
    life(client, &captured.body).await
}

async fn void(client: &Client) -> Result<(), Fault> {
    print::chapter(3, "Void: a sale of the same day is taken back, the fee included");
    let paid = pay(client, "approve", "CNY", 8_00, json!({})).await?;
    expect(&paid, 200, "succeeded")?;
    let voided = action(client, &paid.body, "void", json!({})).await?;
    expect(&voided, 200, "canceled")?;
    life(client, &voided.body).await
}

async fn refund(client: &Client) -> Result<(), Fault> {
    print::chapter(4, "Refund: twice in part, and never more than was captured");
    let paid = pay(client, "approve", "CNY", 50_00, json!({})).await?;
    expect(&paid, 200, "succeeded")?;
    for amount in [20_00, 30_00] {
        let body = json!({ "payment": paid.body["id"], "amount": amount });
        print::asked(&format!("POST /v1/refunds {body}"));
        let refunded = client.post("/v1/refunds", Some(&fresh()), &body).await?;
        print::got(&format!("{} {}", refunded.status, refunded.body["status"]));
        expect(&refunded, 200, "succeeded")?;
    }
    let body = json!({ "payment": paid.body["id"], "amount": 1 });
    print::asked(&format!("POST /v1/refunds {body}"));
    let refused = client.post("/v1/refunds", Some(&fresh()), &body).await?;
    print::got(&format!("{} {}", refused.status, refused.body["code"]));
    if refused.body["code"] != "amount_exceeds_refundable" {
        return Err(Fault::plain(format!(
            "a refund beyond the captured amount was answered {}",
            refused.body
        )));
    }
    life(client, &paid.body).await
}

async fn decline(client: &Client) -> Result<(), Fault> {
    print::chapter(5, "Decline: the bank says no, and says why");
    let declined = pay(client, "insufficient_funds", "CNY", 99_00, json!({})).await?;
    if declined.status != 402 {
        return Err(Fault::plain(format!("expected a decline, got {} {}", declined.status, declined.body)));
    }
    print::note(&format!("to the shopper: {}", declined.body["user_message"].as_str().unwrap_or("")));
    life(client, &declined.body["payment"]).await
}

async fn silence(client: &Client) -> Result<(), Fault> {
    print::chapter(6, "A bank that never answers: in doubt, reversed, nothing taken");
    print::note("waiting for the bank's answer until the gateway gives up …");
    let silent = pay(client, "no_answer", "EUR", 42_00, json!({})).await?;
    if silent.status != 504 {
        return Err(Fault::plain(format!(
            "expected 504 host_timeout, got {} {}",
            silent.status, silent.body
        )));
    }
    print::note(&format!("to the shopper: {}", silent.body["user_message"].as_str().unwrap_or("")));
    let payment = settled(client, &silent.body["payment"]).await?;
    print::got(&print::payment_line(&payment));
    if payment["status"] != "canceled" {
        return Err(Fault::plain(format!("the doubt was not resolved: {payment}")));
    }
    life(client, &payment).await
}

async fn replay(client: &Client) -> Result<(), Fault> {
    print::chapter(7, "The same request again: the stored answer, no second message to the bank");
    let body = payment_body(client, "approve", "CNY", 3_00, json!({}))?;
    let key = fresh();
    let first = client.post("/v1/payments", Some(&key), &body).await?;
    let second = client.post("/v1/payments", Some(&key), &body).await?;
    print::got(&print::payment_line(&first.body));
    print::got(&format!("{} (replayed: {})", print::payment_line(&second.body), second.replayed));
    if first.body["id"] != second.body["id"] || !second.replayed {
        return Err(Fault::plain("the second request made a second payment"));
    }
    let mut other = body;
    other["amount"] = json!(4_00);
    let reused = client.post("/v1/payments", Some(&key), &other).await?;
    print::asked("the same key with another amount");
    print::got(&format!("{} {}", reused.status, reused.body["code"]));
    Ok(())
}

async fn webhooks(receiver: &Receiver) -> Result<(), Fault> {
    print::chapter(8, "What the shop was told: signed webhooks, from the journal");
    for _ in 0..100 {
        if receiver.heard().iter().any(|heard| heard.kind == "payment.in_doubt_resolved") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let mut heard = receiver.heard();
    heard.sort_by_key(|heard| heard.sequence);
    for one in &heard {
        print::got(&format!("#{} {} (signature verified)", one.sequence, one.kind));
    }
    if heard.is_empty() { Err(Fault::plain("no webhook arrived within ten seconds")) } else { Ok(()) }
}

async fn trial_balance(client: &Client) -> Result<(), Fault> {
    print::chapter(9, "The books, and the banks' own totals");
    let balance = client.get("/v1/test_helpers/trial_balance").await?.body;
    for line in balance["accounts"].as_array().into_iter().flatten() {
        println!(
            "     {:52} debit {:>10} credit {:>10}  pending {:>8} / {:>8}",
            line["account"].as_str().unwrap_or(""),
            line["debits_posted"],
            line["credits_posted"],
            line["debits_pending"],
            line["credits_pending"],
        );
    }
    for bank in balance["banks"].as_array().into_iter().flatten() {
        println!(
            "     {} says {} {}: owes merchants {}, holds {}; the books say {} and {}",
            bank["bank"].as_str().unwrap_or(""),
            bank["currency"].as_str().unwrap_or(""),
            if bank["agrees"] == true { "agrees" } else { "DIFFERS" },
            bank["bank_net"],
            bank["bank_held"],
            bank["ledger_net"],
            bank["ledger_held"],
        );
    }
    if balance["balanced"] == true {
        println!("\n   Everything adds up.");
        Ok(())
    } else {
        Err(Fault::plain("the books and the banks do not agree"))
    }
}

async fn pay(
    client: &Client,
    behaviour: &str,
    currency: &str,
    amount: u64,
    extra: Value,
) -> Result<Answer, Fault> {
    let body = payment_body(client, behaviour, currency, amount, extra)?;
    print::asked(&format!("POST /v1/payments {body}"));
    let answer = client.post("/v1/payments", Some(&fresh()), &body).await?;
    let payment = if answer.body["payment"].is_object() { &answer.body["payment"] } else { &answer.body };
    let code = answer.body["code"].as_str().unwrap_or("");
    print::got(&format!("{} {code} {}", answer.status, print::payment_line(payment)));
    Ok(answer)
}

fn payment_body(
    client: &Client,
    behaviour: &str,
    currency: &str,
    amount: u64,
    extra: Value,
) -> Result<Value, Fault> {
    let method = client.card(behaviour, Some(currency)).or_else(|_| client.card(behaviour, None))?;
    let currency = client.currency_of(&method);
    let mut body =
        json!({ "amount": amount, "currency": currency, "confirm": true, "payment_method": method });
    if let (Some(body), Some(extra)) = (body.as_object_mut(), extra.as_object()) {
        body.extend(extra.clone());
    }
    Ok(body)
}

async fn action(client: &Client, payment: &Value, action: &str, body: Value) -> Result<Answer, Fault> {
    let id = payment["id"].as_str().unwrap_or("");
    print::asked(&format!("POST /v1/payments/{id}/{action} {body}"));
    let answer = client.post(&format!("/v1/payments/{id}/{action}"), Some(&fresh()), &body).await?;
    print::got(&format!("{} {}", answer.status, print::payment_line(&answer.body)));
    Ok(answer)
}

/// Waits until a payment is no longer in doubt.
async fn settled(client: &Client, payment: &Value) -> Result<Value, Fault> {
    let id = payment["id"].as_str().unwrap_or("");
    for _ in 0..300 {
        let now = client.get(&format!("/v1/payments/{id}")).await?.body;
        if now["status"] != "processing" {
            return Ok(now);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Err(Fault::plain(format!("payment {id} is still in doubt after half a minute")))
}

async fn life(client: &Client, payment: &Value) -> Result<(), Fault> {
    let id = payment["id"].as_str().unwrap_or("");
    let timeline = client.get(&format!("/v1/payments/{id}/timeline")).await?.body;
    print::timeline(&timeline);
    Ok(())
}

fn expect(answer: &Answer, status: u16, state: &str) -> Result<(), Fault> {
    let created = status == 200 && answer.status == 201;
    if (answer.status == status || created) && answer.body["status"] == state {
        return Ok(());
    }
    Err(Fault::plain(format!("expected {status} {state}, got {} {}", answer.status, answer.body)))
}

/// An idempotency key: one for each intended operation.
fn fresh() -> String {
    use types::Entropy as _;
    format!("tour-{:032x}", vault::SystemEntropy.u128())
}
