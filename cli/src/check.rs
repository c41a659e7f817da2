//! `zoetrope check`.

use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_host::component::CallContext;
use zoetrope_host::contract::{CheckOptions, NodeType};
use zoetrope_host::jobs::{JobsError, check_context};
use zoetrope_host::media::Picture;
use zoetrope_host::sanitize::escaped_json;

use super::args::{Check, Profile};
use super::context::Context;
use super::notes::Note;
use super::report::{Failure, Phase, next_step, of_jobs, plan};
use super::{input, jsonl, picture_notes};

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let printer = context.printer();
        let node = context.node_type(&self.node).await?;
        let connection = self.connection.as_deref();
        let (call, options) = offline(context, &node, connection, self.profile).await?;
        let connection = context.choice.get().map(String::as_str);
        let pack = context.pack().await?;
        if self.jsonl {
            let node = (node.name.as_str(), connection);
            return jsonl::check(pack, &call, node, options, &self.input, printer).await;
        }
        let check_again = |failure: Failure| {
            let next = next_step::check_again(&node.name, &self.input, &context.options());
            failure.then(next)
        };
        let mut text = input::read(&self.input).map_err(check_again)?;
        if let Some(path) = &self.image {
            let checked = pack.check(&call, &node.name, &text, options).await;
            let mut object = input::object(checked, &text).map_err(check_again)?;
            input::put_image(path, &node, &mut object)?;
            text = Value::Object(object).to_string();
        }
        let checked = pack.check(&call, &node.name, &text, options).await;
        let checked =
            checked.map_err(|error| check_again(Failure::of_call(error, Phase::Check)))?;
        let picture = self.image.as_deref().map(Picture::open).transpose();
        let picture =
            picture.map_err(|error| of_jobs(JobsError::Picture(error), &context.options()))?;
        let mut answer = plan::document(&node.name, connection, &checked);
        if !printer.json() {
            printer.documents(&format!("{:#}\n", answer["input"]))?;
            plan::show_notes(&checked, printer);
        }
        if let Some(picture) = &picture {
            let field = input::image_field(&node)?;
            for message in picture_notes::notes(picture) {
                context.note(&Note::of_field(field, message));
            }
            answer["picture"] = picture_document(field, picture);
            context.notes().put_into(&mut answer);
        }
        if printer.json() {
            printer.line(&answer)?;
        } else {
            plan::show_estimate(&checked, printer);
            if checked.request.is_some() {
                let request = format!("{:#}", answer["request"]);
                printer.message(&format!("request: {}", escaped_json(&request)));
            }
            if let Some(picture) = &picture {
                let (media_type, bytes) = (picture.media_type(), picture.byte_length());
                printer.message(&format!("picture: {media_type}, {bytes} bytes"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A picture that was checked.
fn picture_document(field: &str, picture: &Picture) -> Value {
    json!({
        "instance_path": field,
        "media_type": picture.media_type(),
        "bytes": picture.byte_length(),
        "sha256": picture.sha256().to_string(),
        "complete": picture.damage().is_none(),
    })
}

/// The context of a check without network access. A configured connection is part of it: some
/// rules depend on its options, and the request is shown for it.
pub(super) async fn offline(
    context: &Context,
    node: &NodeType,
    connection: Option<&str>,
    profile: Profile,
) -> Result<(CallContext, CheckOptions), Failure> {
    if connection.is_none() && context.configuration().is_unused().await {
        context.note_unused_config().await;
        return Ok(check_context(None, profile.into()));
    }
    let configured = context.configured(node, connection).await?;
    Ok(check_context(configured.as_ref(), profile.into()))
}
