//! From an input to the provider's acceptance. Whatever can be wrong is found before the
//! first byte is sent.

use serde_json::{Map, Value};
use uuid::Uuid;
use zoetrope_host::call::{CallContext, CallError};
use zoetrope_host::contract::{Charge, CheckOptions, MediaKind, NodeType, Profile, Started};
use zoetrope_host::media::{MediaError, Picture, hand_over};
use zoetrope_host::pack::Pack;

use super::{Accepted, Begun, Run};
use crate::cli::failure::{Failure, Phase, with_causes};
use crate::cli::input;
use crate::cli::interrupts::Interrupts;
use crate::cli::setup::{Setup, quoted_text};
use crate::cli::{output, wait};

impl Run {
    /// Everything up to the provider's acceptance. Whatever can be wrong is found before
    /// the first byte is sent, and the picture is sent before the submit.
    pub(super) async fn submit(
        &self,
        setup: &Setup,
        pack: &Pack,
        node: &NodeType,
    ) -> Result<Accepted, Failure> {
        let picture = self
            .image
            .as_deref()
            .map(Picture::open)
            .transpose()
            .map_err(of_media)?;
        let (text, field) = self.compose(setup, pack, node, picture.as_ref()).await?;
        let strict = CheckOptions {
            profile: Profile::Strict,
            preview_request: false,
        };
        let checked = pack
            .check(&CallContext::offline(), &node.name, &text, strict)
            .await;
        let plan = checked.map_err(|error| {
            let next = format!(
                "zoetrope nodes {}{}",
                quoted_text(&node.name),
                setup.options()
            );
            Failure::of_call(error, Phase::Check)
                .then(format!("correct the input; its fields: {next}"))
        })?;
        output::show_notes(&plan);
        self.check_target(self.out.as_deref(), setup)?;
        self.check_ticket(node, setup)?;
        let context = setup.connect(node, self.connection.as_deref()).await?;
        let key = self
            .key
            .clone()
            .unwrap_or_else(|| Uuid::now_v7().to_string());
        let mut job = self.job(pack, &context, node, Some(key.clone()))?;
        let ticket_file = self.ticket_file(&job.id, setup)?;

        let mut input: Value = serde_json::from_str(&plan.input).map_err(|error| {
            Failure::internal(Phase::Check, format!("the plan is not JSON: {error}"))
        })?;
        if let (Some(picture), Some(field)) = (&picture, field) {
            let value = hand_over(pack, &context, &node.name, &field, picture).await;
            let value = value.map_err(of_media)?;
            if let Some(place) = input.pointer_mut(&field) {
                *place = value;
            }
        }
        let input = input.to_string();
        let start = async {
            let report = pack.start(&context, &node.name, &input, &key).await;
            report.judged()
        };
        let mut interrupts = Interrupts::listen();
        let (started, interrupted) = uninterrupted(start, &mut interrupts).await;
        let started = started.map_err(|error| self.of_start(error, setup, &context, &key))?;
        let begun = match started {
            Started::Accepted(acceptance) => {
                job.set_ticket(&acceptance.ticket);
                job.provider_job_id = Some(acceptance.provider_job_id);
                Begun::Waiting {
                    hint: wait::hint(acceptance.poll_after_ms),
                }
            }
            Started::Finished(completion) => {
                job.set_ticket(&completion.ticket);
                job.provider_job_id = completion.provider_job_id;
                Begun::Finished(completion.success)
            }
        };
        Ok(Accepted {
            job,
            ticket_file,
            context,
            begun,
            interrupts,
            interrupted,
        })
    }

    /// The input with `--set` and, in place of the picture, its `file:` URL, which is
    /// replaced once everything else is known to be right.
    async fn compose(
        &self,
        setup: &Setup,
        pack: &Pack,
        node: &NodeType,
        picture: Option<&Picture>,
    ) -> Result<(String, Option<String>), Failure> {
        if self.source.input.is_none() && self.source.settings.is_empty() && picture.is_none() {
            return Err(
                Failure::usage("a run needs an input: --input, --set or --image").then(format!(
                    "zoetrope nodes {}{}",
                    quoted_text(&node.name),
                    setup.options()
                )),
            );
        }
        let mut input = Map::new();
        if let Some(path) = &self.source.input {
            let text = input::read(path)?;
            if self.source.settings.is_empty() && picture.is_none() {
                return Ok((text, None));
            }
            // The component refuses what is no one document; here the last of two equal
            // keys would win.
            let strict = CheckOptions {
                profile: Profile::Strict,
                preview_request: false,
            };
            let checked = pack
                .check(&CallContext::offline(), &node.name, &text, strict)
                .await;
            match (checked, serde_json::from_str(&text)) {
                (Err(error), _) if is_about_text(&error) => {
                    return Err(Failure::of_call(error, Phase::Check));
                }
                (_, Ok(Value::Object(object))) => input = object,
                (Err(error), _) => return Err(Failure::of_call(error, Phase::Check)),
                (Ok(_), _) => {
                    return Err(Failure::usage(
                        "--set and --image need an input that is an object",
                    ));
                }
            }
        }
        input::apply(&self.source.settings, node, &mut input)?;
        let mut field = None;
        if let Some(picture) = picture {
            let media = node
                .input_media
                .iter()
                .find(|media| media.kind == MediaKind::Image);
            let media =
                media.ok_or_else(|| Failure::usage(format!("`{}` takes no picture", node.name)))?;
            let name = media.pointer.trim_start_matches('/');
            input.insert(
                name.to_owned(),
                format!("file:{}", picture.file_name()).into(),
            );
            field = Some(media.pointer.clone());
        }
        Ok((Value::Object(input).to_string(), field))
    }

    /// A submit that was not accepted, as far as anybody knows.
    fn of_start(
        &self,
        error: CallError,
        setup: &Setup,
        context: &CallContext,
        key: &str,
    ) -> Failure {
        let honoured = context
            .connection()
            .and_then(|open| open.connection().idempotency());
        // A component that was stopped after something left is an unknown outcome by now.
        let nothing_left = matches!(error, CallError::Trap(_) | CallError::Host(_));
        let mut failure = Failure::of_call(error, Phase::Submit);
        if nothing_left {
            failure = failure.charged(Charge::No);
        }
        let mut facts = Map::new();
        facts.insert("key".into(), key.into());
        let node = quoted_text(&self.node);
        let options = setup.options();
        let next = match (failure.kind(), honoured) {
            ("outcome_unknown", Some(window)) => format!(
                "the same command with --key {} finds the job or starts it, and cannot cost twice within {}",
                quoted_text(key),
                humantime::format_duration(window)
            ),
            ("outcome_unknown", None) => format!(
                "look for the job at the provider (idempotency key {key}), then: zoetrope run {node} --adopt ID{options}"
            ),
            ("unauthorized" | "connection_unavailable" | "denied", _) => {
                "correct the connection, and the same command again".into()
            }
            ("invalid_input" | "unsupported", _) => format!("zoetrope nodes {node}{options}"),
            _ => "the same command again: this one cost nothing".into(),
        };
        failure.then(next).of_job(facts)
    }
}

fn is_about_text(error: &CallError) -> bool {
    matches!(error, CallError::Node(error) if error.cause.violations().iter().any(|found| found.keyword == "json"))
}

/// Lets a submit that is on its way come to its end, since a second one might cost
/// again; and whether somebody wanted it to stop.
async fn uninterrupted<T>(
    submit: impl Future<Output = T>,
    interrupts: &mut Interrupts,
) -> (T, bool) {
    let mut submit = std::pin::pin!(submit);
    tokio::select! {
        done = &mut submit => return (done, false),
        () = interrupts.next() => {
            eprintln!("Interrupted: waiting for the provider's answer to the submit.");
        }
    }
    (submit.await, true)
}

fn of_media(error: MediaError) -> Failure {
    let kind = match error {
        MediaError::Call(error) => return Failure::of_call(error, Phase::Upload),
        MediaError::Read { .. } => "usage",
        MediaError::NotAPicture { .. } | MediaError::TooLong { .. } => "unsupported",
        MediaError::Upload(_) => "unavailable",
        _ => "internal",
    };
    Failure::new(kind, Phase::Upload, with_causes(&error))
        .then("the same command again: nothing was submitted".into())
}
