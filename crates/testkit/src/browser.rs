//! A real browser: Debian's Chromium behind chromedriver, with a passkey authenticator of its own.
//!
//! Waiting is always for a condition and always bounded; there is no fixed sleep. Whatever goes wrong panics with what was
//! waited for, since this is for tests only.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};

/// Longer than anything takes, on a machine that does ten other things.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the browser presents itself.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// CSS pixels.
    pub width: u32,
    /// CSS pixels.
    pub height: u32,
    /// `en`, `zh-CN`.
    pub language: &'static str,
    /// Whether the pages' scripts arrive.
    pub scripts: bool,
}

impl Window {
    /// A phone, in English.
    pub const PHONE: Self = Self { width: 390, height: 844, language: "en", scripts: true };
    /// A desk.
    pub const DESK: Self = Self { width: 1280, height: 900, language: "en", scripts: true };
}

/// A browser with one tab. Close it with [`Browser::close`]; a dropped one takes its processes with it.
pub struct Browser {
    /// The tab.
    pub tab: Client,
    driver: Driver,
}

/// The chromedriver process, ended when dropped.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program that an environment variable names. `cargo xtask test` sets it.
fn program(variable: &str) -> String {
    env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} must name the program; `cargo xtask test` sets it"))
}

impl Browser {
    /// Starts chromedriver on a free port, and a browser behind it.
    pub async fn start(window: Window) -> Self {
        let (driver, address) = start_driver();
        let capabilities = capabilities(window, &program("LIAN_TEST_CHROMIUM"));
        let Value::Object(capabilities) = capabilities else { unreachable!("an object was written") };
        let tab = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&address)
            .await
            .unwrap_or_else(|error| panic!("chromium does not start: {error}"));
        let browser = Self { tab, driver };
        if !window.scripts {
            // Scripts don't arrive, as on a bad network or behind a blocker. Switching them off altogether would also switch
            // off those with which chromedriver clicks.
            let block = json!({ "cmd": "Network.setBlockedURLs", "params": { "urls": ["*.js"] } });
            browser.tell("goog/cdp/execute", json!({ "cmd": "Network.enable", "params": {} })).await;
            browser.tell("goog/cdp/execute", block).await;
        }
        browser
    }

    /// Opens an address.
    pub async fn open(&self, address: &str) {
        bounded(address, self.tab.goto(address)).await.unwrap_or_else(|error| panic!("{address}: {error}"));
    }

    /// The element, once it is there and visible.
    pub async fn find(&self, css: &str) -> Element {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let waiting = self.tab.wait().at_most(PATIENCE).for_element(Locator::Css(css));
            let Ok(element) = waiting.await else { panic!("no {css} at {}", self.describe().await) };
            // A page that is being replaced takes its elements along; the next look finds the new one.
            if bounded(css, element.is_displayed()).await.unwrap_or(false) {
                return element;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{css} stays hidden at {}",
                self.describe().await
            );
            tokio::task::yield_now().await;
        }
    }

    /// Types into a field.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        bounded(css, field.send_keys(text))
            .await
            .unwrap_or_else(|error| panic!("typing into {css}: {error}"));
    }

    /// Clicks.
    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        bounded(css, element.click()).await.unwrap_or_else(|error| panic!("clicking {css}: {error}"));
    }

    /// Waits until the page shows a text; what is hidden is not shown.
    pub async fn see(&self, text: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            // While one page replaces another there may be no body, or one that is gone.
            if let Ok(body) = bounded(text, self.tab.find(Locator::Css("body"))).await
                && bounded(text, body.text()).await.is_ok_and(|shown| shown.contains(text))
            {
                return;
            }
            if tokio::time::Instant::now() > deadline {
                panic!("{text:?} is not to be seen at {}", self.describe().await);
            }
        }
    }

    /// Gives the browser a passkey authenticator that agrees to everything, as a finger on a sensor would (WebAuthn
    /// Level 3, section 11.2).
    pub async fn add_passkeys(&self) {
        let body = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true,
        });
        self.tell("webauthn/authenticator", body).await;
    }

    /// What the browser has complained about: broken policies, failed scripts, missing files.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.tell("se/log", json!({ "type": "browser" })).await;
        let message = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        log.as_array().map(|entries| entries.iter().map(message).collect()).unwrap_or_default()
    }

    /// A picture of what the window shows, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.tab.screenshot().await.unwrap_or_else(|error| panic!("no picture: {error}"))
    }

    /// Ends the browser and its driver.
    pub async fn close(self) {
        let Self { tab, driver } = self;
        tab.close().await.unwrap_or_else(|error| panic!("the browser does not close: {error}"));
        drop(driver);
    }

    async fn tell(&self, path: &'static str, body: Value) -> Value {
        let answer = bounded(path, self.tab.issue_cmd(Extension { path, body })).await;
        answer.unwrap_or_else(|error| panic!("chromedriver refuses {path}: {error}"))
    }

    async fn describe(&self) -> String {
        let address =
            self.tab.current_url().await.map_or_else(|error| error.to_string(), |url| url.to_string());
        let text = match self.tab.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        format!("{address}, which shows:\n{text}")
    }
}

/// Waits for one command of the browser, and not for ever.
async fn bounded<T>(what: &str, command: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, command).await.unwrap_or_else(|_| panic!("the browser hangs at {what}"))
}

fn start_driver() -> (Driver, String) {
    let mut child = Command::new(program("LIAN_TEST_CHROMEDRIVER"))
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("chromedriver does not start: {error}"));
    let output = child.stdout.take().unwrap_or_else(|| panic!("chromedriver says nothing"));
    let driver = Driver(child);
    let port = BufReader::new(output).lines().map_while(Result::ok).find_map(|line| {
        let port = line.split("on port ").nth(1)?.trim_end_matches('.');
        port.parse::<u16>().ok().filter(|port| *port != 0)
    });
    let port = port.unwrap_or_else(|| panic!("chromedriver ended without naming its port"));
    (driver, format!("http://127.0.0.1:{port}"))
}

fn capabilities(window: Window, chromium: &str) -> Value {
    let Window { width, height, language, scripts: _ } = window;
    let size = format!("--window-size={width},{height}");
    let mut arguments =
        vec!["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", &size];
    let language_argument = format!("--lang={language}");
    arguments.push(&language_argument);
    let preferences = json!({ "intl.accept_languages": language });
    let mut options = json!({ "binary": chromium, "args": arguments, "prefs": preferences });
    if width < 500 {
        // A window is never narrower than 500 pixels, a phone is.
        options["mobileEmulation"] =
            json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0 } });
    }
    json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } })
}

/// A command beyond those of WebDriver itself: `POST /session/{id}/{path}`.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
