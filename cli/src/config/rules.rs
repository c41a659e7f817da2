//! Rules between the options of a connection, checked as a run checks them: by the component, which
//! is asked for the request of a sample input.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use zoetrope_host::component::Pack;
use zoetrope_host::config::Config;
use zoetrope_host::contract::{MediaKind, NodeType, Profile};
use zoetrope_host::driver::check_connection;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::check_context;

use crate::report::{Failure, Phase};

/// The picture of the sample input. Nothing is sent to it.
const PICTURE: &str = "https://example.com/picture.png";

/// The texts of the sample input, where a node has such a field.
const TEXTS: [&str; 2] = ["prompt", "negative_prompt"];

/// The broken rules of connections, each with the connection's id. Credentials are not read.
pub(super) async fn broken(
    config: &Config,
    pack: &Pack,
    nodes: &[NodeType],
) -> BTreeSet<(String, String)> {
    let mut broken = BTreeSet::new();
    for connection in config.connections() {
        for node in nodes {
            let of_category = |category: &str| category == connection.category();
            let requirement = node.connection.as_ref();
            let Some(requirement) = requirement.filter(|found| of_category(&found.category)) else {
                continue;
            };
            let placement = pack.permissions().credential_placement(requirement);
            let id = connection.id().to_string();
            if let Err(error) = check_connection(connection, &placement) {
                broken.insert((id, error.message));
                continue;
            }
            let (context, options) = check_context(Some(connection), Profile::Strict);
            let checked = pack
                .check(&context, &node.name, &sample(node), options)
                .await;
            if let Err(error) = checked {
                let failure = Failure::of_call(error, Phase::Check);
                // Other errors are about the sample input.
                if failure.kind() == ErrorKind::ConnectionUnavailable {
                    broken.insert((id, failure.message().to_owned()));
                }
            }
        }
    }
    broken
}

/// An input that a node accepts.
fn sample(node: &NodeType) -> String {
    let schema: Value = serde_json::from_str(&node.input_schema).unwrap_or_default();
    let texts = TEXTS
        .into_iter()
        .filter(|name| schema["properties"].get(name).is_some());
    let mut input: Map<_, _> = texts
        .map(|name| (name.to_owned(), "sample".into()))
        .collect();
    let mut media = node.input_media.iter();
    let picture = media.find(|media| media.kind == MediaKind::Image);
    if let Some(name) = picture.and_then(|media| media.pointer.strip_prefix('/')) {
        input.insert(name.to_owned(), PICTURE.into());
    }
    Value::Object(input).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zoetrope_host::component::CallContext;
    use zoetrope_host::engine::{Engine, EngineSettings};

    use super::*;
    use crate::context::built_in_pack;

    #[tokio::test]
    async fn options_that_do_not_fit_together_are_found_and_others_are_not() {
        let text = r#"
            [connections.missing]
            category = "pixelml"
            base_url = "https://a.example"
            options = { wire = "agenticflow" }

            [connections.extra]
            category = "pixelml"
            base_url = "https://a.example"
            options = { wire = "agenticflow", workflow_id = "w", submit = { path = "/x" } }

            [connections.range]
            category = "popiart"
            base_url = "https://a.example"
            options = { shortest_clip_s = -1 }

            [connections.header]
            category = "shortapi"
            base_url = "https://a.example"
            options = { idempotency_header = "authorization" }

            [connections.fine]
            category = "shortapi"
            base_url = "https://a.example"

            [connections.fine_too]
            category = "pixelml"
            base_url = "https://a.example"
            options = { wire = "agenticflow", workflow_id = "w" }
        "#;
        let config = Config::parse(text, Path::new("z.toml")).expect("a configuration");
        let engine = Engine::new(EngineSettings::default()).expect("an engine");
        let pack = built_in_pack(&engine).map_err(|failure| failure.message().to_owned());
        let pack = pack.expect("the pack");
        let nodes = pack
            .node_types(&CallContext::offline())
            .await
            .expect("nodes");
        let found = broken(&config, &pack, &nodes).await;
        let ids: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["extra", "header", "missing", "range"], "{found:?}");
        let missing = found
            .iter()
            .find(|(id, _)| id == "missing")
            .expect("a rule");
        assert!(missing.1.contains("`options.workflow_id`"), "{missing:?}");
    }
}
