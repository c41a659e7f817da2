//! A mode of the hostile pack, as data.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::provider::Script;
use crate::support::root;

/// A mode: the pack, the replies, the commands and what they may achieve.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Mode {
    /// Fields of the manifest beside name, version and connection.
    pub(super) manifest: Map<String, Value>,
    /// The instruction of `node-types`.
    pub(super) listing: Option<Value>,
    /// Whether `packs allow` may refuse the component.
    pub(super) allow_may_fail: bool,
    /// Further lines of the connection.
    pub(super) connection: String,
    /// The replies of the provider, and of a server at another port.
    pub(super) replies: Script,
    pub(super) cdn: Script,
    /// The instructions.
    pub(super) input: Value,
    /// The instructions of `plan-upload`: the names of pictures.
    pub(super) pictures: Vec<Value>,
    /// The picture of each field, by its place in `pictures`.
    pub(super) fields: Vec<usize>,
    /// The deadline of each command.
    pub(super) deadline: String,
    pub(super) commands: Vec<String>,
    /// Whether the provider charges two submits with one key once.
    pub(super) honours: bool,
    /// The most submits that are charged.
    pub(super) charged_at_most: usize,
    /// The most submits that are sent; absent: what the replies permit.
    pub(super) sends_at_most: Option<usize>,
    /// Granted routes of uploads and cancellations, and the most requests on each.
    pub(super) routes: BTreeMap<String, usize>,
    /// The number of requests of other kinds.
    pub(super) arrives: BTreeMap<String, usize>,
    /// The state of the row, after each command; absent: any that is honest.
    pub(super) states: Option<Vec<String>>,
    /// The id of the accepted job, which the row must keep.
    pub(super) provider_job_id: Option<String>,
    /// A header of the pack with the value `evil.example`, which must not arrive.
    pub(super) header_absent: Option<String>,
    /// Whether `neighbour` runs a job of another pack on the connection.
    pub(super) neighbour: bool,
}

/// Reads a mode.
pub(super) fn of(value: &Value) -> Mode {
    let mut complete = json!({
        "deadline": "10s",
        "commands": ["run", "resume", "resume"],
        "charged_at_most": 1,
    });
    let fields = value.as_object().expect("a mode");
    for (name, value) in fields {
        complete[name] = value.clone();
    }
    serde_json::from_value(complete).unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// The names of the files of modes.
pub(super) fn files() -> Vec<String> {
    let folder = fs::read_dir(root().join("tests/hostile_pack/modes")).expect("the modes");
    let names = folder.flatten().map(|file| file.file_name());
    names
        .map(|name| {
            let name = name.into_string().expect("a name");
            let stem = name.strip_suffix(".json");
            stem.expect("a file of modes").to_owned()
        })
        .collect()
}

/// The modes of a file by name. `each` of a mode has the values of its variables: there is a mode
/// for each combination.
pub(super) fn of_file(file: &str) -> Vec<(String, Mode)> {
    let path = root().join(format!("tests/hostile_pack/modes/{file}.json"));
    let text = fs::read_to_string(&path).expect("a file of modes");
    let modes: Map<String, Value> = serde_json::from_str(&text).expect("modes");
    let mut all = Vec::new();
    for (name, mut mode) in modes {
        let fields = mode.as_object_mut().expect("a mode");
        let each = fields.remove("each").unwrap_or_else(|| json!({}));
        let mut combined = vec![(name, mode)];
        for (variable, values) in each.as_object().expect("variables") {
            let values = values.as_object().expect("values by name");
            let further = |(name, mode): &(String, Value)| {
                let one = |(value, by): (&String, &Value)| {
                    (format!("{name}/{value}"), replaced(mode, variable, by))
                };
                values.iter().map(one).collect::<Vec<_>>()
            };
            combined = combined.iter().flat_map(further).collect();
        }
        all.extend(combined);
    }
    all.into_iter()
        .map(|(name, mode)| (name, of(&mode)))
        .collect()
}

/// A document with each text `variable` replaced by a value.
fn replaced(document: &Value, variable: &str, by: &Value) -> Value {
    let each = |value: &Value| replaced(value, variable, by);
    match document {
        Value::String(text) if text == variable => by.clone(),
        Value::Array(values) => values.iter().map(each).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), each(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}
