//! Test cases in folders of data: `cases/<subject>/<case>/`.
//!
//! - `expected.json`: the property in a sentence; the exit code; a part of the JSON on standard
//!   output; the exact number of requests of each kind; words that the output must not have
//! - `script.json`: the answers of the provider and its clip server, merged over the subject's;
//!   without either the run must not need a server
//! - `arguments.json`: the command line; the subject's where absent
//! - `input.json`: the input, the subject's where absent; bytes, not always JSON
//! - `lines.jsonl`: the inputs of a batch
//! - `steps.json`: several commands instead of one; see [`Step`]. Each step then has its own exit
//!   code and answer, and the rest of `expected.json` describes the state after the last step
//!
//! In every case, each request below a `/v1/` of the provider carries the credential, unless the case
//! says that it may lack it, and no request to the clip server does. Every protocol has its paths
//! below a `/v1/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::provider::{Arrived, Reply, Script, Server};
use super::root;
use super::sandbox::{CANARY_KEY, CANARY_PROMPT, Sandbox};
use super::steps::{CaseContext, Step, Transcript};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The property in a sentence, printed with a failure.
    holds: String,
    /// The exit code of a case without steps.
    exit: Option<i32>,
    /// A part of the JSON on standard output, in which `{provider}` and `{cdn}` stand for the
    /// addresses of the servers.
    #[serde(default)]
    answer: Value,
    #[serde(default)]
    requests: BTreeMap<String, Count>,
    /// Requests to the clip server.
    #[serde(default)]
    clip_requests: BTreeMap<String, Count>,
    /// Whether there is a clip at the end; not checked when absent.
    clip: Option<bool>,
    /// The mark at the end of the clip; see [`Reply`].
    mark: Option<String>,
    /// Whether there is a picture at the end; not checked when absent.
    picture: Option<bool>,
    /// Whether there are further files at the end.
    #[serde(default)]
    files: BTreeMap<String, bool>,
    /// The state of each job in the ledger; the ledger must be empty when absent.
    state: Option<String>,
    /// The number of jobs, if there is a state.
    #[serde(default = "one")]
    jobs: usize,
    /// Words in lower case that must be on standard output or error.
    #[serde(default)]
    says: Vec<String>,
    /// Words in lower case that must not be on standard output or error.
    #[serde(default)]
    never_says: Vec<String>,
    /// Texts that must be neither in the output nor in a file of the program, such as the ledger.
    #[serde(default)]
    never_stores: Vec<String>,
    /// Requests to the provider that may lack the credential, such as downloads.
    #[serde(default)]
    may_lack_the_key: Vec<String>,
}

fn one() -> usize {
    1
}

/// The number of requests of one kind.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Count {
    Exactly(usize),
    Within {
        at_least: usize,
        #[serde(default = "any")]
        at_most: usize,
    },
}

fn any() -> usize {
    usize::MAX
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Scripts {
    /// The connection's category; `pixelml` where absent.
    category: Option<String>,
    /// The path of the connection's base URL.
    base_path: Option<String>,
    /// `null`: no server listens.
    provider: Option<Script>,
    cdn: Script,
    /// Further lines of the connection's table.
    connection: String,
}

impl Scripts {
    /// The script of the case, merged over the subject's.
    fn of(folder: &Path) -> Self {
        let read = |folder: &Path| {
            let script = fs::read(folder.join("script.json")).ok()?;
            Some(serde_json::from_slice::<Self>(&script).expect("script.json"))
        };
        match (folder.parent().and_then(read), read(folder)) {
            (None, None) => Self {
                provider: Some(Script::new()),
                ..Self::default()
            },
            (Some(script), None) | (None, Some(script)) => script,
            (Some(subject), Some(case)) => subject.below(case),
        }
    }

    fn below(mut self, case: Self) -> Self {
        if let Some(script) = case.provider {
            self.provider.get_or_insert_default().extend(script);
        }
        self.cdn.extend(case.cdn);
        Self {
            category: case.category.or(self.category),
            base_path: case.base_path.or(self.base_path),
            connection: format!("{}\n{}", self.connection, case.connection),
            ..self
        }
    }
}

/// Runs one case.
#[track_caller]
pub(crate) fn run(subject: &str, case: &str) {
    let folder = root().join("tests/cases").join(subject).join(case);
    let read = |name: &str| fs::read(folder.join(name)).ok();
    let expected =
        read("expected.json").unwrap_or_else(|| panic!("{}: no expected.json", folder.display()));
    let mut expected: Expected = serde_json::from_slice(&expected).expect("expected.json");
    let steps: Vec<Step> = match read("steps.json") {
        Some(steps) => {
            let is_repeated = expected.exit.is_some() || !expected.answer.is_null();
            assert!(!is_repeated, "{subject}/{case}: each step has its own");
            serde_json::from_slice(&steps).expect("steps.json")
        }
        None => vec![Step::only(expected.exit, expected.answer.take())],
    };
    if cfg!(not(unix)) && steps.iter().any(Step::sends_signals) {
        return;
    }

    let context = context_in(&folder);
    let place = format!("{subject}/{case}: {}", expected.holds);
    let mut output = Transcript::default();
    for (index, step) in steps.into_iter().enumerate() {
        let place = format!("{place} (step {})", index + 1);
        step.play(&context, &mut output, &place);
    }
    expected.holds_of(&context, &output, &place);
}

/// The servers, the sandbox and the command line of a subject, without a case.
pub(crate) fn context_of(subject: &str) -> CaseContext {
    context_in(&root().join("tests/cases").join(subject))
}

/// The same of the folder of a case, over those of its subject.
fn context_in(folder: &Path) -> CaseContext {
    let read = |name: &str| fs::read(folder.join(name)).ok();
    let parsed = |name: &str| read(name).or_else(|| fs::read(folder.parent()?.join(name)).ok());
    let scripts = Scripts::of(folder);
    let arguments = parsed("arguments.json").expect("arguments.json, the case's or the subject's");
    let context = CaseContext {
        sandbox: Sandbox::new(),
        provider: scripts.provider.map(Server::start),
        cdn: Server::start(scripts.cdn),
        category: scripts.category.unwrap_or_else(|| "pixelml".into()),
        base_path: scripts.base_path.unwrap_or_default(),
        arguments: serde_json::from_slice(&arguments).expect("arguments.json"),
    };
    let cdn = &context.cdn;
    if let Some(provider) = &context.provider {
        provider.name("cdn", cdn.url());
        provider.name("cdn_host", cdn.host());
        provider.name("key", CANARY_KEY.into());
        provider.name("prompt", CANARY_PROMPT.into());
        cdn.name("provider", provider.url());
        cdn.name("cdn", cdn.url());
    }
    context.configure(&scripts.connection);
    for name in ["input.json", "lines.jsonl"] {
        if let Some(input) = parsed(name) {
            context.sandbox.write(name, replaced(input));
        }
    }
    context
}

impl Expected {
    /// Checks the state after the last step.
    #[track_caller]
    fn holds_of(&self, context: &CaseContext, output: &Transcript, place: &str) {
        let shown = &output.shown;
        let arrived = context.counts();
        assert!(
            fits(&arrived, &self.requests),
            "{place}\n{shown}\narrived {arrived:?}"
        );
        let fetched = context.cdn.counts();
        assert!(
            fits(&fetched, &self.clip_requests),
            "{place}\n{shown}\nfetched {fetched:?}"
        );
        let arrived = context.provider.as_ref().map(Server::arrived);
        for request in arrived.unwrap_or_default() {
            let line = request.line();
            let is_api = line.contains("/v1/") && !self.may_lack_the_key.contains(&line);
            assert!(!is_api || carries_the_key(&request), "{place}\n{request:?}");
        }
        for request in context.cdn.arrived() {
            assert!(!carries_the_key(&request), "{place}\n{request:?}");
        }
        for (file, is_there) in [("clip.mp4", self.clip), ("picture.png", self.picture)] {
            let exists = context.sandbox.path(file).exists();
            assert!(is_there.is_none_or(|is| is == exists), "{place}\n{shown}");
        }
        for (file, is_there) in &self.files {
            let exists = context.sandbox.path(file).exists();
            assert_eq!(exists, *is_there, "{place}: {file}\n{shown}");
        }
        if let Some(mark) = &self.mark {
            let clip = fs::read(context.sandbox.path("clip.mp4")).unwrap_or_default();
            assert!(clip.ends_with(mark.as_bytes()), "{place}\n{shown}");
        }
        let jobs = context.sandbox.jobs();
        let states: Vec<_> = jobs
            .iter()
            .filter_map(|job| job["state"].as_str())
            .collect();
        let expected = self.state.as_deref().map(|state| vec![state; self.jobs]);
        assert_eq!(states, expected.unwrap_or_default(), "{place}\n{shown}");
        for text in &self.never_stores {
            assert!(!shown.contains(text), "{place}: `{text}` in\n{shown}");
            for path in context.sandbox.files() {
                let bytes = fs::read(&path).unwrap_or_default();
                let has_text = String::from_utf8_lossy(&bytes).contains(text);
                assert!(!has_text, "{place}: `{text}` in {}", path.display());
            }
        }
        let shown = shown.to_lowercase();
        for words in &self.says {
            assert!(shown.contains(words), "{place}: no `{words}` in\n{shown}");
        }
        for words in &self.never_says {
            assert!(!shown.contains(words), "{place}: `{words}` in\n{shown}");
        }
    }
}

/// Whether a request has the credential in its path, headers or body.
fn carries_the_key(request: &Arrived) -> bool {
    let body = String::from_utf8_lossy(&request.body);
    let values = request.headers.iter().map(|(_, value)| value.as_str());
    let mut places = values.chain([request.path.as_str(), &*body]);
    places.any(|place| place.contains(CANARY_KEY))
}

/// Asserts that a subject's folders are the named cases.
#[track_caller]
pub(crate) fn all_are_run(subject: &str, run: &[&str]) {
    let folder: PathBuf = root().join("tests/cases").join(subject);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut found: Vec<_> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut run = run.to_vec();
    run.sort_unstable();
    assert_eq!(
        found,
        run,
        "the folders of {} and the tests that run them",
        folder.display()
    );
}

/// All subjects; each is run by a test module.
const SUBJECTS: [&str; 14] = [
    "agenticflow",
    "bad_input",
    "faults_agenticflow",
    "faults_configured",
    "faults_jobs",
    "faults_popiart",
    "faults_shortapi",
    "incidents",
    "incidents_agenticflow",
    "incidents_popiart",
    "incidents_shortapi",
    "popiart",
    "provider",
    "shortapi",
];

#[test]
fn every_subject_is_run() {
    let folders = fs::read_dir(root().join("tests/cases")).expect("the cases");
    let mut found: Vec<_> = folders
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    found.sort();
    assert_eq!(found, SUBJECTS);
}

/// Defines a test for each case of a subject, and one that every folder is run.
///
/// The cases after `long:` mostly wait, so one test runs them in parallel.
macro_rules! cases {
    ($subject:literal: $($case:ident)* $(; long: $($long:ident)*)?) => {
        /// The names of the cases, which are their folders.
        pub(super) const CASES: &[&str] = &[$(stringify!($case),)* $($(stringify!($long),)*)?];

        $(
            #[test]
            fn $case() {
                $crate::support::cases::run($subject, stringify!($case));
            }
        )*

        #[test]
        fn every_folder_is_run() {
            $crate::support::cases::all_are_run($subject, CASES);
        }

        $(
            #[test]
            fn long_cases_end_as_expected() {
                std::thread::scope(|scope| {
                    $(scope.spawn(|| $crate::support::cases::run($subject, stringify!($long)));)*
                });
            }
        )?
    };
}
pub(crate) use cases;

/// Replaces the placeholder of the secret prompt in an input, which need not be text.
fn replaced(input: Vec<u8>) -> Vec<u8> {
    String::from_utf8(input).map_or_else(std::string::FromUtf8Error::into_bytes, |text| {
        text.replace("{canary prompt}", CANARY_PROMPT).into_bytes()
    })
}

/// Whether `actual` contains everything in `expected`; objects may have further fields.
pub(super) fn holds(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            let held = |(name, value): (&String, &Value)| {
                actual.get(name).is_some_and(|actual| holds(actual, value))
            };
            expected.iter().all(held)
        }
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len()
                && actual
                    .iter()
                    .zip(expected)
                    .all(|(one, other)| holds(one, other))
        }
        _ => actual == expected,
    }
}

pub(super) fn fits(arrived: &BTreeMap<String, usize>, expected: &BTreeMap<String, Count>) -> bool {
    let fits = |(line, count): (&String, &Count)| {
        let arrived = arrived.get(line).copied().unwrap_or(0);
        match count {
            Count::Exactly(count) => arrived == *count,
            Count::Within { at_least, at_most } => (*at_least..=*at_most).contains(&arrived),
        }
    };
    expected.iter().all(fits) && arrived.keys().all(|line| expected.contains_key(line))
}

/// The reply that accepts a job with the id `j-1` and a short poll delay.
pub(crate) fn accepted() -> Reply {
    Reply::json(
        201,
        serde_json::json!({"id": "j-1", "status": "queued", "poll_after_ms": 100}),
    )
}
