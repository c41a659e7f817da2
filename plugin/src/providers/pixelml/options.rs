//! The `options` of a PixelML connection, as described in
//! `schemas/connections/pixelml.json`.

use serde_json::{Map, Value};
use zoetrope_node_sdk::bindings::{Connection, NodeError};
use zoetrope_node_sdk::options::{Endpoint, Reader};

use crate::providers::status::Status;

/// The options as JSON Schema.
pub(super) const SCHEMA: &str = include_str!("../../../../schemas/connections/pixelml.json");

/// The default wire.
pub(super) const JOBS: &str = "jobs";

/// The other wire.
pub(super) const AGENTICFLOW: &str = "agenticflow";

/// The default pointers of both wires to the id of a new job and to the clip's URL.
const ID_POINTER: &str = "/id";
const VIDEO_POINTER: &str = "/output/video";

/// The wire that a connection's options select, with its settings.
#[derive(Debug)]
pub(super) enum Wire {
    Jobs(Box<Jobs>),
    AgenticFlow(AgenticFlow),
}

/// The settings of the wire `jobs`.
#[derive(Debug)]
pub(super) struct Jobs {
    pub(super) submit: Endpoint,
    pub(super) poll: Endpoint,
    pub(super) cancel: Option<Endpoint>,
    pub(super) files: Option<Endpoint>,
    action_pointer: String,
    input_pointer: String,
    actions: Map<String, Value>,
    pub(super) idempotency_header: String,
    pub(super) id_pointer: String,
    pub(super) id_header: String,
    pub(super) status_pointer: String,
    pub(super) status_words: StatusWords,
    pub(super) progress_pointer: String,
    pub(super) progress_full: f64,
    pub(super) message_pointer: String,
    pub(super) poll_after_ms_pointer: String,
    pub(super) video_pointer: String,
    pub(super) error_code_pointer: String,
    pub(super) error_message_pointer: String,
    pub(super) charged_pointer: String,
    pub(super) file_part: String,
    pub(super) file_url_pointer: String,
}

/// The settings of the wire `agenticflow`.
#[derive(Debug)]
pub(super) struct AgenticFlow {
    pub(super) workflow_id: String,
    pub(super) id_pointer: String,
    pub(super) id_header: String,
    pub(super) video_pointer: String,
}

/// The provider's names of each state.
#[derive(Debug)]
pub(super) struct StatusWords(Vec<(String, Status)>);

impl StatusWords {
    fn read(words: &mut Reader) -> Self {
        let states = [
            ("queued", Status::Queued),
            ("running", Status::Running),
            ("succeeded", Status::Succeeded),
            ("failed", Status::Failed),
            ("cancelled", Status::Cancelled),
        ];
        let mut meanings = Vec::new();
        for (state, status) in states {
            let names = words.words(state, state).into_iter();
            meanings.extend(names.map(|name| (name, status)));
        }
        Self(meanings)
    }

    pub(super) fn meaning(&self, word: &str) -> Option<Status> {
        Status::of(&self.0, word)
    }
}

impl Wire {
    /// The connection's options over the defaults.
    pub(super) fn read(connection: &Connection) -> Result<Self, NodeError> {
        let mut given = Reader::new(connection);
        let wire = match given.text("wire", JOBS).as_str() {
            AGENTICFLOW => Self::AgenticFlow(AgenticFlow::read(&mut given)),
            name => {
                if name != JOBS {
                    given.refuse("wire", "must be `jobs` or `agenticflow`");
                }
                Self::Jobs(Box::new(Jobs::read(&mut given)))
            }
        };
        // The host reads these two, and adds the credential.
        given.ignore("credential_header");
        given.ignore("credential_prefix");
        given.finish(connection)?;
        Ok(wire)
    }

    /// The wire's name in tickets.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Jobs(_) => JOBS,
            Self::AgenticFlow(_) => AGENTICFLOW,
        }
    }
}

impl AgenticFlow {
    fn read(given: &mut Reader) -> Self {
        let workflow_id = given.text("workflow_id", "");
        if workflow_id.is_empty() {
            given.refuse("workflow_id", "must name the workflow that is run");
        }
        Self {
            workflow_id,
            id_pointer: given.text("id_pointer", ID_POINTER),
            id_header: given.text("id_header", ""),
            video_pointer: given.text("video_pointer", VIDEO_POINTER),
        }
    }
}

impl Jobs {
    fn read(given: &mut Reader) -> Self {
        let mut words = given.nested("status_words");
        let jobs = Self {
            submit: given.endpoint("submit", "POST", "/v1/jobs"),
            poll: given.endpoint("poll", "GET", "/v1/jobs/{id}"),
            cancel: given.optional_endpoint("cancel", "POST", "/v1/jobs/{id}/cancel"),
            files: given.optional_endpoint("files", "POST", "/v1/files"),
            action_pointer: given.text("action_pointer", "/action"),
            input_pointer: given.text("input_pointer", "/input"),
            actions: given.object("actions"),
            idempotency_header: given.text("idempotency_header", "idempotency-key"),
            id_pointer: given.text("id_pointer", ID_POINTER),
            id_header: given.text("id_header", ""),
            status_pointer: given.text("status_pointer", "/status"),
            status_words: StatusWords::read(&mut words),
            progress_pointer: given.text("progress_pointer", "/progress"),
            progress_full: given.positive("progress_full", 1.0),
            message_pointer: given.text("message_pointer", "/message"),
            poll_after_ms_pointer: given.text("poll_after_ms_pointer", "/poll_after_ms"),
            video_pointer: given.text("video_pointer", VIDEO_POINTER),
            error_code_pointer: given.text("error_code_pointer", "/error/code"),
            error_message_pointer: given.text("error_message_pointer", "/error/message"),
            charged_pointer: given.text("charged_pointer", "/charged"),
            file_part: given.text("file_part", "file"),
            file_url_pointer: given.text("file_url_pointer", "/url"),
        };
        given.absorb(words);
        jobs
    }

    /// The submit's document: the action and the input at their pointers.
    pub(super) fn submit_body(
        &self,
        connection: &Connection,
        node: &str,
        input: &Map<String, Value>,
    ) -> Result<Value, NodeError> {
        let action = self
            .actions
            .get(node)
            .cloned()
            .unwrap_or_else(|| node.into());
        let mut body = Value::Object(Map::new());
        for (name, pointer, value) in [
            (
                "input_pointer",
                &self.input_pointer,
                Value::Object(input.clone()),
            ),
            ("action_pointer", &self.action_pointer, action),
        ] {
            place(&mut body, pointer, value).ok_or_else(|| {
                NodeError::connection_unavailable(format!(
                    "`options.{name}` of connection `{}`: nothing can be placed at `{pointer}`",
                    connection.id
                ))
            })?;
        }
        Ok(body)
    }
}

/// Sets the value at a JSON Pointer, and creates missing objects in its path; an empty pointer
/// is the document itself. `None` if the path holds a value that is not an object.
fn place(document: &mut Value, pointer: &str, value: Value) -> Option<()> {
    let mut place = document;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let parent = place.as_object_mut()?;
        place = parent
            .entry(token)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    *place = value;
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zoetrope_node_sdk::bindings::ErrorCause;

    use super::*;

    fn read(options: &Value) -> Result<Wire, String> {
        let connection = Connection {
            id: "desk".into(),
            base_url: "https://provider.example".into(),
            options: options.to_string(),
            headers: Vec::new(),
        };
        Wire::read(&connection).map_err(|error| match error.cause {
            ErrorCause::ConnectionUnavailable(why) => why,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn value_is_set_at_a_pointer() {
        let mut document = json!({});
        assert_eq!(place(&mut document, "", json!({"prompt": 1})), Some(()));
        assert_eq!(place(&mut document, "/meta/a~1b", json!(2)), Some(()));
        assert_eq!(document, json!({"prompt": 1, "meta": {"a/b": 2}}));
        assert_eq!(place(&mut document, "/prompt/x", json!(3)), None);
    }

    #[test]
    fn schema_names_every_option_and_its_default() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let mut defaults = Map::new();
        for (name, property) in properties {
            if let Some(default) = property.get("default") {
                defaults.insert(name.clone(), default.clone());
            }
            // Every property is read: another type is rejected, unless the host reads it.
            let wrong = read(&json!({ name: [[1]] }));
            assert_eq!(wrong.is_err(), !name.starts_with("credential_"), "{name}");
        }
        let from_schema = read(&Value::Object(defaults)).unwrap();
        assert_eq!(
            format!("{from_schema:?}"),
            format!("{:?}", read(&json!({})).unwrap())
        );
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn each_wire_has_the_options_that_the_schema_gives_it() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let of_both = [
            "wire",
            "id_pointer",
            "id_header",
            "video_pointer",
            "credential_header",
            "credential_prefix",
        ];
        for (name, property) in schema["properties"].as_object().unwrap() {
            let value = property.get("default").cloned().unwrap_or("w".into());
            let of_runs = name == "workflow_id";
            let of_both = of_both.contains(&name.as_str());
            for (mut options, expected) in [
                (json!({}), !of_runs),
                (json!({"wire": "jobs"}), !of_runs),
                (json!({"wire": "agenticflow"}), of_runs),
                (
                    json!({"wire": "agenticflow", "workflow_id": "w"}),
                    of_runs || of_both,
                ),
            ] {
                let given = options.as_object_mut().unwrap();
                given.entry(name).or_insert(value.clone());
                assert_eq!(read(&options).is_ok(), expected, "{options}");
                assert_eq!(validator.is_valid(&options), expected, "{options}");
            }
        }
    }

    #[test]
    fn cancel_and_files_can_be_disabled_with_false_or_null_only() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for name in ["cancel", "files"] {
            for (value, expected) in [
                (json!(null), true),
                (json!(false), true),
                (json!(true), false),
            ] {
                let options = json!({ name: value });
                assert_eq!(read(&options).is_ok(), expected, "{options}");
                assert_eq!(validator.is_valid(&options), expected, "{options}");
            }
        }
    }

    #[test]
    fn unknown_option_is_rejected_by_name() {
        for (options, problem) in [
            (json!([]), "`options` must be a JSON object"),
            (json!({"pol": {}}), "`options.pol` is not an option"),
            (
                json!({"poll": {"verb": 1}}),
                "`options.poll.verb` is not an option",
            ),
            (json!({"poll": null}), "`options.poll` must be an object"),
            (
                json!({"poll": {"path": "v1"}}),
                "`options.poll.path` must start with a slash",
            ),
            (
                json!({"progress_full": 0}),
                "`options.progress_full` must be a number above 0",
            ),
            (
                json!({"status_words": {"failed": ["a", 1]}}),
                "`options.status_words.failed` must be a list of words",
            ),
            (
                json!({"wire": "soap"}),
                "`options.wire` must be `jobs` or `agenticflow`",
            ),
            (
                json!({"wire": "agenticflow"}),
                "`options.workflow_id` must name the workflow that is run",
            ),
            (
                json!({"wire": "agenticflow", "workflow_id": "w", "poll": {}}),
                "`options.poll` is not an option",
            ),
            (
                json!({"workflow_id": "w"}),
                "`options.workflow_id` is not an option",
            ),
        ] {
            let expected = format!("{problem} (connection `desk`)");
            assert_eq!(read(&options).unwrap_err(), expected);
        }
    }
}
