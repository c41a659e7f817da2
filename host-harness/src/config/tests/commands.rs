use std::path::Path;

use super::super::{Config, ConfigFile, Effects};
use super::parse;
use crate::connections::SecretSource;

/// A configuration with one connection, whose credential is this.
fn with_credential(credential: &str) -> String {
    format!(
        "[connections.mine]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\n\
         credential = {credential}\n"
    )
}

fn source(config: &Config) -> SecretSource {
    let connection = config.connection("mine").expect("the connection");
    connection
        .credential()
        .expect("a credential")
        .source
        .clone()
}

#[test]
fn credential_of_a_command_is_a_list_relative_to_the_file() {
    for (list, program) in [
        ("[\"pass\", \"show\", \"pixelml\"]", "pass"),
        ("[\"bin/key\"]", "/etc/zoetrope/bin/key"),
    ] {
        let text = with_credential(&format!("{{ command = {list} }}"));
        let SecretSource::Program(found) = source(&parse(&text).expect("a configuration")) else {
            panic!("a command");
        };
        assert_eq!(Path::new(found.command().program()), Path::new(program));
    }
    for (wrong, expected) in [
        ("{ command = \"pass show pixelml\" }", "no shell reads it"),
        ("{ command = [] }", "the list names no program"),
        ("{ command = [\"a\\u0000\"] }", "NUL"),
        ("{ command = [\"pass\"], env = \"KEY\" }", "give one of"),
        ("{ keyring = false }", "`keyring` is true or the name"),
        ("{ keyring = \"\" }", "1 to 255 visible ASCII"),
        ("{ keyring = true, file = \"key\" }", "give one of"),
    ] {
        let error = parse(&with_credential(wrong)).expect_err(wrong);
        let text = crate::error::chain(&error);
        assert!(text.contains(expected), "{wrong}: {text}");
    }
}

#[test]
fn entry_of_the_keyring_has_the_name_of_its_connection_unless_it_is_stated() {
    for (credential, name) in [
        ("{ keyring = true }", "mine"),
        ("{ keyring = \"shared\" }", "shared"),
    ] {
        let config = parse(&with_credential(credential)).expect("a configuration");
        assert_eq!(source(&config), SecretSource::Keyring(name.into()));
    }
}

#[test]
fn command_of_an_end_is_a_list_and_never_a_text() {
    let config = parse("[hooks]\non_end = [\"./notify\", \"clip ready\"]").expect("a command");
    let command = config.on_end().expect("a command");
    let program = Path::new(command.program());
    assert_eq!(program, Path::new("/etc/zoetrope/./notify"));
    assert_eq!(command.list().nth(1), Some("clip ready".as_ref()));
    assert_eq!(parse("[hooks]").expect("no command").on_end(), None);
    for (wrong, expected) in [
        ("on_end = \"notify-send done\"", "no shell reads it"),
        ("on_end = []", "the list names no program"),
        ("on_start = [\"a\"]", "unknown field, expected `on_end`"),
    ] {
        let error = parse(&format!("[hooks]\n{wrong}")).expect_err(wrong);
        let text = crate::error::chain(&error);
        assert!(text.contains(expected), "{wrong}: {text}");
    }
}

#[test]
fn commands_are_effects_of_the_file() {
    let text = with_credential("{ command = [\"pass\", \"show\", \"a\\nb\"] }")
        + "[hooks]\non_end = [\"notify-send\", \"clip ready\"]\n";
    let file = ConfigFile::written(Path::new("/project/zoetrope.toml"), &text);
    let effects = Effects::of(&file).expect("a configuration");
    let command = effects.connections[0].command.as_deref();
    let command = command.expect("the command of the credential");
    assert!(command.starts_with("[\"pass\",\"show\",\"a"), "{command}");
    assert!(!command.contains('\n'), "{command}");
    let expected = [
        ("for the credential of connection mine", command),
        ("when a job has ended", "[\"notify-send\",\"clip ready\"]"),
    ];
    let found = effects.commands.iter();
    let found: Vec<_> = found.map(|(when, what)| (&**when, &**what)).collect();
    assert_eq!(found, expected);
}
