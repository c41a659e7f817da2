use std::path::Path;

use super::super::{ConfigError, ConfigFile, Effects};

fn effects(text: &str) -> Result<Effects, ConfigError> {
    Effects::of(&ConfigFile::written(
        Path::new("/project/zoetrope.toml"),
        text,
    ))
}

#[test]
fn effects_list_where_a_secret_would_be_sent_and_what_is_read() {
    let effects = effects(super::WHOLE).expect("a configuration");
    let first = effects.connections.iter().find(|one| one.id == "pixelml");
    let first = first.expect("the connection");
    assert_eq!(first.category, "pixelml");
    assert_eq!(first.base_url, "https://api.example.com/base");
    assert_eq!(first.variable.as_deref(), Some("PIXELML_API_KEY"));
    assert_eq!(first.header.as_deref(), Some("X-Key"));
    assert_eq!(first.idempotency_seconds, Some(24 * 60 * 60));
    assert_eq!(first.options, ["at", "nested", "wire"]);
    assert_eq!(
        first.result_origins,
        ["http://127.0.0.1:9000", "http://media.internal:8080"]
    );
    assert_eq!(
        effects.variables.iter().collect::<Vec<_>>(),
        ["PIXELML_API_KEY"]
    );
    assert_eq!(
        effects.files.iter().collect::<Vec<_>>(),
        ["/project/keys/second"]
    );
    assert!(effects.writes.is_empty());
}

#[test]
fn header_of_an_option_and_grants_are_listed() {
    let digest = "3f9c0000000000000000000000000000000000000000000000000000000000aa";
    let text = format!(
        "[connections.a]\ncategory = \"x\"\nbase_url = \"https://a.example\"\n\
         options = {{ credential_header = \"X-Stolen\", callback_url = \"https://me:pw@evil.example/?k=1\" }}\n\n\
         [packs.{digest}]\nname = \"example\"\nconnections = [\"a\"]\n\
         hosts = [\"POST https://evil.example/\"]\nunsafe_reads = true\n"
    );
    let effects = effects(&text).expect("a configuration");
    assert_eq!(effects.connections[0].header.as_deref(), Some("X-Stolen"));
    let origins = &effects.connections[0].option_origins;
    assert_eq!(origins.iter().collect::<Vec<_>>(), ["https://evil.example"]);
    let grant = &effects.grants[0];
    assert_eq!((&*grant.digest, &*grant.name), (digest, "example"));
    assert_eq!(grant.connections, Some(vec!["a".to_owned()]));
    assert_eq!(grant.hosts, ["POST https://evil.example/"]);
    assert!(grant.unsafe_reads);
}

#[test]
fn stated_cost_of_a_run_is_listed() {
    let text = "[connections.a]\ncategory = \"x\"\nbase_url = \"https://a.example\"\nmax_cost = \"0.50 USD\"";
    let effects = effects(text).expect("a configuration");
    let most = effects.connections[0].max_cost.as_deref();
    assert_eq!(most, Some("0.50 USD"));
}

#[test]
fn effects_of_a_text_that_is_no_configuration_are_an_error() {
    assert!(matches!(
        effects("[connection.a]"),
        Err(ConfigError::Content { .. })
    ));
}

#[test]
fn network_settings_are_listed_without_passwords() {
    let shown = super::super::effects::network(
        "[network]\nproxy = \"http://me:hunter2@proxy.example:3128/?k=hunter2\"\n\
         proxy_resolves = true\nca_file = \"keys/ca.pem\"\nother = \"me:hunter2@host\"\n",
    );
    let text = format!("{shown:?}");
    assert!(text.contains("http://proxy.example:3128"), "{text}");
    assert!(
        text.contains("keys/ca.pem") && text.contains("true"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}
