//! `zoetrope check`.

mod page;

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use zoetrope_host::contract::NodeType;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::JobsError;
use zoetrope_host::media::Picture;

use super::args::{Check, InputSource};
use super::context::Context;
use super::fields::explain::explained;
use super::fields::missing;
use super::fields::settings;
use super::notes::Note;
use super::preview::{Provider, Requests};
use super::report::{Failure, Phase, next_step, of_jobs, plan};
use super::{input, jsonl, picture_notes};

impl Check {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let node = context.node_type(&self.node).await?;
        if self.source.is_empty() {
            let next = next_step::show_node(&node.name, &context.options());
            let message = "a check needs an input: --input, --set or --image";
            return Err(Failure::usage(message).then(next));
        }
        settings::refuse_twice(&self.source, &node)?;
        settings::refuse_wrong(&self.source.settings, &node)?;
        let wanted = self.source.connection.as_deref();
        let provider = Provider::of(context, &node, wanted).await?;
        let picture = self.picture(context, &node)?;
        let requests = Requests::new(context, node, provider, picture, self.source.profile).await?;
        match self.source.input.clone() {
            Some(input) if self.jsonl => {
                let wanted = self.source.connection.as_deref();
                Provider::say(context, &requests.node, wanted).await?;
                jsonl::check(requests, self.source, &input, context.printer()).await
            }
            _ => self.one(context, &requests).await,
        }
    }

    /// Checks one input.
    async fn one(&self, context: &Context, requests: &Requests) -> Result<ExitCode, Failure> {
        let (printer, node) = (context.printer(), &requests.node);
        let check_again = |failure: Failure| match &self.source.input {
            Some(source) => failure.then(next_step::check_again(
                &node.name,
                source,
                &context.options(),
            )),
            None => failure.then(format!(
                "Correct the input, then check again. List the fields: {}",
                next_step::show_node(&node.name, &context.options())
            )),
        };
        let text = self.source.input.as_ref().map(input::read).transpose();
        // A file that cannot be read has a next step of its own.
        let text = text.map_err(|failure| match failure.kind() {
            ErrorKind::Usage => failure,
            _ => check_again(failure),
        })?;
        if let (Some(text), Some(InputSource::File(_))) = (&text, &self.source.input)
            && input::has_several_documents(text)
        {
            let next = "Check each line of the file: run again with --jsonl";
            return Err(input::several_documents().then(next.into()));
        }
        let call = (&requests.call, requests.options);
        let global = context.options();
        let text = input::completed(&self.source, text, node, &requests.pack, call, &global);
        let text = text.await?;
        let checked = requests
            .pack
            .check(&requests.call, &node.name, &text, requests.options);
        let checked = checked.await.map_err(|error| {
            let failure = Failure::of_call(error, Phase::Check);
            let failure = failure.map_violations(|violations| explained(node, &text, violations));
            match missing::options(node, failure.violations()) {
                Some(add) => failure.then(format!(
                    "Add {add} and check again. List the fields: {}",
                    next_step::show_node(&node.name, &context.options())
                )),
                None => check_again(failure),
            }
        })?;
        Provider::say(context, node, self.source.connection.as_deref()).await?;
        let mut answer = requests.answer(&checked).await?;
        plan::show_notes(&checked, printer);
        if let Some(picture) = &requests.picture {
            let field = input::image_field(node)?;
            for message in picture_notes::notes(picture) {
                context.note(&Note::of_field(field, message));
            }
            answer.document["picture"] = picture_document(field, picture);
        }
        if printer.json() {
            context.notes().put_into(&mut answer.document);
            printer.line(&answer.document)?;
        } else {
            printer.text(&page::page(&answer, requests, &checked))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The picture of `--image`.
    fn picture(&self, context: &Context, node: &NodeType) -> Result<Option<Picture>, Failure> {
        let Some(path) = &self.source.image else {
            return Ok(None);
        };
        let field = input::image_field(node)?;
        let picture = Picture::open(path);
        let picture =
            picture.map_err(|error| of_jobs(JobsError::Picture(error), &context.options()))?;
        let refused = picture_notes::refused(field, &picture);
        match refused.filter(|_| self.source.strict) {
            Some(failure) => Err(failure),
            None => Ok(Some(picture)),
        }
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
