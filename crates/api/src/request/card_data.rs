//! `payment_method_data`: a card as a merchant gives it, from merchants that may send card data. It is taken out of the body
//! before anything else looks at it; errors name fields and never repeat what they hold.

use card::{EncryptedPin, Entry, EntryMode, Expiry, Pan, PinFormat, SecurityCode, Track2};
use pcs::{CardInput, CardPresent};
use std::borrow::Cow;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use zeroize::Zeroizing;

use crate::ApiState;
use crate::problem::{Code, Problem};
use crate::request::json::Json;
use crate::request::{Call, Fields, FromFields, TextRule, fields};

/// The field of a request that holds it.
pub(crate) const FIELD: &str = "payment_method_data";

/// A card that is given for one payment. Only for merchants that may send card data: the operator decides it.
#[derive(Debug, ToSchema)]
#[schema(as = CardData)]
#[expect(dead_code, reason = "describes the object that `CardInput` is read from")]
pub(crate) struct CardDataRequest {
    /// How the card's data was entered. All but `ecommerce` and `moto` need a `terminal`.
    #[schema(value_type = EntryModeBody)]
    entry_mode: EntryMode,
    /// The card number; not beside a track. An offline sale has it instead of one.
    number: Option<String>,
    /// Month of expiry, 1 to 12; not beside a track.
    exp_month: Option<u32>,
    /// Year of expiry, four digits; not beside a track.
    exp_year: Option<u32>,
    /// The code printed on the card, where it is not at a terminal.
    security_code: Option<String>,
    /// Track 2, or a chip's equivalent of it (tag 57). Needed where a stripe or a chip was read; never with an offline sale.
    track2: Option<String>,
    /// What tells cards with one number apart (tag 5F34): three digits.
    sequence_number: Option<String>,
    /// What the chip says, for DE 55: BER-TLV in hexadecimal digits, at most 255 bytes. Needed where a chip was read. Of an offline
    /// sale it is kept, sealed and cut down to the tags that the bank needs, until the bank has acknowledged the sale.
    chip_data: Option<String>,
    /// The PIN that was entered at the terminal, encrypted. Only with a `terminal` that has a PIN key.
    pin: Option<PinRequest>,
}

/// A PIN as a terminal encrypts it. It goes to the bank in one message and is kept nowhere; no answer repeats it.
#[derive(Debug, ToSchema)]
#[schema(as = PinBlock)]
#[expect(dead_code, reason = "describes the object that `EncryptedPin` is read from")]
pub(crate) struct PinRequest {
    /// The PIN block in hexadecimal digits: 16 of them, or 32 for `iso_4`.
    #[schema(min_length = 16, max_length = 32, pattern = "^[0-9A-Fa-f]+$")]
    block: String,
    /// How the PIN is laid out in it (ISO 9564-1).
    format: PinFormatNames,
    /// The key serial number in hexadecimal digits, from a DUKPT terminal: 20 (or 16) for Triple DES, 24 for AES.
    #[schema(min_length = 16, max_length = 24, pattern = "^[0-9A-Fa-f]+$")]
    ksn: Option<String>,
}

/// The names of [`PinFormat`], as the description has them.
#[derive(Debug)]
pub(crate) enum PinFormatNames {}

impl PartialSchema for PinFormatNames {
    fn schema() -> RefOr<Schema> {
        let names = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("How a PIN is laid out in its block."))
            .enum_values(Some(PinFormat::ALL.map(PinFormat::name)));
        RefOr::T(names.build().into())
    }
}

impl ToSchema for PinFormatNames {
    fn name() -> Cow<'static, str> {
        "PinFormat".into()
    }
}

/// How a card's data was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, ToSchema)]
#[schema(as = EntryMode)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes `EntryMode`")]
pub(crate) enum EntryModeBody {
    /// By the shopper, over the Internet.
    Ecommerce,
    /// By the merchant, from a letter or a telephone call.
    Moto,
    /// Keyed in at a terminal.
    Manual,
    /// The magnetic stripe was read.
    MagneticStripe,
    /// The chip was read, by its contacts.
    Chip,
    /// The chip was read over the air.
    Contactless,
    /// A code that the shopper or the merchant shows.
    Qr,
}

/// Takes the card out of a request's body, where its merchant may send one; else it stays there and is refused with the rest.
///
/// # Errors
/// [`Problem`] when the merchant cannot be looked up.
pub(crate) async fn take(api: &ApiState, call: &mut Call) -> Result<Option<Taken>, Problem> {
    // Nobody is looked up for the many requests that bring no card.
    let may_send = call.has(FIELD) && api.pcs.sends_card_data(call.caller.merchant).await?;
    Ok(if may_send { call.take(FIELD).map(Taken) } else { None })
}

/// A card as it stood in a body; wiped when dropped.
pub(crate) struct Taken(Json);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

/// Reads a card that was taken out of a request's body; that of an offline sale has less.
///
/// # Errors
/// A problem with every flaw; never with a value.
pub(crate) fn read(data: Option<Taken>, is_offline: bool) -> Result<Option<CardInput>, Problem> {
    let Some(data) = data else { return Ok(None) };
    if is_offline {
        return fields::read_within(FIELD, &data.0).map(|OfflineCard(card)| Some(card));
    }
    fields::read_within(FIELD, &data.0).map(Some)
}

/// The card of an offline sale: its number and its date, for no track may be kept, and no PIN is checked any more.
struct OfflineCard(CardInput);

impl FromFields for OfflineCard {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        card_input(fields, true).map(Self)
    }
}

/// Something is paid with, or asked of, one card: a stored one, or one that is given, perhaps at a terminal.
///
/// # Errors
/// [`Problem`] for two cards, or a terminal that no card is at.
pub(crate) fn one_card(is_stored: bool, is_given: bool, at_terminal: bool) -> Result<(), Problem> {
    let flaw =
        |name: &str, rule: &str| Err(Problem::with_param(Code::ParameterInvalid, format!("/{name}"), rule));
    match (is_stored, is_given, at_terminal) {
        (true, true, _) => flaw(FIELD, "payment_method_data must not be sent beside payment_method"),
        (_, false, true) => {
            flaw("terminal", "terminal needs payment_method_data: the card is at the terminal")
        }
        (true, false, false) | (false, _, _) => Ok(()),
    }
}

const CARD_NUMBER: TextRule = TextRule::ascii(12, 23);
const TRACK: TextRule = TextRule::ascii(20, 40);
const CHIP_DATA: TextRule = TextRule::ascii(6, 510);

/// Hexadecimal digits whose count the terminal's key decides.
const HEX: TextRule = TextRule::ascii(16, 32);

impl FromFields for EncryptedPin {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let formats = PinFormat::ALL.map(|format| (format.name(), format));
        let format = fields.choice("format", &formats);
        let format = fields.required("format", format);
        let block = fields.text("block", HEX).map(Zeroizing::new);
        let block = fields.required("block", block);
        let block = block.and_then(|digits| hex(fields, "block", &digits)).map(Zeroizing::new);
        let block = block.filter(|block| {
            let fits = format.is_none_or(|format| format.block_bytes() == block.len());
            if !fits {
                let digits = format.map_or(0, |format| format.block_bytes() * 2);
                let rule = format!("block must be {digits} hexadecimal digits in this format");
                fields.flaw("block", Code::ParameterInvalid, rule);
            }
            fits
        });
        let ksn = fields.text("ksn", HEX);
        let is_sent = ksn.is_some();
        let ksn = ksn.and_then(|digits| hex(fields, "ksn", &digits));
        if is_sent && ksn.is_none() {
            return None;
        }
        Some(EncryptedPin { block: block?, format: format?, ksn })
    }
}

/// Bytes of hexadecimal digits; what they are is never repeated.
pub(crate) fn hex(fields: &mut Fields<'_>, name: &str, digits: &str) -> Option<Vec<u8>> {
    let is_hex = digits.len().is_multiple_of(2) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bytes = iso8583::parse_hex(digits).ok().filter(|_| is_hex);
    if bytes.is_none() {
        let rule = format!("{name} must be an even count of hexadecimal digits");
        fields.flaw(name, Code::ParameterInvalid, rule);
    }
    bytes
}

impl FromFields for CardInput {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        card_input(fields, false)
    }
}

fn card_input(fields: &mut Fields<'_>, is_offline: bool) -> Option<CardInput> {
    let modes = EntryMode::ALL.map(|mode| (mode.name(), mode));
    let mode = fields.choice("entry_mode", &modes);
    let mode = fields.required("entry_mode", mode);
    let number = fields.text("number", CARD_NUMBER).map(Zeroizing::new);
    let month = fields.whole("exp_month", 1..=12);
    let year = fields.whole("exp_year", 2000..=2099);
    let security_code = fields.text("security_code", TextRule::ascii(3, 4)).map(Zeroizing::new);
    let track = fields.text("track2", TRACK).map(Zeroizing::new);
    let sequence_number = fields.text("sequence_number", TextRule::ascii(3, 3));
    let chip_data = fields.text("chip_data", CHIP_DATA).map(Zeroizing::new);
    let pin: Option<EncryptedPin> = fields.object("pin");
    let mode = mode?;
    let place = if is_offline {
        format!("{}, and the sale was offline", mode.name())
    } else {
        mode.name().to_owned()
    };
    let place = place.as_str();
    let reads_chip = matches!(mode, EntryMode::Chip | EntryMode::Contactless);
    let reads_track = !is_offline && (reads_chip || mode == EntryMode::MagneticStripe);
    must_fit(fields, "track2", reads_track, place);
    must_fit(fields, "chip_data", reads_chip, place);
    for name in ["number", "exp_month", "exp_year"] {
        must_fit(fields, name, !reads_track, place);
    }
    if mode.is_card_present() {
        must_fit(fields, "security_code", false, place);
    }
    if is_offline || !mode.is_card_present() {
        must_fit(fields, "pin", false, place);
    }
    if !reads_chip {
        must_fit(fields, "sequence_number", false, place);
    }

    let track2 = track.and_then(|text| fits(fields, "track2", Track2::parse(&text)));
    let (pan, expiry) = match &track2 {
        Some(track) => (Some(track.pan().clone()), Some(track.expiry())),
        None => (
            number.and_then(|digits| fits(fields, "number", Pan::parse(&digits))),
            expiry(year, month).and_then(|expiry| fits(fields, "exp_year", expiry)),
        ),
    };
    let security_code =
        security_code.and_then(|code| fits(fields, "security_code", SecurityCode::parse(&code)));
    let sequence_number = sequence_number.filter(|digits| {
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            fields.flaw("sequence_number", Code::ParameterInvalid, "sequence_number must be three digits");
        }
        is_number
    });
    let chip_data = chip_data.and_then(|text| {
        let bytes = iso8583::parse_hex(&text).map(Zeroizing::new);
        fits(fields, "chip_data", bytes)
    });
    let present =
        mode.is_card_present().then_some(CardPresent { track2, sequence_number, chip_data, pin: None });
    Some(CardInput { entry: Entry::from(mode), pan: pan?, expiry: expiry?, security_code, present, pin })
}

fn expiry(year: Option<u32>, month: Option<u32>) -> Option<Result<Expiry, card::ExpiryError>> {
    Some(Expiry::new(u16::try_from(year?).ok()?, u8::try_from(month?).ok()?))
}

/// Whether a field stands where it must, and only there.
fn must_fit(fields: &mut Fields<'_>, name: &'static str, needed: bool, place: &str) {
    match (needed, fields.has(name)) {
        (true, false) => {
            fields.flaw(
                name,
                Code::ParameterMissing,
                format!("{name} is required where entry_mode is {place}"),
            );
        }
        (false, true) => {
            let rule = format!("{name} must not be sent where entry_mode is {place}");
            fields.flaw(name, Code::ParameterInvalid, rule);
        }
        (true, true) | (false, false) => {}
    }
}

fn fits<T, E: std::fmt::Display>(fields: &mut Fields<'_>, name: &str, read: Result<T, E>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            fields.flaw(name, Code::ParameterInvalid, error.to_string());
            None
        }
    }
}
