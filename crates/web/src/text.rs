//! Every sentence that a page shows, in each of its languages. A language cannot lack a sentence: it would not compile.
//!
//! `{name}` marks a place that [`fill`] takes; a test compares the places of the languages.

macro_rules! catalogue {
    ($($key:ident: $en:literal, $zh:literal;)*) => {
        /// The sentences of one language.
        #[derive(Debug)]
        pub struct Texts {
            $(#[doc = $en] pub $key: &'static str,)*
        }

        /// English.
        pub static EN: Texts = Texts { $($key: $en,)* };
        /// Simplified Chinese.
        pub static ZH_CN: Texts = Texts { $($key: $zh,)* };
        /// Key, English and Chinese of every sentence, for tests and for reviewers.
        pub static ALL: &[(&str, &str, &str)] = &[$((stringify!($key), $en, $zh),)*];
    };
}

#[rustfmt::skip]
catalogue! {
    // Every page.
    skip_to_content: "Skip to the content", "跳到主要内容";
    other_language: "中文", "English";
    switch_language: "Switch the language to Chinese", "切换到英文";
    footer: "Payments by Lian. Your card number is never shown to the shop.", "由“联”支付网关处理付款，商户看不到您的银行卡号。";
    test_mode: "Test mode: no real money moves.", "测试模式：不会发生真实扣款。";

    // The order.
    order: "Your order", "订单信息";
    pay_to: "Pay to", "收款方";
    amount: "Amount", "金额";
    amount_due: "Amount to pay", "应付金额";
    order_number: "Order number", "订单号";
    order_number_is: "Order number: {number}", "订单号：{number}";
    quantity: "{count} ×", "{count} ×";
    hold_notice: "The amount is held on your card now and charged when the order is completed.", "此金额将先在您的卡上预授权冻结，订单完成后再扣款。";
    cancel_and_return: "Cancel and return to {merchant}", "取消并返回{merchant}";
    closing_soon: "This page closes in less than two minutes. Nothing is charged if it does.", "本页面将在两分钟内过期，过期不会扣款。";

    // The card form.
    title_pay: "Pay {merchant}", "向{merchant}付款";
    pay_by_card: "Pay by card", "银行卡支付";
    accepted_cards: "Accepted cards", "支持的银行卡";
    card_number: "Card number", "银行卡号";
    expiry_date: "Expiry date", "有效期";
    expiry_hint: "Month and year, for example {example}", "月份和年份，例如 {example}";
    security_code: "Security code", "安全码";
    security_code_hint: "3 digits on the back of the card", "卡背面签名栏末 3 位数字";
    security_code_hint_amex: "4 digits on the front of the card", "卡正面的 4 位数字";
    name_on_card: "Name on card", "持卡人姓名";
    optional: "(optional)", "（选填）";
    save_card: "Save this card with a passkey, to pay in one gesture next time", "用通行密钥保存此卡，下次一步完成付款";
    pay_amount: "Pay {amount}", "支付 {amount}";
    hold_amount: "Authorize {amount}", "授权 {amount}";
    paying: "Contacting your bank…", "正在联系银行…";
    check_before_paying: "Please check the amount and the payee. Your bank is asked once, when you press the button.", "请核对金额和收款方。点击后仅向银行提交一次扣款请求。";
    or: "or", "或";

    // Passkeys.
    pay_with_passkey: "Pay with your passkey", "使用通行密钥付款";
    passkey_explains: "Your device asks for your fingerprint, face or PIN. That approves exactly this payee and this amount.", "您的设备会要求验证指纹、面容或密码，确认后仅对以上收款方和金额生效。";
    choose_card: "Card to pay with", "付款银行卡";
    expires: "expires {date}", "有效期 {date}";
    card_ending: "{brand} ending in {last4}", "{brand}（尾号 {last4}）";
    use_another_card: "Use another card", "使用其他银行卡";
    have_passkey: "Paid with Lian before? Use your saved card.", "以前用“联”付过款？可使用已保存的银行卡。";
    sign_in: "Continue with a passkey", "使用通行密钥继续";
    checking_passkey: "Waiting for your passkey…", "正在等待通行密钥…";
    passkey_failed: "Your passkey was not used. Nothing was paid. You can try again or pay by card.", "未完成通行密钥验证，尚未付款。您可以重试，或改用银行卡支付。";
    passkey_needs_script: "Paying with a passkey needs JavaScript. You can pay by card without it.", "通行密钥付款需要启用 JavaScript；您也可以直接用银行卡支付。";
    not_you: "Not you? Forget this device", "不是您本人？在此设备上退出";
    save_title: "Pay in one gesture next time", "下次付款，一步完成";
    save_explains: "Create a passkey for this card. The security code is not kept, and no shop sees the card number.", "为这张卡创建通行密钥。我们不保存安全码，商户也看不到卡号。";
    save_button: "Save {card} with a passkey", "用通行密钥保存 {card}";
    save_failed: "The card was not saved. Your payment is not affected. You can try again.", "银行卡未保存，不影响本次付款。您可以重试。";
    saved: "{card} is saved. Next time, one gesture is enough.", "{card} 已保存，下次一步即可付款。";

    // What can be wrong in the form.
    problem_title: "There is a problem", "请检查以下内容";
    error_prefix: "Error: ", "错误：";
    number_missing: "Enter your card number", "请输入银行卡号";
    number_invalid: "Enter a valid card number", "请输入正确的银行卡号";
    number_length: "Card number is not the correct length", "银行卡号位数不正确";
    brand_unsupported: "{brand} is not supported", "暂不支持 {brand}";
    brand_unknown: "This kind of card is not supported", "暂不支持此类银行卡";
    expiry_missing: "Enter the expiry date", "请输入有效期";
    expiry_invalid: "Enter the expiry date as month and year, for example {example}", "请按“月/年”输入有效期，例如 {example}";
    expiry_past: "Enter an expiry date in the future", "有效期已过，请核对";
    code_missing: "Enter the security code", "请输入安全码";
    code_invalid: "Enter a valid card security code", "请输入正确的安全码";
    code_digits: "The security code of {brand} has {digits} digits", "{brand} 的安全码为 {digits} 位数字";
    name_digits: "Enter the name on the card without numbers", "持卡人姓名中不应包含数字";
    name_long: "The name on the card is too long", "持卡人姓名过长";
    enter_again: "For your safety the card number and security code are not kept. Please enter them again.", "为保障安全，银行卡号和安全码不会保留，请重新输入。";
    form_stale: "This page was out of date, so nothing was sent. Please check it and pay again.", "页面已失效，本次未提交。请核对后重新付款。";

    // What became of the payment.
    paid_title: "Payment successful", "付款成功";
    authorized_title: "Payment authorized", "授权成功";
    authorized_explains: "The amount is held on your card. {merchant} charges it when the order is completed.", "金额已在您的卡上冻结，{merchant}完成订单后扣款。";
    already_paid: "This order has been paid already. You do not need to do anything.", "该订单已付款，无需再次操作。";
    receipt: "Receipt", "付款凭证";
    paid_at: "Date", "时间";
    paid_with: "Card", "银行卡";
    payment_id: "Payment number", "支付单号";
    approval_code: "Approval code", "授权码";
    consent: "Approved by", "确认方式";
    consent_passkey: "Your passkey", "您的通行密钥";
    consent_guest: "Card entered on this page", "在本页面输入银行卡";
    print_receipt: "Print the receipt", "打印凭证";
    return_to: "Return to {merchant}", "返回{merchant}";
    declined_title: "Payment declined", "付款未成功";
    declined_body: "Your payment was declined. No money has been taken. Contact your bank or use another card.", "付款被发卡行拒绝，未扣款。请联系发卡行或更换银行卡。";
    declined_funds: "There is not enough money available on this card. No money has been taken.", "卡内可用余额不足，未扣款。";
    declined_limit: "This payment is above a limit of this card. No money has been taken. Use another card or contact your bank.", "超出该卡的交易限额，未扣款。请更换银行卡或联系发卡行。";
    declined_expired: "The bank says that this card has expired. No money has been taken.", "发卡行提示该卡已过期，未扣款。";
    declined_details: "The bank says that a card detail is wrong. No money has been taken. Check the details and try again.", "发卡行提示银行卡信息有误，未扣款。请核对后重试。";
    declined_unreachable: "Your bank could not be reached. No money has been taken. You can try again.", "暂时无法连接银行，未扣款。您可以稍后重试。";
    not_sent_body: "The payment system could not be reached. No money has been taken. You can try again.", "暂时无法连接支付系统，未扣款。您可以稍后重试。";
    not_accepted_title: "This payment was not accepted", "无法受理本次付款";
    not_accepted_body: "This payment could not be accepted. No money has been taken. You can use another card.", "本次付款无法受理，未扣款。您可以更换银行卡。";
    try_another_card: "Try again or use another card", "重试或更换银行卡";
    undone_title: "Payment canceled", "付款已撤销";
    undone_body: "Your bank did not answer in time, so the payment was undone. No money has been taken.", "银行未及时应答，本次付款已撤销，未扣款。";
    canceled_body: "This payment was canceled. No money has been taken.", "本次付款已取消，未扣款。";
    waiting_title: "Please wait", "请稍候";
    waiting_body: "We are checking with your bank. Do not pay again. This page will update.", "正在向银行确认结果，请勿重复支付，本页会自动更新。";
    waiting_more: "This usually takes less than a minute. You can keep this page open or come back to it later.", "通常不到一分钟。您可以停留在本页，也可以稍后再打开本页查看。";
    check_now: "Check now", "立即查询";
    unsure_title: "Your request may not have arrived", "请求可能未送达";
    unsure_body: "We could not confirm that your payment request arrived. You can safely try again: this order is never charged twice.", "无法确认您的付款请求是否送达。您可以放心重试，同一订单不会重复扣款。";
    unsure_button: "Back to the payment page", "返回付款页面";

    // What can be wrong with the page.
    expired_title: "Your payment session has expired", "支付页面已过期";
    expired_body: "Your payment session has expired. Nothing was charged on this page. Return to the shop to start again.", "支付页面已过期，本页面未发生扣款。请返回商户重新下单。";
    missing_title: "Page not found", "页面不存在";
    missing_body: "There is no payment at this address. Check the link, or return to the shop.", "此地址没有对应的付款。请检查链接，或返回商户。";
    refused_title: "This request was not accepted", "请求未被接受";
    refused_body: "It did not come from our own payment page, so nothing was done. Open the link of the shop again.", "该请求并非来自本支付页面，未作任何处理。请从商户重新打开链接。";
    trouble_title: "Something went wrong on our side", "系统暂时出现问题";
    trouble_body: "The payment page cannot be shown right now. If you were paying, open this page again before you pay anywhere else: it tells whether the payment was made.", "支付页面暂时无法显示。若您正在付款，请先重新打开本页查看结果，不要在别处重复付款。";
    try_again: "Try again", "重试";

    // The demo shop.
    shop_name: "Ring & Thread", "环与线小店";
    shop_tagline: "A demo shop. Everything in it is made up; the payment runs through the whole gateway.", "演示商店：商品均为虚构，付款流程完整经过支付网关。";
    shop_title: "Three things for a desk", "案头三物";
    buy: "Buy for {amount}", "购买 {amount}";
    item_notebook: "Notebook, stitched by hand", "手工线装笔记本";
    item_notebook_about: "192 pages, unlined, lies flat.", "192 页空白内页，可平摊。";
    item_tea: "Tea from Wuyi, 100 g", "武夷岩茶 100 克";
    item_tea_about: "Roasted twice over charcoal.", "炭火两焙。";
    item_lamp: "Desk lamp, ash wood", "白蜡木台灯";
    item_lamp_about: "Warm light, dims to a candle. Charged when it ships.", "暖光，可调至烛光亮度。发货时扣款。";
    shop_unavailable: "The checkout cannot be opened right now. Nothing was ordered.", "暂时无法打开收银台，未生成订单。";
    thanks_title: "Thank you", "感谢惠顾";
    thanks_paid: "Your order {order} is paid.", "订单 {order} 已付款。";
    thanks_authorized: "Your order {order} is confirmed. We charge your card when it ships.", "订单 {order} 已确认，发货时扣款。";
    thanks_waiting: "We are waiting for your bank's answer to order {order}. Do not pay again.", "订单 {order} 正在等待银行结果，请勿重复支付。";
    thanks_unpaid: "Order {order} is not paid.", "订单 {order} 尚未付款。";
    shop_canceled_title: "Nothing was ordered", "订单未完成";
    shop_canceled: "You left the checkout before paying. Your basket is as it was.", "您在付款前离开了收银台，购物车保持不变。";
    back_to_shop: "Back to the shop", "返回商店";
    what_the_shop_sees: "What the shop sees", "商户能看到的信息";
    shop_sees_note: "Read by the shop's server with its secret key. There is no card number in it.", "由商户服务器使用密钥查询，其中不含银行卡号。";
    status: "Status", "状态";
    evidence: "Evidence of consent", "确认证据";
    order_digest: "Digest of the order", "订单摘要";
    evidence_none: "None: the merchant asked on its own", "无（由商户发起）";
}

/// The sentence with `{name}` replaced by `value`.
pub fn fill(sentence: &str, name: &str, value: &str) -> String {
    sentence.replace(&format!("{{{name}}}"), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the places of a sentence, in the order of the alphabet.
    fn places(sentence: &str) -> Vec<&str> {
        let mut found: Vec<&str> =
            sentence.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn both_languages_have_the_same_places_and_none_is_empty() {
        for (key, en, zh) in ALL {
            assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{key}");
            assert_eq!(places(en), places(zh), "{key}");
        }
    }

    #[test]
    fn chinese_is_chinese_and_english_is_not() {
        let cjk = |text: &str| text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
        // Two sentences are names of the other language or have no words.
        for (key, en, zh) in ALL.iter().filter(|(key, ..)| !matches!(*key, "other_language" | "quantity")) {
            assert!(cjk(zh) && !cjk(en), "{key}");
        }
    }

    /// "No money has been taken" may only be said when it is known: declined, undone or canceled.
    #[test]
    fn no_money_taken_is_only_said_where_it_is_known() {
        for (key, en, zh) in ALL {
            let known = (key.starts_with("declined_") && *key != "declined_title")
                || matches!(*key, "undone_body" | "canceled_body" | "not_sent_body" | "not_accepted_body");
            assert_eq!(en.contains("No money has been taken"), known, "{key}");
            if known {
                assert!(zh.contains("未扣款"), "{key}");
            }
        }
    }

    #[test]
    fn a_place_is_filled_wherever_it_stands() {
        assert_eq!(fill(EN.pay_amount, "amount", "¥1.00 CNY"), "Pay ¥1.00 CNY");
    }
}
