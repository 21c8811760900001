//! A bank's master key lies in a file, in a key block, or in a token: `lian serve` signs on with each, and says what is wrong
//! with those that it cannot use.

#[path = "support/town.rs"]
mod town;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use town::{Town, fresh_key, write_private};

const FILE: &str = "terminal_master_key_file = \"tmk\"";
const BLOCK: &str = "terminal_master_key_block_file = \"tmk.tr31\"\nkey_block_protection_key_file = \"kbpk\"";
/// The bank's key under [`PROTECTION`], made with psec (Python) 1.3.0.
const KEY_BLOCK: &str = "D0112K0TD00N0000C9F795B9959A7438ECF52DE734C8AFCEDC7E6D3BF5D4C04CF02B0F45019F275E0821929A0C4E7EB831359A1E2AB06D09";
const PROTECTION: &str = "88E0AB2A2F3DD38C1FA138A437510DC8A87AB9D62CC82C01048FA79E45647CE6";
const PIN: &str = "246810";

/// The node `one` with its bank's key in another place.
fn configure(town: &Town, place: &str) {
    town.configure("one", 0);
    let path = town.dir.path().join("one.toml");
    let text = std::fs::read_to_string(&path).expect("a configuration");
    assert!(text.contains(FILE), "{text}");
    // A section of its own goes to the end, after the bank's other settings.
    let text = match place.starts_with('[') {
        true => format!("{}{place}\n", text.replace(FILE, "")),
        false => text.replace(FILE, place),
    };
    std::fs::write(path, text).expect("a configuration");
}

fn lian(town: &Town, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lian"));
    command.args(arguments).current_dir(town.dir.path()).env("SOFTHSM2_CONF", softhsm_configuration(town));
    command
}

/// What it prints; it must end well.
fn printed(command: &mut Command) -> String {
    let output = command.output().expect("lian runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Why it ends badly.
fn refused(command: &mut Command) -> String {
    let output = command.output().expect("lian runs");
    assert!(!output.status.success(), "not refused: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn pays(town: &Town, node: &town::Node) {
    let (status, body) = town.pay(&node.url, &fresh_key()).await.expect("an answer");
    assert_eq!(status, 201, "{body} {}", town.log());
    assert_eq!(body["status"], "succeeded", "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_block_signs_on_and_a_wrong_one_is_refused_by_name() {
    let town = Town::found().await;
    let file = |name: &str| town.dir.path().join(name);
    write_private(&file("tmk.tr31"), KEY_BLOCK);
    write_private(&file("kbpk"), PROTECTION);
    configure(&town, BLOCK);
    let node = town.start("one");
    pays(&town, &node).await;
    assert_eq!(node.stop(), Some(0), "{}", town.log());

    let serve = || refused(&mut lian(&town, &["serve", "--config", "one.toml"]));
    write_private(&file("kbpk"), &PROTECTION.replace("88E0", "98E0"));
    let told = serve();
    assert!(told.contains("tmk.tr31") && told.contains("altered, or is under another key"), "{told}");
    assert!(!told.contains(&KEY_BLOCK[16..32]) && !told.contains(&PROTECTION[8..24]), "{told}");

    configure(&town, FILE);
    std::fs::set_permissions(file("tmk"), std::fs::Permissions::from_mode(0o644)).expect("permissions");
    let told = serve();
    assert!(told.contains("others than its owner may read") && told.contains("chmod 600"), "{told}");
    configure(&town, &format!("{FILE}\n{BLOCK}"));
    assert!(serve().contains("more than one place"));
}

/// The bank's letter came in two halves that two people keep: neither of them sees the key.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_components_is_put_into_a_block_that_signs_on() {
    let town = Town::found().await;
    let file = |name: &str| town.dir.path().join(name);
    let whole = std::fs::read_to_string(file("tmk")).expect("the key");
    let whole = u128::from_str_radix(whole.trim(), 16).expect("32 hex digits");
    let first = 0x0F1E_2D3C_4B5A_6978_8796_A5B4_C3D2_E1F0_u128;
    write_private(&file("first"), &format!("{first:032X}\n"));
    write_private(&file("second"), &format!("{:032X}\n", whole ^ first));
    write_private(&file("kbpk"), PROTECTION);
    let wrap = ["key", "wrap", "--usage", "K0", "--mode", "D", "--protection-key-file", "kbpk"];
    let parts = ["--key-file", "first", "--key-file", "second"];
    let made = lian(&town, &[&wrap[..], &parts].concat()).output().expect("lian runs");
    let (block, beside) = (String::from_utf8_lossy(&made.stdout), String::from_utf8_lossy(&made.stderr));
    assert!(made.status.success() && block.starts_with("D0112K0TD00N0000"), "{block} {beside}");
    let value = printed(&mut lian(&town, &["key", "check-value", "--terminal-master-key-file", "tmk"]));
    assert_eq!(beside.trim(), format!("Check value {}", value.trim()));

    write_private(&file("tmk.tr31"), &block);
    std::fs::remove_file(file("tmk")).expect("the key file goes");
    configure(&town, BLOCK);
    let node = town.start("one");
    pays(&town, &node).await;
    assert_eq!(node.stop(), Some(0), "{}", town.log());

    // A half alone has no parity, mostly; and what is refused is not shown.
    let told = refused(&mut lian(&town, &[&wrap[..], &["--key-file", "first"]].concat()));
    assert!(told.contains("parity") && !told.to_uppercase().contains("0F1E2D3C"), "{told}");
    std::fs::set_permissions(file("first"), std::fs::Permissions::from_mode(0o640)).expect("permissions");
    let told = refused(&mut lian(&town, &[&wrap[..], &parts].concat()));
    assert!(told.contains("others than its owner may read"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_brought_into_a_token_and_signs_on_from_there() {
    let town = Town::found().await;
    make_token(&town);
    let module = module();
    let section = |pin_file: &str| {
        format!(
            "[bank.pkcs11]\nmodule = \"{}\"\ntoken_label = \"lian\"\npin_file = \"{pin_file}\"\nkey_label = \"bank one\"",
            module.display()
        )
    };
    write_private(&town.dir.path().join("pin"), PIN);
    write_private(&town.dir.path().join("wrong-pin"), "135790");
    configure(&town, &section("pin"));
    let import = [
        "key",
        "import",
        "--config",
        "one.toml",
        "--bank",
        "iso87-ascii",
        "--terminal-master-key-file",
        "tmk",
    ];
    // Before it is there, the start says so.
    let told = refused(&mut lian(&town, &["serve", "--config", "one.toml"]));
    assert!(told.contains("0 secret keys are labelled bank one"), "{told}");
    let value = printed(&mut lian(&town, &["key", "check-value", "--terminal-master-key-file", "tmk"]));
    let told = printed(&mut lian(&town, &import));
    assert!(told.contains(value.trim()), "{told} {value}");
    assert!(refused(&mut lian(&town, &import)).contains("labelled bank one already"));

    // The file is not needed any more.
    std::fs::remove_file(town.dir.path().join("tmk")).expect("the key file goes");
    let node = town.start_by("one", Command::new("env").env("SOFTHSM2_CONF", softhsm_configuration(&town)));
    pays(&town, &node).await;
    assert_eq!(node.stop(), Some(0), "{}", town.log());

    configure(&town, &section("wrong-pin"));
    let told = refused(&mut lian(&town, &["serve", "--config", "one.toml"]));
    assert!(told.contains("PinIncorrect") && !told.contains("135790"), "{told}");
    town.verify();
}

fn softhsm_configuration(town: &Town) -> PathBuf {
    town.dir.path().join("softhsm2.conf")
}

/// A token labelled `lian`, in the town's folder.
fn make_token(town: &Town) {
    let tokens = town.dir.path().join("tokens");
    std::fs::create_dir(&tokens).expect("a folder");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(softhsm_configuration(town), text).expect("a configuration");
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "lian", "--pin", PIN, "--so-pin", "12345678"])
        .env("SOFTHSM2_CONF", softhsm_configuration(town))
        .output()
        .expect("softhsm2-util runs: the Debian package softhsm2, which `cargo xtask test` installs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn module() -> PathBuf {
    let usual = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib/pkcs11/libsofthsm2.so",
    ];
    let named = std::env::var_os("LIAN_TEST_SOFTHSM").map(PathBuf::from);
    let found = named.into_iter().chain(usual.map(PathBuf::from)).find(|path| path.is_file());
    found.expect("libsofthsm2.so: the Debian package softhsm2, which `cargo xtask test` installs")
}
