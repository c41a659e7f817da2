//! Fuzz tests of the configuration file and of the record of trusted files; see `docs/reference/fuzzing.md`.

use std::path::Path;

use proptest::prelude::*;
use zoetrope_fuzzing::Target;

use super::{Config, ConfigError, ConfigFile, TrustRecord, check};

/// Marks the places of the corpus where a credential may be misplaced.
const CANARY: &str = "sk-canary";

/// The corpus' largest file with the canary at any position: in a name, a text, a number, a
/// keyword.
fn with_canary() -> impl Strategy<Value = Vec<u8>> {
    const WHOLE: &str = include_str!("../../../fuzzing/corpus/config/whole");
    let around = prop::sample::select(vec!["", "\"", "'", "`", "\n", " ", ", expected ", "\" = "]);
    (any::<u16>(), around.clone(), around).prop_map(|(at, before, after)| {
        let mut at = WHOLE.len() * usize::from(at) / 65_536;
        while !WHOLE.is_char_boundary(at) {
            at -= 1;
        }
        let (head, tail) = WHOLE.split_at(at);
        format!("{head}{before}{CANARY}{after}{tail}").into_bytes()
    })
}

#[test]
fn configuration_of_any_text_is_parsed_or_refused_without_quoting_it() {
    Target::new("config", 600)
        .with_grammar(with_canary())
        .run(|input| {
            let text = String::from_utf8_lossy(input);
            let path = Path::new("/etc/zoetrope.toml");
            let problems = check(&text, path);
            for problem in &problems {
                assert!(!problem.message.contains("canary"), "{problem:?}");
                let near = problem.did_you_mean.as_deref().unwrap_or_default();
                assert!(!near.contains("canary"), "{problem:?}");
            }
            match Config::parse(&text, path) {
                Ok(config) => {
                    assert_eq!(problems, []);
                    for connection in config.connections() {
                        let base: Result<_, _> = connection.base_url().to_string().parse();
                        assert_eq!(base.as_ref(), Ok(connection.base_url()));
                        assert!(config.connection(connection.id().as_str()).is_some());
                    }
                    "accepted"
                }
                Err(ConfigError::Content {
                    line,
                    column,
                    message,
                    ..
                }) => {
                    assert!(!problems.is_empty(), "{message}");
                    assert!(!message.contains("canary"), "{message}");
                    assert!(
                        !message.is_empty() && !message.contains('\n'),
                        "{message:?}"
                    );
                    let length = text
                        .split('\n')
                        .nth(line - 1)
                        .map(|line| line.chars().count());
                    // After the last character if something is missing there.
                    assert!(length.is_some_and(|length| (1..=length + 1).contains(&column)));
                    "refused"
                }
                Err(other) => panic!("{other:?}"),
            }
        });
}

/// The corpus' largest record with the canary at any position.
fn record_with_canary() -> impl Strategy<Value = Vec<u8>> {
    const WHOLE: &str = include_str!("../../../fuzzing/corpus/trust/whole");
    any::<u16>().prop_map(|at| {
        let (head, tail) = WHOLE.split_at(WHOLE.len() * usize::from(at) / 65_536);
        format!("{head}{CANARY}{tail}").into_bytes()
    })
}

#[test]
fn trust_record_of_any_bytes_is_parsed_or_refused_without_quoting_it() {
    Target::new("trust", 2_000)
        .with_grammar(record_with_canary())
        .run(|input| {
            let path = Path::new("/own/trust.json");
            match TrustRecord::parse(input, path) {
                Ok(record) => {
                    let written = TrustRecord::parse(record.to_json().as_bytes(), path);
                    assert_eq!(written.expect("its own form"), record);
                    for entry in record.files() {
                        assert!(!entry.shown_path().contains(char::is_control));
                    }
                    // A file is trusted only by an entry with its path and its digest.
                    let file = ConfigFile::written(Path::new("/project/zoetrope.toml"), "# new\n");
                    let entry = record.entry(file.path());
                    let is_listed = entry.is_some_and(|entry| entry.digest() == file.digest());
                    assert_eq!(record.trusts(&file), is_listed);
                    if record.files().is_empty() {
                        "empty"
                    } else {
                        "accepted"
                    }
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(!text.contains("canary"), "{text}");
                    assert!(!text.contains(char::is_control), "{text:?}");
                    "refused"
                }
            }
        });
}
