//! Fuzz test of the configuration file; see `docs/reference/fuzzing.md`.

use std::path::Path;

use proptest::prelude::*;
use zoetrope_fuzzing::Target;

use super::{Config, ConfigError};

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
            match Config::parse(&text, Path::new("/etc/zoetrope.toml")) {
                Ok(config) => {
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
