//! `zoetrope config schema`.

use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_host::connections::unfit_header_pattern;

use crate::context::Context;
use crate::report::{Failure, Phase};

/// The schema of the file, without the options of providers.
const FILE: &str = include_str!("../../../schemas/configuration.json");

/// The schemas of the options, by the category of the connection.
const OPTIONS: [(&str, &str); 3] = [
    (
        "pixelml",
        include_str!("../../../schemas/connections/pixelml.json"),
    ),
    (
        "popiart",
        include_str!("../../../schemas/connections/popiart.json"),
    ),
    (
        "shortapi",
        include_str!("../../../schemas/connections/shortapi.json"),
    ),
];

pub(super) fn run(context: &Context) -> Result<ExitCode, Failure> {
    let schema = schema()
        .map_err(|error| Failure::internal(Phase::Setup, format!("the schema: {error}")))?;
    // Read by editors and by people, so it is not on one line.
    let text = format!("{schema:#}\n");
    context.printer().documents(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The schema of the file. The options of a connection follow its category. The names of headers that
/// carry no credential are those of the host.
fn schema() -> serde_json::Result<Value> {
    let mut schema: Value = serde_json::from_str(FILE)?;
    let mut cases = Vec::new();
    for (category, options) in OPTIONS {
        let mut options: Value = serde_json::from_str(options)?;
        if let Some(options) = options.as_object_mut() {
            // Of another draft; its keywords here have the same meaning in both.
            options.remove("$schema");
        }
        cases.push(json!({
            "if": { "properties": { "category": { "const": category } }, "required": ["category"] },
            "then": { "properties": { "options": options } },
        }));
    }
    schema["definitions"]["connection"]["allOf"] = cases.into();
    schema["definitions"]["header"]["not"] = json!({ "pattern": unfit_header_pattern() });
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jsonschema::Validator;
    use zoetrope_host::config::check;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../examples/zoetrope.toml");
    const NEW: &str = include_str!("init.toml");

    fn validator() -> Validator {
        jsonschema::validator_for(&schema().expect("JSON")).expect("a JSON Schema")
    }

    fn document(text: &str) -> Value {
        let table: toml::Table = text.parse().expect("TOML");
        serde_json::to_value(table).expect("JSON")
    }

    #[test]
    fn example_and_the_commented_settings_of_a_new_file_are_valid() {
        let uncommented: String = NEW
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        for text in [EXAMPLE, &uncommented] {
            let errors: Vec<_> = validator()
                .iter_errors(&document(text))
                .map(|error| error.to_string())
                .collect();
            assert_eq!(errors, Vec::<String>::new());
        }
    }

    #[test]
    fn unknown_keys_and_values_are_errors_of_the_schema_as_of_the_parser() {
        let connection = "category = 'pixelml'\nbase_url = 'https://a.example'";
        for text in [
            "conections = {}".to_owned(),
            format!("[connections.a]\n{connection}\nidempotency = true"),
            format!("[connections.a]\n{connection}\nrequests_per_second = 0"),
            format!("[connections.a]\n{connection}\ncredential = 'secret'"),
            format!("[connections.a]\n{connection}\ncredential = {{ env = 'A', file = 'b' }}"),
            "[connections.a]\ncategory = 'pixelml'".to_owned(),
            "[network]\nproxi = 'none'".to_owned(),
            "[hooks]\non_end = 'notify-send done'".to_owned(),
            format!("[connections.a]\n{connection}\ncredential = {{ command = 'pass' }}"),
            format!("[connections.a]\n{connection}\ncredential = {{ command = [''] }}"),
            format!("[connections.a]\n{connection}\ncredential = {{ keyring = '' }}"),
            format!("[connections.a]\n{connection}\nidempotency = 'soon'"),
            format!("[connections.a]\n{connection}\nidempotency = '0h'"),
            format!("[connections.a]\n{connection}\nmax_cost = '0 USD'"),
            format!(
                "[connections.a]\n{connection}\ncredential = {{ env = 'A', header = 'cookie' }}"
            ),
            format!(
                "[connections.a]\n{connection}\ncredential = {{ env = 'A', header = 'X_Forwarded-For' }}"
            ),
            format!("[connections.'a b']\n{connection}"),
            format!("[connections.'']\n{connection}"),
            format!("[connections.{}]\n{connection}", "a".repeat(65)),
            "[connections.a]\ncategory = 'pixelml'\nbase_url = 'https://u@a.example'".to_owned(),
            "[connections.a]\ncategory = 'pixelml'\nbase_url = 'https://a.example?b'".to_owned(),
            "[hooks]\non_end = ['']".to_owned(),
            format!(
                "[packs.{}]\nname = 'a'\nconnections = ['a b']",
                "0".repeat(64)
            ),
            format!(
                "[packs.{}]\nname = 'a'\nuploads = ['GET /a']",
                "0".repeat(64)
            ),
            format!(
                "[packs.{}]\nname = 'a'\nhosts = ['https://a.example']",
                "0".repeat(64)
            ),
            format!(
                "[packs.{}]\nlimits = {{ memory = 1 }}\nname = 'a'",
                "0".repeat(64)
            ),
        ] {
            assert!(!validator().is_valid(&document(&text)), "{text}");
            assert!(
                !check(&text, Path::new("zoetrope.toml")).is_empty(),
                "{text}"
            );
        }
        // The parser leaves options to the component; `config check` and the schema know them.
        let options = format!("[connections.a]\n{connection}\noptions = {{ wires = 'jobs' }}");
        assert!(!validator().is_valid(&document(&options)));
    }

    #[test]
    fn values_of_the_parser_are_valid() {
        let connection = "category = 'pixelml'\nbase_url = 'https://a.example:8443/v1'";
        let digest = "0".repeat(64);
        for text in [
            format!("[connections.a-B_1]\n{connection}\nidempotency = '1h 30min'"),
            format!("[connections.a]\n{connection}\nidempotency = '1.5days'"),
            format!("[connections.a]\n{connection}\nidempotency = false"),
            format!("[connections.a]\n{connection}\nmax_cost = '0.05 USD'"),
            format!("[connections.a]\n{connection}\ncredential = {{ command = ['pass', ''] }}"),
            format!(
                "[connections.a]\n{connection}\ncredential = {{ env = 'A', header = 'X-Api-Key' }}"
            ),
            format!("[connections.a]\n{connection}\ncredential = {{ keyring = 'my/entry' }}"),
            format!(
                "[packs.{digest}]\nname = 'a'\nconnections = ['a']\nuploads = ['POST /v1/files']\n\
                 cancels = ['DELETE /v1/jobs/*']\nhosts = ['GET https://*.a.example/b']\n\
                 credentials = {{ a = {{ header = 'authorization', prefix = 'Bearer ' }} }}"
            ),
        ] {
            assert!(validator().is_valid(&document(&text)), "{text}");
            let problems = check(&text, Path::new("zoetrope.toml"));
            assert!(problems.is_empty(), "{text}: {}", problems[0].message);
        }
    }

    /// The parser lists the keys of each table in its error about an unknown one.
    #[test]
    fn schema_has_the_keys_of_the_parser() {
        let connection = "category = 'a'\nbase_url = 'https://a.example'";
        let digest = "0".repeat(64);
        for (path, text) in [
            ("", "zzz = 1".to_owned()),
            ("/properties/hooks", "[hooks]\nzzz = 1".to_owned()),
            ("/properties/network", "[network]\nzzz = 1".to_owned()),
            (
                "/definitions/connection",
                format!("[connections.a]\n{connection}\nzzz = 1"),
            ),
            (
                "/definitions/credential",
                format!("[connections.a]\n{connection}\ncredential = {{ zzz = 1 }}"),
            ),
            (
                "/definitions/pack",
                format!("[packs.{digest}]\nname = 'a'\nzzz = 1"),
            ),
            (
                "/definitions/limits",
                format!("[packs.{digest}]\nname = 'a'\nlimits = {{ zzz = 1 }}"),
            ),
        ] {
            let problems = check(&text, Path::new("zoetrope.toml"));
            let mut messages = problems.iter().map(|problem| &problem.message);
            let keys = messages.find_map(|message| message.split_once("expected "));
            let (_, keys) = keys.expect("the keys");
            let mut keys: Vec<_> = keys
                .split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect();
            keys.sort_unstable();
            let schema = schema().expect("JSON");
            let table = schema.pointer(path).expect("the table");
            let properties = table["properties"].as_object().expect("properties");
            let mut known: Vec<_> = properties.keys().cloned().collect();
            known.sort_unstable();
            // The former name of `limits` is not listed.
            known.retain(|key| key != "ceilings");
            keys.retain(|key| key != "ceilings");
            assert_eq!(known, keys, "{path}");
        }
    }
}
