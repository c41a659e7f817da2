//! The result of a run of the binary, and the invariants of every run.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use serde_json::Value;

use super::canary::forms;
use super::root;
use super::sandbox::{CANARY_KEY, CANARY_PROMPT, Sandbox};

/// The result of a run of the binary.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON on standard output: {error}\n{self:?}"))
    }

    /// The JSON of a successful run. Panics on a failure.
    #[track_caller]
    pub(crate) fn answer(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        let answer = self.json();
        assert_eq!(answer["ok"], true, "{self:?}");
        answer
    }

    /// The JSON error of a failed run, which must be of this kind.
    #[track_caller]
    pub(crate) fn error(&self, kind: &str) -> Value {
        let error = self.json()["error"].take();
        assert_eq!(error["kind"], kind, "{self:?}");
        error
    }

    /// Checks the invariants of every run: no panic, no credential and no prompt in output or files.
    #[track_caller]
    pub(super) fn check_invariants(&self, sandbox: &Sandbox, is_run: bool) {
        let shown = format!("{}{}", self.stdout, self.stderr);
        assert!(!shown.contains("panicked at"), "a panic: {self:?}");
        let mut secrets = vec![CANARY_KEY.to_owned()];
        secrets.extend(sandbox.practice_key());
        let known: Vec<_> = secrets.iter().flat_map(|secret| forms(secret)).collect();
        for form in &known {
            assert!(!shown.contains(form), "a credential is shown: {self:?}");
        }
        for form in forms(CANARY_PROMPT) {
            assert!(!self.stderr.contains(&form), "a prompt is shown: {self:?}");
        }
        if is_run {
            assert!(
                !self.stdout.contains(CANARY_PROMPT),
                "a prompt is shown: {self:?}"
            );
        }
        let ledger = sandbox.ledger_without_inputs();
        assert!(
            !ledger.contains(CANARY_PROMPT),
            "a prompt is in the ledger outside its inputs"
        );
        // The database file may store a text in pieces, so its rows are read as well.
        for form in &known {
            assert!(!ledger.contains(form), "a credential is in the ledger");
        }
        let compiled = sandbox.data_dir().join("code");
        for file in sandbox.files() {
            // The code cache was written before the run had any secret.
            if file.starts_with(&compiled) {
                continue;
            }
            let content = fs::read(&file).unwrap_or_default();
            let content = String::from_utf8_lossy(&content);
            let holds = |text: &str| content.contains(text);
            let is_ledger = file.to_string_lossy().contains("ledger.sqlite3");
            assert!(
                is_ledger || !holds(CANARY_PROMPT),
                "a prompt is in {}",
                file.display()
            );
            if !file.ends_with("practice/key") {
                for form in &known {
                    assert!(!holds(form), "a credential is in {}", file.display());
                }
            }
        }
    }

    /// Checks the JSON of a failure and its exit code against `docs/reference/exit-codes.md`.
    #[track_caller]
    pub(super) fn check_documented_failure(&self) {
        assert_eq!(
            self.stdout.matches('\n').count(),
            1,
            "one line of JSON: {self:?}"
        );
        let document = self.json();
        assert_eq!(document["ok"], false, "{self:?}");
        let error = &document["error"];
        let text = |name: &str| {
            let text = error[name].as_str();
            text.unwrap_or_else(|| panic!("no `{name}`: {self:?}"))
        };
        let kind = text("kind");
        assert_eq!(documented_codes().get(kind), Some(&self.code), "{self:?}");
        let phases = ["setup", "check", "upload", "submit", "poll", "download"];
        assert!(phases.contains(&text("phase")), "{self:?}");
        assert!(
            ["yes", "no", "unknown"].contains(&text("charged")),
            "{self:?}"
        );
        for sentence in [text("message"), text("next")] {
            let is_one = !sentence.is_empty() && !sentence.contains('\n');
            assert!(is_one, "one sentence: {self:?}");
        }
        // After a possible charge, `next` must not suggest another submit.
        if text("charged") != "no" {
            let goes_on = [
                "zoetrope jobs",
                " --key ",
                "No further action:",
                "Look for a charge",
                // The jobs that may be charged are known by their keys.
                "the same command with --max-cost",
            ];
            let next = text("next");
            assert!(goes_on.iter().any(|way| next.contains(way)), "{next}");
        }
    }
}

/// The documented exit code of each kind of failure.
pub(crate) fn documented_codes() -> &'static BTreeMap<String, i32> {
    static CODES: OnceLock<BTreeMap<String, i32>> = OnceLock::new();
    CODES.get_or_init(|| {
        let text =
            fs::read_to_string(root().join("docs/reference/exit-codes.md")).expect("the document");
        let mut codes = BTreeMap::new();
        for row in text.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let Ok(code) = cells[1].parse() else { continue };
            let kinds = cells[2].split(", ").filter(|kind| kind.starts_with('`'));
            codes.extend(kinds.map(|kind| (kind.trim_matches('`').to_owned(), code)));
        }
        assert!(codes.len() > 20, "{codes:?}");
        codes
    })
}
