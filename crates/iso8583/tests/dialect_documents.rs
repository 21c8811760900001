//! What a dialect's document must decide, and what the compiler says when it does not.

mod common;

use iso8583::{Dialect, DialectError};

const HEAD: &str = "name = \"test\"\nmti = \"bcd\"\nbitmap = \"binary\"\n";

/// Compiles the head and a body; `None` if it is a dialect, else code and path of the error.
fn complaint(body: &str) -> Option<String> {
    compile(&format!("{HEAD}{body}")).err().map(|error| format!("{} {}", error.code(), error.path))
}

fn compile(text: &str) -> Result<Dialect, DialectError> {
    Dialect::from_toml(text, common::parent)
}

/// A complete field, with one line of it replaced or, by an empty line, taken away.
fn field(de: u8, replacements: &[(&str, &str)]) -> String {
    let mut text = format!("[field.{de}]\n");
    let lines = [
        ("name", "name = \"a field\""),
        ("class", "class = \"n\""),
        ("length", "max = 11\nprefix = \"bcd\"\nprefix_digits = 2"),
        ("counts", "counts = \"digits\""),
        ("encoding", "encoding = \"bcd\""),
        ("odd", "odd = \"right\""),
        ("pad", "pad = \"0\""),
        ("sensitive", "sensitive = \"none\""),
        ("more", ""),
    ];
    for (key, line) in lines {
        let replaced = replacements.iter().find(|(replaced, _)| *replaced == key);
        text += replaced.map_or(line, |(_, line)| line);
        text.push('\n');
    }
    text
}

#[test]
fn a_complete_field_is_accepted_and_each_missing_decision_is_named() {
    assert_eq!(complaint(&field(32, &[])), None);
    for key in ["name", "class", "counts", "encoding", "odd", "pad"] {
        let expected = format!("dialect_missing field.32.{key}");
        assert_eq!(complaint(&field(32, &[(key, "")])), Some(expected));
    }
    assert_eq!(complaint(&field(32, &[("length", "")])).unwrap(), "dialect_missing field.32.fixed");
    assert_eq!(complaint(&field(32, &[("length", "max = 11")])).unwrap(), "dialect_missing field.32.prefix");
    let headless = compile("name = \"test\"\nmti = \"bcd\"\n").unwrap_err();
    assert_eq!(headless.to_string(), "dialect test, bitmap: say \"binary\" or \"hex\"");
}

#[test]
fn a_field_that_does_not_decide_its_masking_does_not_compile() {
    assert_eq!(complaint(&field(32, &[("sensitive", "")])).unwrap(), "dialect_masking field.32.sensitive");
    let cases: [(u8, &str, &str, &str); 9] = [
        // Long enough for a card number.
        (32, "none", "n", "max = 13\nprefix = \"bcd\"\nprefix_digits = 2"),
        // What the standard puts there cannot be shown by any dialect.
        (2, "free", "n", "max = 19\nprefix = \"bcd\"\nprefix_digits = 2"),
        (35, "pan", "z", "max = 37\nprefix = \"bcd\"\nprefix_digits = 2"),
        (36, "free", "z", "max = 104\nprefix = \"bcd\"\nprefix_digits = 3"),
        (45, "none", "n", "max = 10\nprefix = \"bcd\"\nprefix_digits = 2"),
        (52, "none", "n", "fixed = 4"),
        (55, "free", "n", "fixed = 4"),
        // Only 64 and 128 are shown as MACs.
        (63, "mac", "n", "fixed = 4"),
        (64, "none", "n", "fixed = 4"),
    ];
    for (de, sensitive, class, length) in cases {
        let text = field(
            de,
            &[
                ("sensitive", &format!("sensitive = \"{sensitive}\"")),
                ("class", &format!("class = \"{class}\"")),
                ("length", length),
            ],
        );
        assert_eq!(complaint(&text), Some(format!("dialect_masking field.{de}.sensitive")), "{text}");
    }
}

#[test]
fn lengths_and_encodings_must_agree() {
    let case = |key: &str, line: &str| complaint(&field(32, &[(key, line)])).unwrap();
    assert_eq!(case("class", "class = \"ans\""), "dialect_conflict field.32.encoding");
    assert_eq!(case("encoding", "encoding = \"binary\""), "dialect_conflict field.32.encoding");
    assert_eq!(case("length", "fixed = 4\nmax = 11"), "dialect_conflict field.32.fixed");
    assert_eq!(case("length", "fixed = 0"), "dialect_out_of_range field.32.fixed");
    assert_eq!(case("length", "fixed = 10000"), "dialect_out_of_range field.32.fixed");
    let narrow = "max = 11\nprefix = \"bcd\"\nprefix_digits = 1";
    assert_eq!(case("length", narrow), "dialect_out_of_range field.32.prefix_digits");
    let wide = "max = 11\nprefix = \"binary\"\nprefix_digits = 3";
    assert_eq!(case("length", wide), "dialect_out_of_range field.32.prefix_digits");
    assert_eq!(case("pad", "pad = \"g\""), "dialect_out_of_range field.32.pad");
    assert_eq!(case("pad", "pad = \"00\""), "dialect_out_of_range field.32.pad");
    // Bytes are counted and the pad is a digit: nothing would tell odd from even.
    assert_eq!(case("counts", "counts = \"bytes\""), "dialect_conflict field.32.pad");
    assert_eq!(case("more", "fill = \"zeros-left\""), "dialect_conflict field.32.fill");
    let signed = field(28, &[("class", "class = \"x+n\""), ("length", "fixed = 8")]);
    assert_eq!(complaint(&signed).unwrap(), "dialect_conflict field.28.fixed");
}

#[test]
fn parts_must_add_up() {
    let composite = |more: &str| {
        let text =
            field(48, &[("class", "class = \"ans\""), ("encoding", "encoding = \"ascii\""), ("more", more)]);
        complaint(&text)
    };
    let part =
        |id: &str, length: &str| format!("{{ id = \"{id}\", name = \"p\", {length}, sensitive = \"none\" }}");
    let positional =
        |parts: &[String]| composite(&format!("composite = \"positional\"\npart = [{}]", parts.join(",")));
    let tagged = |parts: &[String]| {
        let form = "composite = { tagged = { tag_length = 2, length_digits = 2 } }";
        composite(&format!("{form}\npart = [{}]", parts.join(",")))
    };
    assert_eq!(positional(&[part("1", "length = 2"), part("2", "max = 5")]), None);
    assert_eq!(tagged(&[part("AA", "length = 2"), part("BB", "max = 5")]), None);

    let refused =
        |complaint: Option<String>, expected: &str| assert_eq!(complaint.as_deref(), Some(expected));
    refused(composite("composite = \"positional\""), "dialect_conflict field.48.composite");
    refused(positional(&[]), "dialect_out_of_range field.48.part");
    refused(
        positional(&[part("1", "max = 2"), part("2", "length = 5")]),
        "dialect_conflict field.48.part.1.max",
    );
    refused(tagged(&[part("AA", "max = 2"), part("AA", "max = 2")]), "dialect_conflict field.48.part.AA.id");
    refused(tagged(&[part("A", "max = 2")]), "dialect_conflict field.48.part.A.id");
    refused(tagged(&[part("A.", "max = 2")]), "dialect_out_of_range field.48.part.A..id");
    refused(tagged(&[part("AA", "max = 13")]), "dialect_masking field.48.part.AA.sensitive");
    // The field is shown, so a part of it cannot be hidden.
    let hidden = "{ id = \"CV\", name = \"p\", max = 4, sensitive = \"cvv\" }".to_owned();
    refused(tagged(&[hidden]), "dialect_masking field.48.part.CV.sensitive");
    let undecided = "{ id = \"CV\", name = \"p\", max = 4 }".to_owned();
    refused(tagged(&[undecided]), "dialect_masking field.48.part.CV.sensitive");
}

#[test]
fn chip_data_and_bitmaps_of_parts_must_add_up() {
    let binary = |encoding: &str, sensitive: &str, composite: &str, part: &str| {
        let lines = [
            ("class", "class = \"b\""),
            ("encoding", &format!("encoding = \"{encoding}\"")),
            ("sensitive", &format!("sensitive = \"{sensitive}\"")),
            ("more", &format!("composite = {composite}\npart = [{part}]")),
            ("length", "max = 90\nprefix = \"bcd\"\nprefix_digits = 3"),
            ("counts", ""),
        ];
        complaint(&field(62, &lines))
    };
    let tag = |id: &str, rest: &str| format!("{{ id = \"{id}\", name = \"p\", {rest} }}");
    let chip =
        |part: &str| binary("binary", "chip", "{ ber-tlv = { levels = 2, unknown = \"refuse\" } }", part);
    assert_eq!(chip(&tag("9F02", "length = 6, class = \"n\", sensitive = \"none\"")), None);
    let refused =
        |complaint: Option<String>, expected: &str| assert_eq!(complaint.as_deref(), Some(expected));
    for bad in ["9F", "9", "9f02", "9F8102FF", "00", "XX", "8202"] {
        refused(
            chip(&tag(bad, "length = 6, sensitive = \"chip\"")),
            &format!("dialect_conflict field.62.part.{bad}.id"),
        );
    }
    // Cardholder data is hidden whatever the document says, and a template is no way around it.
    for (id, sensitive) in
        [("5A", "free"), ("57", "pan"), ("9F6B", "free"), ("5F20", "free"), ("70", "free"), ("99", "free")]
    {
        let part = tag(id, &format!("max = 9, sensitive = \"{sensitive}\""));
        refused(chip(&part), &format!("dialect_masking field.62.part.{id}.sensitive"));
    }
    refused(
        chip(&tag("9F10", "max = 7, sensitive = \"none\"")),
        "dialect_masking field.62.part.9F10.sensitive",
    );
    refused(
        chip(&tag("9F10", "max = 7, class = \"ans\", sensitive = \"free\"")),
        "dialect_conflict field.62.part.9F10.class",
    );
    refused(
        chip(&tag("9F10", "max = 7, encoding = \"ascii\", sensitive = \"free\"")),
        "dialect_conflict field.62.part.9F10.encoding",
    );
    refused(chip(""), "dialect_out_of_range field.62.part");
    let deep = "{ ber-tlv = { levels = 4, unknown = \"keep\" } }";
    refused(binary("binary", "chip", deep, ""), "dialect_out_of_range field.62.composite");
    assert_eq!(binary("hex", "chip", "{ ber-tlv = { levels = 3, unknown = \"keep\" } }", ""), None);
    refused(
        binary(
            "binary",
            "free",
            "{ tagged = { tag_length = 2, length_digits = 2 } }",
            &tag("AA", "max = 2, sensitive = \"none\""),
        ),
        "dialect_conflict field.62.composite",
    );

    let bitmap = |form: &str, part: &str| binary("binary", "free", &format!("{{ bitmap = {form} }}"), part);
    let eight = "{ encoding = \"binary\", bytes = 8 }";
    let number = |id: &str| tag(id, "class = \"n\", encoding = \"bcd\", length = 4, sensitive = \"none\"");
    assert_eq!(bitmap(eight, &number("64")), None);
    refused(bitmap("{ encoding = \"hex\", bytes = 8 }", &number("2")), "dialect_conflict field.62.composite");
    refused(
        bitmap("{ encoding = \"binary\", bytes = 17 }", &number("2")),
        "dialect_out_of_range field.62.composite",
    );
    for bad in ["0", "65", "02", "AA"] {
        refused(bitmap(eight, &number(bad)), &format!("dialect_conflict field.62.part.{bad}.id"));
    }
    let undecided = tag("2", "class = \"n\", encoding = \"bcd\", length = 3, sensitive = \"none\"");
    refused(bitmap(eight, &undecided), "dialect_missing field.62.part.2.odd");
    let shown = tag("2", "class = \"n\", encoding = \"bcd\", length = 14, sensitive = \"none\"");
    refused(bitmap(eight, &shown), "dialect_masking field.62.part.2.sensitive");
}

#[test]
fn rules_may_only_speak_of_what_the_dialect_has() {
    let rules = |text: &str| complaint(&format!("{}{text}", field(32, &[])));
    let message = |body: &str| rules(&format!("[message.0200]\nname = \"sale\"\nmandatory = [32]\n{body}"));
    assert_eq!(message(""), None);
    let refused =
        |complaint: Option<String>, expected: &str| assert_eq!(complaint.as_deref(), Some(expected));
    refused(rules("[message.0200]\nname = \"sale\"\n"), "dialect_missing message.0200.mandatory");
    refused(rules("[message.200]\nname = \"sale\"\nmandatory = []\n"), "dialect_out_of_range message.200");
    refused(message("optional = [33]"), "dialect_rule message.0200.optional");
    refused(message("forbidden = [32]"), "dialect_conflict message.0200.forbidden");
    let variant = |body: &str| message(&format!("[[message.0200.variant]]\nname = \"v\"\n{body}"));
    assert_eq!(variant("when = { \"32\" = \"1\" }"), None);
    refused(variant("when = {}"), "dialect_missing message.0200.variant.v.when");
    refused(variant("when = { \"33\" = \"1\" }"), "dialect_rule message.0200.variant.v.when");
    refused(variant("when = { \"32.1\" = \"1\" }"), "dialect_rule message.0200.variant.v.when");
    let conditional = |body: &str| message(&format!("[[message.0200.conditional]]\n{body}"));
    assert_eq!(conditional("when = { \"32\" = [\"1\", \"2\"] }\nmandatory = [32]"), None);
    assert_eq!(conditional("when = { \"32\" = { present = true } }\nforbidden = [32]"), None);
    refused(conditional("when = {}"), "dialect_missing message.0200.conditional.when");
    refused(conditional("when = { \"32\" = { ends = \"1\" } }"), "dialect_syntax ");
    refused(
        conditional("when = { \"32\" = \"1\" }\nmandatory = [33]"),
        "dialect_rule message.0200.conditional.mandatory",
    );
    refused(
        conditional("when = { \"32\" = \"1\" }\nmandatory = [\"32.1\"]"),
        "dialect_rule message.0200.conditional.mandatory",
    );
    let both = "when = { \"32\" = \"1\" }\nmandatory = [32]\nforbidden = [32]";
    refused(conditional(both), "dialect_conflict message.0200.conditional.forbidden");
}

#[test]
fn a_child_says_only_what_differs() {
    let text = "name = \"child\"\nextends = \"iso87-ascii\"\nfields = [2, 11, 39]\n\
                [field.11]\nmax = 9\nprefix_digits = 1\n[message]\n";
    // The parent's rules name fields that the child no longer has: it must write its own.
    let error = compile(text).unwrap_err();
    assert_eq!((error.code(), error.dialect.as_str()), ("dialect_rule", "child"));

    let text = "name = \"binary-bitmaps\"\nextends = \"iso87-ascii\"\nbitmap = \"binary\"\n[field.11]\nmax = 9\nprefix_digits = 1\n";
    let child = compile(text).unwrap();
    let mut wire = Vec::new();
    let fields = common::fields(iso8583::Mti::NETWORK_REQUEST, &[(11, "42")]);
    child.encode(&fields, &mut wire).unwrap();
    assert_eq!(wire, b"0800\x00\x20\x00\x00\x00\x00\x00\x00242");
    assert_eq!(child.fields(), common::iso87_ascii().fields());
}

#[test]
fn parents_must_exist_and_end() {
    let orphan = compile("name = \"a\"\nextends = \"nobody\"\n").unwrap_err();
    assert_eq!(orphan.to_string(), "dialect a, extends: there is no dialect \"nobody\" to extend");
    let circle = |_: &str| Some("name = \"b\"\nextends = \"b\"\n".to_owned());
    let error = Dialect::from_toml("name = \"a\"\nextends = \"b\"\n", circle).unwrap_err();
    assert_eq!((error.code(), error.path.as_str()), ("dialect_parent", "extends"));
}

#[test]
fn a_misspelt_key_is_found_by_line() {
    let error = compile(&format!("{HEAD}[field.2]\nsensitiv = \"pan\"\n")).unwrap_err();
    assert_eq!(error.code(), "dialect_syntax");
    assert!(error.to_string().contains("line 5") && error.to_string().contains("sensitiv"), "{error}");
    let undefined = compile(&format!("{HEAD}fields = [2]\n")).unwrap_err();
    assert_eq!((undefined.code(), undefined.path.as_str()), ("dialect_missing", "fields"));
    for key in ["1", "129", "02", "x"] {
        let error = compile(&format!("{HEAD}[field.{key}]\nname = \"f\"\n")).unwrap_err();
        assert_eq!((error.code(), error.path), ("dialect_out_of_range", format!("field.{key}")));
    }
}

/// Parts are judged as they will be on the wire: what is sent must be what the other side can decode.
#[test]
fn a_filled_field_has_its_parts_after_filling() {
    let text = "fixed = 6\nfill = \"zeros-left\"\ncomposite = \"positional\"\npart = [\
                { id = \"1\", name = \"a\", length = 2, sensitive = \"none\" }, \
                { id = \"2\", name = \"b\", length = 4, sensitive = \"none\" }]";
    let dialect = compile(&format!("{HEAD}{}", field(32, &[("length", text), ("counts", "")]))).unwrap();
    let mut wire = Vec::new();
    dialect.encode(&common::fields(iso8583::Mti::NETWORK_REQUEST, &[(32, "12345")]), &mut wire).unwrap();
    let message = dialect.decode(&wire).unwrap();
    assert!(message.part(32, "1").unwrap().eq_text("01") && message.part(32, "2").unwrap().eq_text("2345"));
}
