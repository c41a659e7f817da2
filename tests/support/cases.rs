//! Cases that are folders of data: `cases/<subject>/<case>/`.
//!
//! - `expected.json`: what holds, in a sentence; the exit code; a part of the JSON on standard
//!   output; how many requests of each kind arrived, and none besides
//! - `script.json`: what the provider and its clip server answer; without it the run must not need
//!   either
//! - `arguments.json`: the command line, where it is not the subject's
//! - `input.json`: the input, where it is not the subject's; bytes, not always JSON

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::desk::{CANARY_KEY, CANARY_PROMPT, Desk};
use super::provider::{Reply, Script, Server, connection, nobody};
use super::{pictures, root};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// For the reader of a failure.
    holds: String,
    exit: i32,
    #[serde(default)]
    answer: Value,
    #[serde(default)]
    requests: BTreeMap<String, Count>,
    /// What arrived at the clip's own server.
    #[serde(default)]
    clip_requests: BTreeMap<String, Count>,
    /// Whether there is a clip at the end; not looked at when absent.
    clip: Option<bool>,
    /// The state of the one job in the ledger; none when absent.
    state: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Count {
    Exactly(usize),
    AtLeast { at_least: usize },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Scripts {
    /// `null`: nobody listens.
    provider: Option<Script>,
    cdn: Script,
    /// Further lines of the connection's table.
    connection: String,
}

/// Runs one case.
#[track_caller]
pub(crate) fn run(subject: &str, case: &str) {
    let folder = root().join("tests/cases").join(subject).join(case);
    let read = |name: &str| fs::read(folder.join(name)).ok();
    let parsed = |name: &str| read(name).or_else(|| fs::read(folder.parent()?.join(name)).ok());
    let expected =
        read("expected.json").unwrap_or_else(|| panic!("{}: no expected.json", folder.display()));
    let expected: Expected = serde_json::from_slice(&expected).expect("expected.json");
    let scripts: Scripts = read("script.json").map_or_else(
        || Scripts {
            provider: Some(Script::new()),
            ..Scripts::default()
        },
        |script| serde_json::from_slice(&script).expect("script.json"),
    );
    let arguments = parsed("arguments.json").expect("arguments.json, the case's or the subject's");
    let arguments: Vec<String> = serde_json::from_slice(&arguments).expect("arguments.json");

    let provider = scripts.provider.map(Server::start);
    let cdn = Server::start(scripts.cdn);
    if let Some(provider) = &provider {
        provider.name("cdn", cdn.url());
        provider.name("key", CANARY_KEY.into());
        provider.name("prompt", CANARY_PROMPT.into());
        cdn.name("provider", provider.url());
    }
    let desk = Desk::new();
    let url = provider.as_ref().map_or_else(nobody, Server::url);
    desk.configure(&connection(&url, &scripts.connection));
    if let Some(input) = parsed("input.json") {
        desk.write("input.json", replaced(input));
    }
    let filled = |argument: &String| {
        argument.replace("{lighthouse}", &pictures::lighthouse().to_string_lossy())
    };
    let outcome = desk.run(arguments.iter().map(filled));

    let place = format!("{subject}/{case}: {}\n{outcome:?}", expected.holds);
    assert_eq!(outcome.code, expected.exit, "{place}");
    if !expected.answer.is_null() {
        let answer = outcome.json();
        assert!(
            holds(&answer, &expected.answer),
            "{place}\nexpected {}",
            expected.answer
        );
    }
    let arrived = provider.as_ref().map(Server::counts).unwrap_or_default();
    assert!(
        fits(&arrived, &expected.requests),
        "{place}\narrived {arrived:?}"
    );
    let fetched = cdn.counts();
    assert!(
        fits(&fetched, &expected.clip_requests),
        "{place}\nfetched {fetched:?}"
    );
    if let Some(clip) = expected.clip {
        assert_eq!(desk.path("clip.mp4").exists(), clip, "{place}");
    }
    let jobs = desk.jobs();
    let states: Vec<_> = jobs
        .iter()
        .filter_map(|job| job["state"].as_str())
        .collect();
    let expected: Vec<_> = expected.state.as_deref().into_iter().collect();
    assert_eq!(states, expected, "{place}");
}

/// The folders of a subject that no test names, and the names that have no folder.
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

/// The subjects that a test module runs.
const SUBJECTS: [&str; 2] = ["bad_input", "provider"];

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

/// One test for each case of a subject, and one that no folder is left out.
///
/// Those after `long:` wait most of the time, so they wait together, in one test.
macro_rules! cases {
    ($subject:literal: $($case:ident)* $(; long: $($long:ident)*)?) => {
        $(
            #[test]
            fn $case() {
                $crate::support::cases::run($subject, stringify!($case));
            }
        )*

        #[test]
        fn every_folder_is_run() {
            let run = [$(stringify!($case),)* $($(stringify!($long),)*)?];
            $crate::support::cases::all_are_run($subject, &run);
        }

        $(
            #[test]
            fn a_long_wait_comes_to_an_end() {
                std::thread::scope(|scope| {
                    $(scope.spawn(|| $crate::support::cases::run($subject, stringify!($long)));)*
                });
            }
        )?
    };
}
pub(crate) use cases;

/// Fills the prompt that must not be shown into an input, which need not be text.
fn replaced(input: Vec<u8>) -> Vec<u8> {
    String::from_utf8(input).map_or_else(std::string::FromUtf8Error::into_bytes, |text| {
        text.replace("{canary prompt}", CANARY_PROMPT).into_bytes()
    })
}

/// Whether everything in `expected` is in `actual`; objects may hold more.
fn holds(actual: &Value, expected: &Value) -> bool {
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

fn fits(arrived: &BTreeMap<String, usize>, expected: &BTreeMap<String, Count>) -> bool {
    let fits = |(line, count): (&String, &Count)| {
        let arrived = arrived.get(line).copied().unwrap_or(0);
        match count {
            Count::Exactly(count) => arrived == *count,
            Count::AtLeast { at_least } => arrived >= *at_least,
        }
    };
    expected.iter().all(fits) && arrived.keys().all(|line| expected.contains_key(line))
}

/// A job that is accepted under the id `j-1` and asked for soon.
pub(crate) fn accepted() -> Reply {
    Reply::json(
        201,
        serde_json::json!({"id": "j-1", "status": "queued", "poll_after_ms": 100}),
    )
}
