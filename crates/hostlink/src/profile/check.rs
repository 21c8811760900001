//! Whether a bank's document agrees with itself and with its dialect. Every message that it describes is built once
//! from made-up data and checked, so that a mistake shows at the start and not at the first refund.

mod parameters;
mod upload;

use card::{Entry, EntryMode, OfflineApproval};
use iso8583::{Fields, Mti, Violation};
use types::{Money, Timestamp};

use super::BankProfile;
use super::codes::{CodeOutcome, CodeRow};
use super::error::{MessageError, ProfileError};
use super::exchange::{Exchange, LinkData};
use super::message::{Original, TransactionData};
use super::reconciliation::{BatchTotals, Reconciliation, ReconciliationData};
use super::template::{Datum, FieldTemplate};
use super::transaction::{CardElement, OnSilence, Transaction};

pub(super) fn profile(profile: &BankProfile) -> Result<(), ProfileError> {
    let check = Check { profile };
    check.settings()?;
    for transaction in Transaction::ALL {
        check.transaction(transaction)?;
    }
    for (index, step) in profile.sign_on.iter().enumerate() {
        check.exchange(&format!("sign_on[{index}]"), step)?;
    }
    check.exchange("echo", &profile.echo)?;
    profile.sign_off.iter().try_for_each(|exchange| check.exchange("sign_off", exchange))?;
    profile.reconciliation.iter().try_for_each(|reconciliation| check.reconciliation(reconciliation))?;
    let mut sets = profile.parameters.iter().enumerate();
    sets.try_for_each(|(index, set)| parameters::parameters(&check, index, set))
}

struct Check<'a> {
    profile: &'a BankProfile,
}

impl Check<'_> {
    fn fail<T>(&self, key: impl Into<String>, rule: impl Into<String>) -> Result<T, ProfileError> {
        Err(ProfileError { bank: self.profile.name.clone(), key: key.into(), rule: rule.into() })
    }

    fn settings(&self) -> Result<(), ProfileError> {
        let profile = self.profile;
        if profile.name.is_empty() || profile.name.len() > 16 || !profile.name.is_ascii() {
            return self.fail("name", "a bank's name has 1 to 16 ASCII characters: the books carry it");
        }
        if profile.currencies.is_empty() {
            return self.fail("currencies", "a bank takes at least one currency");
        }
        if !(-840..=840).contains(&profile.utc_offset_minutes) {
            return self.fail("utc_offset_minutes", "-840 to 840");
        }
        let timers = &profile.timers;
        if timers.dead_after <= timers.echo_idle {
            return self.fail(
                "timers.dead_after_ms",
                "longer than echo_idle_ms, or no echo could save a connection",
            );
        }
        if timers.late_window < timers.reply_timeout {
            return self.fail("timers.late_window_ms", "not shorter than reply_timeout_ms");
        }
        if timers.key_lifetime.is_some_and(|lifetime| lifetime <= timers.key_grace) {
            return self.fail("timers.key_lifetime_ms", "longer than key_grace_ms");
        }
        if timers.reply_timeout.is_zero()
            || timers.connect_timeout.is_zero()
            || timers.write_timeout.is_zero()
        {
            return self.fail("timers", "a timeout of zero would never let anything succeed");
        }
        if profile.limits.max_in_flight == 0
            || profile.limits.queue == 0
            || profile.limits.max_undecodable == 0
        {
            return self.fail("limits", "each limit is at least 1");
        }
        let approves = |row: &CodeRow| matches!(row.outcome, CodeOutcome::Approve { flagged: false });
        if !profile.codes.values().any(approves) {
            return self.fail("codes", "a table of response codes says which of them approves");
        }
        for code in profile.codes.keys() {
            let answer = Fields::new(Mti::FINANCIAL_RESPONSE).with(39, code);
            let fits = answer.is_ok_and(|answer| profile.dialect.encode(&answer, &mut Vec::new()).is_ok());
            if !fits {
                return self.fail(format!("code.{code}"), "it does not fit field 39");
            }
        }
        for (mode, row) in &profile.entries {
            let codes = row.conditions.iter().flat_map(|(usual, instead)| [usual, instead]);
            let digits = |code: &String| code.len() == 2 && code.bytes().all(|c| c.is_ascii_digit());
            // Whether a whole DE 22 fits its field is tried with every message that has it.
            let is_mode = row.mode_with_pin.is_some() || digits(&row.mode);
            if !is_mode || !codes.clone().all(digits) {
                return self.fail(format!("entry.{}", mode.name()), "each code has two digits");
            }
        }
        if !profile.takes(EntryMode::Ecommerce) {
            return self.fail("entry.ecommerce", "what the Internet side sends is entered in this way");
        }
        if profile.sign_on.is_empty() {
            return self.fail("sign_on", "at least one exchange");
        }
        for (index, request) in profile.bank_requests.iter().enumerate() {
            let key = format!("bank_request[{index}]");
            if request.when.is_empty() {
                return self.fail(format!("{key}.when"), "at least one field tells what the bank wants");
            }
            if request.mti.response().is_none() {
                return self.fail(format!("{key}.mti"), "an answer is no request");
            }
        }
        for (class, fields) in &profile.matching {
            // The link's own messages run one at a time; those of payments are told apart by their trace number.
            if *class != 8 && !fields.contains(&11) {
                return self.fail(
                    format!("matching.{class}"),
                    "field 11 is among the fields an answer is matched by",
                );
            }
        }
        Ok(())
    }

    fn transaction(&self, transaction: Transaction) -> Result<(), ProfileError> {
        let key = format!("transactions.{}", transaction.name());
        let Some(row) = self.profile.transactions.get(&transaction) else {
            if transaction.is_optional() {
                return Ok(());
            }
            return self.fail(key, "a bank has this transaction, and its table says how");
        };
        if transaction.only_asks() != (row.on_silence == OnSilence::Ignore) {
            return self.fail(
                format!("{key}.on_silence"),
                "what only asks is ignored on silence, and nothing else is",
            );
        }
        if transaction == Transaction::Refund && row.on_silence == OnSilence::Reverse {
            return self.fail(format!("{key}.on_silence"), "a refund is never reversed: repeat it");
        }
        if transaction == Transaction::CaptureAdvice && row.on_silence == OnSilence::Reverse {
            return self.fail(format!("{key}.on_silence"), "an advice is not reversed: repeat it");
        }
        if transaction == Transaction::Reversal && row.on_silence == OnSilence::Reverse {
            return self.fail(format!("{key}.on_silence"), "a reversal is not reversed: repeat it");
        }
        if transaction == Transaction::OfflineSale && row.on_silence != OnSilence::Repeat {
            let rule = "an offline sale has happened, and the bank is told of it: repeat it";
            return self.fail(format!("{key}.on_silence"), rule);
        }
        self.card_of(&key, transaction, &row.card)?;
        self.matched_by(&key, row.mti, &row.fields)?;
        self.constants(&key, &row.fields)?;
        // A reversal can follow whatever is reversed on silence; all others follow their own originals.
        let originals: Vec<Option<Transaction>> = match transaction {
            Transaction::Authorize
            | Transaction::Consume
            | Transaction::BalanceInquiry
            | Transaction::OfflineSale => vec![None],
            Transaction::Capture
            | Transaction::CaptureAdvice
            | Transaction::VoidAuthorization
            | Transaction::Increment => vec![Some(Transaction::Authorize)],
            Transaction::VoidConsume | Transaction::Adjust => self.sales(),
            Transaction::VoidCapture => vec![Some(Transaction::Capture)],
            Transaction::Refund => [self.sales(), vec![Some(Transaction::Capture)]].concat(),
            Transaction::Reversal | Transaction::Inquire => {
                let reversed = Transaction::ALL.into_iter();
                reversed.filter(|t| self.profile.on_silence(*t) == OnSilence::Reverse).map(Some).collect()
            }
        };
        for original in originals {
            for entry in self.entries(transaction) {
                let data = self.sample(original, entry);
                match self.profile.message(transaction, &data) {
                    Ok(fields) => self.obeys(&key, fields, &given(&row.card, entry))?,
                    Err(error) => return self.fail(place(&key, &error), error.to_string()),
                }
            }
        }
        Ok(())
    }

    /// What of a card a message may have: what is kept, and beside it only what is there when the message is sent.
    fn card_of(&self, key: &str, transaction: Transaction, card: &[CardElement]) -> Result<(), ProfileError> {
        use CardElement as C;
        if transaction.keeps_chip_data() {
            let kept = |element: &C| matches!(element, C::Pan | C::Expiry | C::SequenceNumber | C::ChipData);
            if !card.iter().all(kept) || !card.contains(&C::ChipData) {
                let rule = "an offline sale has the chip's word, and never a security code, a track or a PIN";
                return self.fail(format!("{key}.card"), rule);
            }
            return Ok(());
        }
        if !transaction.is_first() && !card.iter().all(|element| matches!(element, C::Pan | C::Expiry)) {
            let rule =
                "security code, track, chip data and PIN are only there for a first message: none is kept";
            return self.fail(format!("{key}.card"), rule);
        }
        Ok(())
    }

    /// What can have moved the money in one message.
    fn sales(&self) -> Vec<Option<Transaction>> {
        let sales = [Transaction::Consume, Transaction::OfflineSale];
        sales.into_iter().filter(|sale| self.profile.offers(*sale)).map(Some).collect()
    }

    /// In which ways the card of such a message can have been entered.
    fn entries(&self, transaction: Transaction) -> Vec<Entry> {
        let row = self.profile.row(transaction);
        let takes_pin = row.is_some_and(|row| row.card.contains(&CardElement::Pin));
        let has_chip = |mode: &EntryMode| matches!(mode, EntryMode::Chip | EntryMode::Contactless);
        let modes = self.profile.entries.keys();
        modes
            .filter(|mode| !transaction.keeps_chip_data() || has_chip(mode))
            .flat_map(|&mode| [Entry { mode, pin: false }, Entry { mode, pin: true }])
            .filter(|entry| !entry.pin || (takes_pin && entry.mode.is_card_present()))
            .collect()
    }

    fn exchange(&self, key: &str, exchange: &Exchange) -> Result<(), ProfileError> {
        if exchange.accepted.is_empty() {
            return self.fail(format!("{key}.accepted"), "at least one response code");
        }
        if !self.profile.mac.unprotected.contains(&exchange.mti) && key.starts_with("sign_on") {
            return self.fail("mac.unprotected", format!("{} runs before there is a key", exchange.mti));
        }
        self.matched_by(key, exchange.mti, &exchange.fields)?;
        self.constants(key, &exchange.fields)?;
        let at = Timestamp::from_ms(1_796_113_800_000);
        let (terminal, acceptor) = ("00000001", "000000000000001");
        let data = LinkData { stan: 1, at, terminal, acceptor, batch: Some("000001") };
        match self.profile.exchange_message(exchange, &data) {
            Ok(fields) => self.obeys(key, fields, &[]),
            Err(error) => self.fail(place(key, &error), error.to_string()),
        }
    }

    fn reconciliation(&self, reconciliation: &Reconciliation) -> Result<(), ProfileError> {
        let key = "reconciliation";
        let currency = self.profile.currencies[0];
        let totals = BatchTotals::default();
        let templates = match reconciliation.templates(&totals, currency, Some("1201")) {
            Ok(templates) => templates,
            Err(rule) => return self.fail(format!("{key}.fields"), rule),
        };
        self.matched_by(key, reconciliation.mti, &templates)?;
        self.constants(key, &templates)?;
        let sample = self.sample(None, Entry::default());
        let data = ReconciliationData {
            totals,
            currency,
            stan: sample.stan,
            at: sample.at,
            terminal: sample.terminal,
            acceptor: sample.acceptor,
            batch: sample.batch,
            settlement_date: Some(self.settlement_date()),
        };
        match self.profile.totals_message(&data) {
            Ok(Some(fields)) => self.obeys(key, fields, &[])?,
            Ok(None) => {}
            Err(error) => return self.fail(place(key, &error), error.to_string()),
        }
        reconciliation.upload.iter().try_for_each(|upload| upload::upload(self, upload))
    }

    /// A date as the bank's answers have it: with the year, if its field has room for one.
    fn settlement_date(&self) -> String {
        let fits = |de: u8, date: &str| {
            let fields = Fields::new(Mti::FINANCIAL_RESPONSE).with(de, date);
            fields.is_ok_and(|fields| self.profile.dialect.encode(&fields, &mut Vec::new()).is_ok())
        };
        let has_year = self.profile.settlement_date.is_some_and(|de| fits(de, "261201"));
        if has_year { "261201".to_owned() } else { "1201".to_owned() }
    }

    /// An answer can only be matched by fields that the request carries.
    fn matched_by(&self, key: &str, mti: Mti, templates: &[FieldTemplate]) -> Result<(), ProfileError> {
        let class = mti.class();
        if !self.profile.matching.contains_key(&class) {
            return self.fail(format!("matching.{class}"), format!("{key} is a message of this class"));
        }
        let fields = self.profile.match_fields(mti);
        let carried = |de: &u8| templates.iter().any(|template| template.field == *de && !template.optional);
        match fields.iter().find(|de| !carried(de)) {
            Some(de) => self.fail(format!("{key}.fields.{de}"), "answers are matched by this field"),
            None => Ok(()),
        }
    }

    fn constants(&self, key: &str, templates: &[FieldTemplate]) -> Result<(), ProfileError> {
        for template in templates {
            for datum in template.data() {
                if let Datum::Constant(name) = datum
                    && !self.profile.constants.contains_key(name)
                {
                    let place = format!("{key}.fields.{}", template.field);
                    return self.fail(place, format!("[constants] has no {name:?}"));
                }
            }
        }
        Ok(())
    }

    fn sample(&self, original: Option<Transaction>, entry: Entry) -> TransactionData {
        let at = Timestamp::from_ms(1_796_113_800_000);
        let currency = self.profile.currencies[0];
        // One minor unit is an amount in every currency, so this cannot fail for a currency of the document.
        let amount = Money::new(1, currency).unwrap_or(Money::zero(currency));
        let offline = || OfflineApproval { approved_at: at, authorization_code: Some("000001".to_owned()) };
        let original = original.map(|transaction| Original {
            transaction,
            amount,
            stan: 1,
            at,
            rrn: Some("000000000001".to_owned()),
            authorization_code: Some("000001".to_owned()),
            batch: Some("000001".to_owned()),
            entry,
            offline: (transaction == Transaction::OfflineSale).then(offline),
        });
        TransactionData {
            amount,
            stan: 2,
            at,
            rrn: None,
            terminal: "00000001".to_owned(),
            acceptor: "000000000000001".to_owned(),
            batch: Some("000001".to_owned()),
            original,
            reason: Some("98".to_owned()),
            entry,
            offline: Some(offline()),
        }
    }

    /// Whether the dialect lets the message pass and can encode it, card data included.
    fn obeys(&self, key: &str, mut fields: Fields, card: &[CardElement]) -> Result<(), ProfileError> {
        for element in card {
            let set = match element {
                CardElement::Pan => fields.set(2, "4242424242424242"),
                CardElement::Expiry => fields.set(14, "2912"),
                CardElement::SecurityCode => fields.set(48, "CV03123"),
                CardElement::Track2 => fields.set(35, "4242424242424242=29122010000000000"),
                CardElement::SequenceNumber => fields.set(23, "001"),
                CardElement::ChipData => fields.set_bytes(55, &SAMPLE_CHIP_DATA),
                CardElement::Pin => fields
                    .set_bytes(52, &[0x5A; 16][..self.profile.pin_format.block_bytes()])
                    .and_then(|fields| {
                        self.profile
                            .pin_fields
                            .iter()
                            .try_fold(fields, |fields, (de, text)| fields.set(*de, text))
                    }),
            };
            if let Err(error) = set {
                return self.fail(format!("{key}.card"), error.to_string());
            }
        }
        let broken: Vec<String> = self
            .profile
            .dialect_of(fields.mti())
            .check_fields(&fields)
            .iter()
            .map(Violation::to_string)
            .collect();
        if !broken.is_empty() {
            return self.fail(format!("{key}.fields"), broken.join("; "));
        }
        let mut bytes = Vec::new();
        let encoded = if self.profile.is_protected(fields.mti()) {
            let dialect = self.profile.dialect_of(fields.mti());
            let encoded = dialect.encode_with_mac(&fields, &mut bytes, |_| Ok::<_, EncodeOnly>([b'0'; 8]));
            encoded.map_err(|error| error.to_string())
        } else {
            self.profile
                .dialect_of(fields.mti())
                .encode(&fields, &mut bytes)
                .map_err(|error| error.to_string())
        };
        encoded.or_else(|rule| self.fail(format!("{key}.fields"), rule))
    }
}

/// Application cryptogram, its information data, a counter and an amount: the form of DE 55, with made-up values.
const SAMPLE_CHIP_DATA: [u8; 27] =
    [0x9F, 0x26, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x9F, 0x27, 1, 0x40, 0x9F, 0x36, 2, 0, 1, 0x95, 5, 0, 0, 0, 0, 0];

/// What a card that was entered in this way gives.
fn given(elements: &[CardElement], entry: Entry) -> Vec<CardElement> {
    use CardElement as C;
    let is_given = |element: &C| match element {
        C::Pan | C::Expiry => true,
        C::SecurityCode => !entry.mode.is_card_present(),
        C::Track2 => {
            matches!(entry.mode, EntryMode::MagneticStripe | EntryMode::Chip | EntryMode::Contactless)
        }
        C::SequenceNumber | C::ChipData => matches!(entry.mode, EntryMode::Chip | EntryMode::Contactless),
        C::Pin => entry.pin,
    };
    elements.iter().copied().filter(is_given).collect()
}

/// The MAC of a made-up message is made up, so computing it cannot fail.
#[derive(Debug)]
enum EncodeOnly {}

impl std::fmt::Display for EncodeOnly {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

fn place(key: &str, error: &MessageError) -> String {
    match error {
        MessageError::Missing { field, .. } => format!("{key}.fields.{field}"),
        MessageError::NotOffered(_)
        | MessageError::Entry(_)
        | MessageError::Currency(_)
        | MessageError::Amount
        | MessageError::Stan
        | MessageError::Field(_) => {
            format!("{key}.fields")
        }
    }
}
