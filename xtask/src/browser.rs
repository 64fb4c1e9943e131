//! A headless Chromium with one page, told what to do over the Chrome DevTools Protocol.
//!
//! The protocol runs over two pipes (`--remote-debugging-pipe`): the browser reads commands from descriptor 3 and writes to
//! descriptor 4, each message one JSON value that a zero byte ends. So no port is opened and no library is needed.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Names under which systems install it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// A browser with one page; it ends when the value is dropped.
pub(crate) struct Browser {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Its own profile, which nothing is kept of.
    profile: PathBuf,
    session: Option<String>,
    last: u64,
}

impl Browser {
    /// Starts the browser; fails and says how to install it when it is missing.
    pub(crate) fn start() -> Result<Browser> {
        let Some(program) = NAMES.into_iter().find(|name| is_there(name)) else {
            bail!("no Chromium is installed (looked for {}); on Debian: apt-get install chromium", NAMES.join(", "));
        };
        let profile = std::env::temp_dir().join(format!("hnas-screenshots-{}", std::process::id()));
        // Standard streams can be piped without unsafe code; the shell moves them to the descriptors the browser uses.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#, program])
            .args(["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars"])
            // The page is our own file, and a container's root may start no sandbox.
            .args(["--no-sandbox", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let commands = process.stdin.take().context("the browser's commands are not piped")?;
        let answers = BufReader::new(process.stdout.take().context("the browser's answers are not piped")?);
        let mut browser = Browser { process, commands, answers, profile, session: None, last: 0 };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))?["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }))?;
        browser.session = Some(attached["sessionId"].as_str().context("the browser has no page")?.to_owned());
        browser.call("Page.enable", json!({}))?;
        Ok(browser)
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) fn open(&mut self, address: &str) -> Result<()> {
        let opened = self.call("Page.navigate", json!({ "url": address }))?;
        if let Some(error) = opened["errorText"].as_str() {
            bail!("cannot open {address}: {error}");
        }
        while self.read()?["method"] != "Page.loadEventFired" {}
        Ok(())
    }

    /// Gives one command and waits for its result; what happens meanwhile is passed over.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let lost = || format!("the browser is gone: {method}");
        self.commands.write_all(format!("{message}\0").as_bytes()).with_context(lost)?;
        self.commands.flush().with_context(lost)?;
        loop {
            let mut answer = self.read().with_context(lost)?;
            if answer["id"] != self.last {
                continue;
            }
            if let Some(error) = answer.get("error") {
                bail!("{method}: {error}");
            }
            return Ok(answer["result"].take());
        }
    }

    fn read(&mut self) -> Result<Value> {
        let mut message = Vec::new();
        self.answers.read_until(0, &mut message)?;
        if message.pop() != Some(0) {
            bail!("it ended with {}", self.process.wait()?);
        }
        Ok(serde_json::from_slice(&message)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Nothing of it is kept, so it may end in any way.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn is_there(program: &str) -> bool {
    let tried = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}
