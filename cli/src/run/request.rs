//! The input of a run: the input document, `--set` and `--image`.

use std::path::Path;

use serde_json::{Map, Value};
use zoetrope_host::component::CallError;
use zoetrope_host::contract::{MediaKind, NodeType, Plan};
use zoetrope_host::jobs::{CheckRequest, Checked, check_context};
use zoetrope_host::media::file_url;

use crate::args::Run;
use crate::context::Context;
use crate::report::{Failure, Phase, next_step, of_jobs, plan};
use crate::{input, picture_notes};

/// Reads and checks the input of a single run.
pub(super) async fn read(run: &Run, context: &Context) -> Result<Checked, Failure> {
    let node = context.node_type(&run.node).await?;
    if run.source.input.is_none() && run.source.settings.is_empty() && run.image.is_none() {
        let next = next_step::show_node(&node.name, &context.options());
        let message = "a run needs an input: --input, --set or --image";
        return Err(Failure::usage(message).then(next));
    }
    let text = run.source.input.as_ref().map(input::read).transpose()?;
    let checked = check(run, context, &node, text).await?;
    plan::show_notes(checked.plan(), context.printer());
    for (field, picture) in checked.pictures() {
        for note in picture_notes::notes(picture) {
            context.printer().message(&format!("note: {field} {note}"));
        }
    }
    Ok(checked)
}

/// Checks an input document, after the fields of `--set` and `--image` are put into it.
pub(super) async fn check(
    run: &Run,
    context: &Context,
    node: &NodeType,
    text: Option<String>,
) -> Result<Checked, Failure> {
    let pack = context.pack().await?;
    let profile = run.source.profile.into();
    let configured = context.configured(node, run.connection.as_deref()).await?;
    let text = match text {
        Some(text) if run.source.settings.is_empty() && run.image.is_none() => text,
        text => {
            let mut object = match text {
                Some(text) => {
                    let (context, options) = check_context(configured.as_ref(), profile);
                    object(
                        pack.check(&context, &node.name, &text, options).await,
                        &text,
                    )?
                }
                None => Map::new(),
            };
            input::apply(&run.source.settings, node, &mut object)?;
            if let Some(path) = &run.image {
                put_image(path, node, &mut object)?;
            }
            Value::Object(object).to_string()
        }
    };
    let request = CheckRequest {
        node,
        input: &text,
        profile,
        connection: configured.as_ref(),
    };
    let checked = Checked::check(pack, &request).await;
    checked.map_err(|error| of_jobs(error, &context.options()))
}

/// Parses a document to put fields into. The component has checked its text: the parser here
/// accepts a duplicate key and keeps its last value.
fn object(checked: Result<Plan, CallError>, text: &str) -> Result<Map<String, Value>, Failure> {
    match (checked, zoetrope_host::json::parse(text)) {
        (Err(error), _) if is_about_text(&error) => Err(Failure::of_call(error, Phase::Check)),
        (_, Ok(Value::Object(object))) => Ok(object),
        (Err(error), _) => Err(Failure::of_call(error, Phase::Check)),
        (Ok(_), _) => {
            let message = "--set and --image need an input that is a JSON object";
            Err(Failure::usage(message))
        }
    }
}

/// Puts the `file:` URL of a picture into the first picture field.
fn put_image(path: &Path, node: &NodeType, object: &mut Map<String, Value>) -> Result<(), Failure> {
    let mut media = node.input_media.iter();
    let media = media
        .find(|media| media.kind == MediaKind::Image)
        .ok_or_else(|| Failure::usage(format!("the node `{}` has no picture field", node.name)))?;
    let name = media.pointer.trim_start_matches('/');
    object.insert(name.to_owned(), file_url::of(path).into());
    Ok(())
}

fn is_about_text(error: &CallError) -> bool {
    matches!(error, CallError::Node(error) if error.cause.violations().iter().any(|found| found.keyword == "json"))
}
