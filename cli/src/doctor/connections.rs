//! The configured connections: their categories, whether their credentials are present, and, if it
//! is requested, whether their origins can be reached.
//!
//! A credential is never read into a text. Of a file only the metadata is looked at, and a command
//! is not run.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use zoetrope_host::config::UnusedConnection;
use zoetrope_host::connections::{Connection, SecretSource};
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::sanitize::{escaped_path, sentence};

use super::check::Check;
use crate::context::Context;
use crate::report::missing_credential;

const NAME: &str = "connection";

/// What `--online` sent.
pub(super) async fn sent(context: &Context) -> String {
    let Ok(config) = context.config().await else {
        return "nothing".into();
    };
    let origins = config
        .connections()
        .map(|connection| connection.base_url().origin().to_string());
    sent_to(&origins.collect())
}

/// What is sent to these origins.
fn sent_to(origins: &BTreeSet<String>) -> String {
    let (plain, tls): (Vec<_>, Vec<_>) = origins
        .iter()
        .partition(|origin| origin.starts_with("http://"));
    let way = |how: &str, origins: &[&String]| {
        let origins: Vec<_> = origins.iter().map(|origin| origin.as_str()).collect();
        (!origins.is_empty()).then(|| format!("{how} to {}", origins.join(", ")))
    };
    let ways = [
        way("a TLS handshake", &tls),
        way("a TCP connection", &plain),
    ];
    let ways: Vec<_> = ways.into_iter().flatten().collect();
    if ways.is_empty() {
        return "nothing; no connection is configured".into();
    }
    format!(
        "{}; no request and no credential; it costs nothing",
        ways.join(", ")
    )
}

pub(super) async fn checks(context: &Context, online: bool) -> Vec<Check> {
    let Ok(config) = context.config().await else {
        // The check of the configuration says why.
        return Vec::new();
    };
    let unused = config.unused_connections(&context.categories(config));
    let mut checks = Vec::new();
    for connection in config.connections() {
        let unused = unused.iter().find(|unused| unused.id == *connection.id());
        let mut check = of(connection, unused, &context.options());
        if online {
            check = reached(check, connection, context).await;
        }
        checks.push(check);
    }
    checks
}

fn of(connection: &Arc<Connection>, unused: Option<&UnusedConnection>, options: &str) -> Check {
    let (id, category) = (connection.id(), sentence(connection.category()));
    let origin = connection.base_url().origin();
    let found = connection
        .credential()
        .map(|credential| found(&credential.source));
    let credential = match &found {
        None => "no credential".to_owned(),
        Some((source, is_there)) => {
            let state = presence(*is_there).replace('_', " ");
            format!("credential in {source}: {state}")
        }
    };
    let is_there = found.as_ref().map(|(_, is_there)| *is_there);
    let text = format!("`{id}`: category {category}, {origin}, {credential}");
    let again = format!("then run: zoetrope doctor{options}");
    let problem =
        |text, next| Check::problem_of(ErrorKind::ConnectionUnavailable, NAME, text, next);
    let check = match (unused, is_there) {
        (Some(UnusedConnection { did_you_mean, .. }), _) => {
            let near = did_you_mean.as_deref();
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let text =
                format!("{text}; no built-in node and no allowed pack uses its category{near}");
            problem(text, format!("Correct its category, {again}"))
        }
        (None, Some(Some(false))) => {
            let repair = missing_credential(connection);
            let repair =
                repair.unwrap_or_else(|| format!("Set the credential of connection `{id}`"));
            problem(text, format!("{repair}, {again}"))
        }
        _ => Check::ok(NAME, text),
    };
    check
        .with("id", id.as_str())
        .with("category", connection.category())
        .with("category_is_known", unused.is_none())
        .with("origin", origin.to_string())
        .with("credential", is_there.map(presence))
}

/// Where a credential is, in words, and whether it is there; `None` if only its use would tell.
fn found(source: &SecretSource) -> (String, Option<bool>) {
    match source {
        SecretSource::Env(name) => (format!("variable {name}"), Some(is_set(name))),
        SecretSource::File(path) => (
            format!("file `{}`", escaped_path(path)),
            Some(has_text(path)),
        ),
        SecretSource::Program(program) => {
            let name = program.command().shown_program();
            (format!("output of `{name}`"), None)
        }
        SecretSource::Keyring(name) => (format!("keyring, as `{}`", sentence(name)), None),
    }
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn has_text(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
}

/// The state of a credential as text and JSON.
fn presence(is_there: Option<bool>) -> &'static str {
    match is_there {
        Some(true) => "present",
        Some(false) => "missing",
        None => "not_checked",
    }
}

/// The check of a connection, with the result of `--online`.
async fn reached(check: Check, connection: &Connection, context: &Context) -> Check {
    // The check of the network says why there is none.
    let Ok(egress) = context.egress().await else {
        return check.with("reached", false);
    };
    let origin = connection.base_url().origin();
    match egress.reach(origin).await {
        Ok(()) => check.and("reached").with("reached", true),
        // The first problem is the one to solve first.
        Err(error) if check.problem().is_some() => {
            let statement = format!("not reached: {}", chain(&error));
            check.and(&statement).with("reached", false)
        }
        Err(error) => {
            let id = connection.id();
            let text = format!("`{id}`: {origin} was not reached: {}", chain(&error));
            let next = format!(
                "Check the network and `base_url`, then run: zoetrope doctor --online{}",
                context.options()
            );
            check
                .turned(ErrorKind::Unavailable, text, next)
                .with("reached", false)
        }
    }
}

#[cfg(test)]
mod tests {
    use zoetrope_host::config::Config;

    use super::*;

    #[test]
    fn what_was_sent_is_said_by_fact() {
        let of = |origins: &[&str]| sent_to(&origins.iter().map(ToString::to_string).collect());
        assert_eq!(of(&[]), "nothing; no connection is configured");
        assert_eq!(
            of(&["https://a.example", "http://127.0.0.1:1"]),
            "a TLS handshake to https://a.example, a TCP connection to http://127.0.0.1:1; \
             no request and no credential; it costs nothing"
        );
    }

    use crate::doctor::home::Home;

    #[test]
    fn connection_has_its_category_origin_and_whether_the_credential_is_there_but_not_its_value() {
        let folder = tempfile::tempdir().expect("folder");
        fs::write(folder.path().join("key"), "sk-hunter2").expect("write");
        let table = |id: &str, category: &str, credential: &str| {
            format!(
                "[connections.{id}]\ncategory = \"{category}\"\nbase_url = \"https://a.example/v1\"\n{credential}\n"
            )
        };
        let text = [
            table("file", "pixelml", "credential = { file = \"key\" }"),
            table("gone", "pixelml", "credential = { file = \"other\" }"),
            table(
                "variable",
                "pixelml",
                "credential = { env = \"ZOETROPE_TEST_NOT_SET\" }",
            ),
            table("without", "PixelML", ""),
        ]
        .concat();
        let config = Config::parse(&text, &folder.path().join("z.toml")).expect("a configuration");
        let unused = config.unused_connections(&["pixelml".to_owned()].into());
        let documents = config.connections().map(|connection| {
            let unused = unused.iter().find(|unused| unused.id == *connection.id());
            of(connection, unused, "").document(&Home::none())
        });
        let documents: Vec<_> = documents.collect();
        let all = serde_json::Value::from(documents.clone()).to_string();
        assert!(!all.contains("hunter2") && !all.contains("/v1"), "{all}");
        let found: Vec<_> = documents
            .iter()
            .map(|found| (found["state"].as_str(), found["credential"].as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (Some("ok"), Some("present")),
                (Some("problem"), Some("missing")),
                (Some("problem"), Some("missing")),
                (Some("problem"), None),
            ]
        );
        assert_eq!(documents[3]["category_is_known"], false);
        assert!(
            documents[3]["text"]
                .as_str()
                .is_some_and(|text| text.contains("did you mean `pixelml`?"))
        );
    }
}
