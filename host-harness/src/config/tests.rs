use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::connections::SecretSource;
use crate::net::ProxySetting;

mod check;
mod commands;
mod effects;
mod location;
mod options;
mod trust;

const WHOLE: &str = r#"
[connections.pixelml]
category = "pixelml"
base_url = "https://api.example.com/base/"
credential = { env = "PIXELML_API_KEY", header = "X-Key", prefix = "" }
idempotency = "24h"
requests_per_second = 2.5
result_origins = ["http://127.0.0.1:9000", "http://Media.internal:8080/"]
options = { wire = "jobs", nested = { n = 1.5, list = [true, 2] }, at = 2026-11-21 }

[connections.second]
category = "pixelml"
base_url = "http://127.0.0.1:8080"
credential = { file = "keys/second" }
idempotency = false

[connections.other]
category = "popiart"
base_url = "https://popi.example"
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/zoetrope/zoetrope.toml"))
}

#[test]
fn file_with_every_key_is_parsed() {
    let config = parse(WHOLE).expect("config");
    let first = config.connection("pixelml").expect("pixelml");
    assert_eq!(first.base_url().to_string(), "https://api.example.com/base");
    assert_eq!(first.idempotency(), Some(Duration::from_hours(24)));
    assert_eq!(first.requests_per_second(), Some(2.5));
    let origins = first.result_origins().iter().map(ToString::to_string);
    assert_eq!(
        origins.collect::<Vec<_>>(),
        ["http://127.0.0.1:9000", "http://media.internal:8080"]
    );
    assert_eq!(
        Value::Object(first.options().clone()),
        json!({"wire": "jobs", "nested": {"n": 1.5, "list": [true, 2]}, "at": "2026-11-21"})
    );
    let credential = first.credential().expect("credential");
    assert_eq!(
        credential.source,
        SecretSource::Env("PIXELML_API_KEY".into())
    );
    assert_eq!(credential.header.as_deref(), Some("X-Key"));
    assert_eq!(credential.prefix.as_deref(), Some(""));

    let second = config.connection("second").expect("second");
    assert_eq!(second.idempotency(), None);
    assert_eq!(
        second.credential().map(|credential| &credential.source),
        Some(&SecretSource::File("/etc/zoetrope/keys/second".into()))
    );
}

#[test]
fn most_that_a_run_costs_is_an_amount_above_zero_with_a_unit() {
    let with = |most: &str| {
        parse(&format!(
            "[connections.a]\ncategory = \"x\"\nbase_url = \"https://a.example\"\nmax_cost = {most}"
        ))
    };
    for (text, expected) in [
        ("\"0.50 USD\"", "0.50 USD"),
        ("\"12 credits\"", "12 credits"),
    ] {
        let config = with(text).expect("config");
        let most = config.connection("a").and_then(|found| found.max_cost());
        assert_eq!(most.map(ToString::to_string).as_deref(), Some(expected));
    }
    for text in [
        "\"0.50\"",
        "\"0 USD\"",
        "\"-1 USD\"",
        "\"sk-hunter2\"",
        "\"1e3 USD\"",
        "0.5",
    ] {
        let refused = with(text).expect_err("refused").to_string();
        assert!(refused.contains(":4:12: "), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn absent_keys_have_the_documented_defaults() {
    let config = parse("").expect("config");
    assert_eq!(config.connections().count(), 0);
    let minimal = "[connections.a]\ncategory = \"x\"\nbase_url = \"https://a.example\"";
    let config = parse(minimal).expect("config");
    let connection = config.connection("a").expect("a");
    assert_eq!(connection.credential(), None);
    assert_eq!(connection.idempotency(), None);
    assert_eq!(connection.result_origins(), []);
    assert!(connection.options().is_empty());
    assert_eq!(connection.max_cost(), None);
}

/// Line, column and message of the error, for one connection with `line` in it.
fn wrong(line: &str) -> (usize, usize, String) {
    let text =
        format!("[connections.a]\ncategory = \"x\"\nbase_url = \"https://a.example\"\n{line}\n");
    match parse(&text) {
        Err(ConfigError::Content {
            line,
            column,
            message,
            ..
        }) => (line, column, message),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn result_origin_with_a_path_or_at_a_metadata_address_is_refused() {
    for (value, expected) in [
        ("[\"http://127.0.0.1:9000/clips\"]", "an origin is"),
        ("[\"http://169.254.169.254\"]", "cloud metadata"),
        ("[\"http://169.254.0.1\"]", "link-local"),
        ("\"http://127.0.0.1:9000\"", "expected a sequence"),
    ] {
        let (row, _, message) = wrong(&format!("result_origins = {value}"));
        assert!(row == 4 && message.contains(expected), "{value}: {message}");
    }
}

#[test]
fn parse_errors_give_line_and_column() {
    insta::assert_snapshot!(
        [
            "credentials = { env = \"X\" }",
            "credential = { env = \"X\", file = \"y\" }",
            "credential = { environment = \"X\" }",
            "credential = {}",
            "credential = 7",
            "idempotency = true",
            "idempotency = \"soon\"",
            "idempotency = 24",
            "requests_per_second = 0",
            "options = { a = nan }",
            "options = \"jobs\"",
            "base_url = \"https://b.example\"",
            "= 3",
        ]
        .map(|line| {
            let (row, column, message) = wrong(line);
            format!("{line}\n  {row}:{column} {message}")
        })
        .join("\n"),
        @r#"
    credentials = { env = "X" }
      4:1 unknown field, expected one of `category`, `base_url`, `credential`, `idempotency`, `requests_per_second`, `max_cost`, `result_origins`, `options`
    credential = { env = "X", file = "y" }
      4:14 give one of `env`, `file`, `command` and `keyring`
    credential = { environment = "X" }
      4:16 unknown field, expected one of `env`, `file`, `command`, `keyring`, `header`, `prefix`
    credential = {}
      4:14 give one of `env`, `file`, `command` and `keyring`
    credential = 7
      4:14 invalid type: integer, expected a table like { env = "NAME" }, { file = "PATH" }, { command = ["PROGRAM"] } or { keyring = true }
    idempotency = true
      4:15 say how long a key is honoured, like "24h"
    idempotency = "soon"
      4:15 not a duration like "24h" or "30m"
    idempotency = 24
      4:15 invalid type: integer, expected how long a key is honoured, like "24h", or false
    requests_per_second = 0
      4:23 expected a number from 0.001 to 100000
    options = { a = nan }
      4:11 infinity and NaN have no JSON form
    options = "jobs"
      4:11 invalid type: string, expected a map
    base_url = "https://b.example"
      4:1 duplicate key
    = 3
      4:1 unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
    "#
    );
}

#[test]
fn credential_written_into_the_file_is_refused_and_not_quoted() {
    for line in [
        "credential = \"sk-hunter2\"",
        "credential = { env = \"sk-hunter2\" }",
        "credential = { env = { key = \"sk-hunter2\" } }",
        "options = \"sk-hunter2\"",
        "idempotency = \"sk-hunter2\"",
        "[connections]\nb = \"sk-hunter2\"",
        "[connections]\nb = \"sk-hunter2",
        "sk-hunter2 = 1",
        "credential = { sk-hunter2 = 1 }",
        "credential = { command = \"sk-hunter2\" }",
        "credential = { keyring = \"sk hunter2\" }",
        "\"x`, expected sk-hunter2\" = 1",
        "[connections.\"sk-hunter2==\"]",
    ] {
        let (_, _, message) = wrong(line);
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn invalid_connection_is_refused_with_its_reason() {
    for (text, expected) in [
        (
            "[connections.\"a b\"]\ncategory = \"x\"\nbase_url = \"https://a.example\"",
            "a connection's id is 1 to 64 letters, digits, `-` and `_`",
        ),
        (
            "[connections.a]\ncategory = \"x\"\nbase_url = \"http://a.example\"",
            "the base URL is plain http to another machine: the credential would be sent unencrypted; use https",
        ),
        (
            "[connections.a]\ncategory = \"x\"\nbase_url = \"https://me:hunter2@a.example\"",
            "the base URL holds a user or password; the credential has its own key",
        ),
        (
            "[connections.a]\ncategory = \"x\"",
            "missing field `base_url`",
        ),
        (
            "[connection.a]",
            "unknown field, expected one of `connections`, `network`, `packs`, `hooks`",
        ),
    ] {
        match parse(text) {
            Err(ConfigError::Content { message, .. }) => assert_eq!(message, expected),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn connection_is_selected_by_name_or_as_the_only_one_of_its_category() {
    let config = parse(WHOLE).expect("config");
    let id = |result: Result<Option<&Arc<Connection>>, SelectError>| {
        result.map(|chosen| chosen.map(|connection| connection.id().to_string()))
    };
    assert_eq!(
        id(config.select("pixelml", Some("second"))),
        Ok(Some("second".into()))
    );
    assert_eq!(id(config.select("popiart", None)), Ok(Some("other".into())));
    assert_eq!(id(config.select("shortapi", None)), Ok(None));
    for (category, wanted, expected) in [
        (
            "pixelml",
            None,
            "several connections are of category `pixelml`: `pixelml`, `second`; name one",
        ),
        (
            "pixelml",
            Some("other"),
            "connection `other` is of category `popiart`, the node needs `pixelml`",
        ),
        (
            "pixelml",
            Some("third"),
            "there is no connection `third`; configured: `other`, `pixelml`, `second`",
        ),
    ] {
        let error = id(config.select(category, wanted)).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
}

/// The table `[network]` with these lines.
fn network(lines: &str) -> Result<Network, String> {
    match parse(&format!("[network]\n{lines}\n")) {
        Ok(config) => Ok(config.network().clone()),
        Err(ConfigError::Content { message, .. }) => Err(message),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn network_table_is_parsed() {
    assert_eq!(parse("").expect("config").network(), &Network::default());
    let off = network("proxy = \"none\"").expect("a table");
    assert_eq!(off.proxy, ProxySetting::Off);
    let lines = "proxy = \"http://u:p@proxy:3128\"\nproxy_resolves = true\nca_file = \"ca.pem\"";
    let whole = network(lines).expect("a table");
    assert!(
        matches!(&whole.proxy, ProxySetting::Url(url) if url.to_string() == "http://proxy:3128")
    );
    assert!(whole.proxy_resolves);
    assert_eq!(
        whole.ca_file.as_deref(),
        Some(Path::new("/etc/zoetrope/ca.pem"))
    );
}

#[test]
fn invalid_network_table_is_refused_and_its_proxy_is_not_quoted() {
    for (lines, expected) in [
        (
            "proxy = \"socks5://user:hunter2@proxy\"",
            "SOCKS proxies are not supported; use an http or https proxy",
        ),
        (
            "proxy = \"ftp://hunter2\"",
            "a proxy's URL begins with http:// or https://",
        ),
        (
            "proxy = { url = \"hunter2\" }",
            "invalid type: map, expected a string",
        ),
        ("proxy = 3128", "invalid type: integer, expected a string"),
        (
            "proxies = \"http://hunter2@proxy\"",
            "unknown field, expected one of `proxy`, `proxy_resolves`, `ca_file`",
        ),
        (
            "proxy_resolves = \"hunter2\"",
            "invalid type: string, expected a boolean",
        ),
    ] {
        assert_eq!(network(lines), Err(expected.into()), "{lines}");
    }
}
