//! What may be shown to a payer. "No money has been taken" is only ever said when we know it.

use crate::problem::{Code, Language, Problem};

/// The text for the payer, if the problem is one that a payer can do something about.
pub(super) fn user_message(problem: &Problem, language: Language) -> Option<&'static str> {
    let (english, chinese) = texts(problem)?;
    Some(match language {
        Language::English => english,
        Language::Chinese => chinese,
    })
}

fn texts(problem: &Problem) -> Option<(&'static str, &'static str)> {
    Some(match problem.code {
        Code::CardDeclined | Code::ExpiredCard | Code::IncorrectNumber => declined(problem.decline_code()),
        Code::HostTimeout if problem.is_in_doubt() => {
            ("We are checking with your bank. Do not pay again.", "正在向银行确认结果，请勿重复支付。")
        }
        Code::HostTimeout if problem.payment_is_canceled() => (
            "Your bank did not answer in time. No money has been taken; you can try again.",
            "银行未及时应答，未扣款，您可以重新支付。",
        ),
        Code::HostUnavailable => (
            "Your bank cannot be reached right now. No money has been taken. Try again later.",
            "暂时无法连接银行，未扣款，请稍后再试。",
        ),
        Code::SessionExpired => ("Your payment session has expired.", "支付页面已过期。"),
        _ => return None,
    })
}

/// A stolen or lost card is shown as a plain decline: whoever holds it learns nothing.
fn declined(decline_code: Option<&str>) -> (&'static str, &'static str) {
    match decline_code {
        Some("insufficient_funds") => (
            "Your card has insufficient funds. No money has been taken. Use another card.",
            "银行卡余额不足，未扣款，请更换银行卡。",
        ),
        Some("expired_card") => (
            "Your card has expired. No money has been taken. Use another card.",
            "银行卡已过有效期，未扣款，请更换银行卡。",
        ),
        Some("incorrect_number") => (
            "Your bank does not know this card number. No money has been taken. Check the number or use another card.",
            "银行卡号不正确，未扣款，请核对卡号或更换银行卡。",
        ),
        Some("incorrect_pin") => ("The PIN is not correct. No money has been taken.", "密码不正确，未扣款。"),
        Some("amount_limit_exceeded" | "frequency_limit_exceeded") => (
            "Your card's limit does not allow this payment. No money has been taken. Use another card.",
            "超出银行卡交易限额，未扣款，请更换银行卡。",
        ),
        Some("issuer_unavailable") => (
            "Your bank cannot be reached right now. No money has been taken. Try again later.",
            "暂时无法连接发卡行，未扣款，请稍后再试。",
        ),
        _ => (
            "Your payment was declined. No money has been taken. Contact your bank or use another card.",
            "付款被发卡行拒绝，未扣款。请联系发卡行或更换银行卡。",
        ),
    }
}
