//! What is typed into the card form comes out of it nowhere.

mod support;

use proptest::prelude::*;
use support::World;

/// A number with a right check digit, from fifteen digits.
fn with_check_digit(digits: &str) -> String {
    (0..10).map(|last| format!("{digits}{last}")).find(|number| card::Pan::parse(number).is_ok()).unwrap()
}

fn answer_to(fields: Vec<(&'static str, String)>) -> support::Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let world = World::new().await;
        let form = world.get(&world.path()).await.form_token();
        let mut all = vec![("form", form.as_str())];
        all.extend(fields.iter().map(|(name, value)| (*name, value.as_str())));
        world.post(&format!("{}/card", world.path()), &all).await
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever field a number lands in, right or wrong, no answer holds it, grouped or not.
    #[test]
    fn no_answer_holds_a_posted_number(
        digits in "[3-6][0-9]{14}",
        place in prop::sample::select(vec!["cardnumber", "exp-date", "cvc", "ccname", "save", "unknown"]),
        good in any::<bool>(),
    ) {
        let number = if good { with_check_digit(&digits) } else { format!("{digits}0") };
        let answer = answer_to(vec![(place, number.clone())]);
        let everything = format!("{:?} {}", answer.headers, answer.body);
        let bare: String = everything.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
        prop_assert!(!bare.contains(&number));
    }

    /// A three-digit code may stand in any page by chance, so the law is stronger: the answer does not depend on it.
    #[test]
    fn the_answer_does_not_depend_on_the_security_code(one in "[0-9]{3}", other in "[0-9]{3}", good in any::<bool>()) {
        let fields = |code: &str| vec![
            ("cardnumber", if good { "4242424242424242" } else { "4242424242424241" }.to_owned()),
            ("exp-date", "12/28".to_owned()),
            ("cvc", code.to_owned()),
        ];
        prop_assert_eq!(answer_to(fields(&one)), answer_to(fields(&other)));
    }
}
