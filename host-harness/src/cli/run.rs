//! `zoetrope run`: from an input to a clip on the disk.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use uuid::Uuid;
use zoetrope_host::call::{CallContext, CallError};
use zoetrope_host::contract::{
    CheckOptions, MediaKind, NodeType, Profile, ResultMedia, Started, Success,
};
use zoetrope_host::download::{Download, DownloadError, Downloaded, LONGEST, check_target, download};
use zoetrope_host::egress::AddressRule;
use zoetrope_host::media::{MediaError, Picture, hand_over};
use zoetrope_host::pack::Pack;

use super::failure::{Failure, Phase, with_causes};
use super::input::{self, Source};
use super::progress::Progress;
use super::setup::{Setup, quoted, quoted_text};
use super::ticket_file::Job;
use super::{output, wait};

/// How often a download is begun before the run gives up; the job stays resumable.
const DOWNLOADS: u32 = 4;

/// Run a node: upload, submit, wait, download.
///
/// Without a configured connection the practice provider serves the run, on this machine.
#[derive(Args)]
pub(super) struct Run {
    /// Node type, as `zoetrope nodes` lists it
    node: String,
    #[command(flatten)]
    source: Source,
    /// Local picture for the node's picture field
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// Where the clip goes; else the data directory
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that is at --out
    #[arg(long)]
    force: bool,
    /// Connection to run over
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// How long to wait; the job goes on at the provider after that
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration)]
    deadline: Duration,
    /// Idempotency key: 1 to 255 visible ASCII characters; made up when absent
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<String>,
    /// Go on with the job of this ticket file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "settings", "image", "key", "connection"])]
    ticket: Option<PathBuf>,
    /// Go on with a job that the provider knows by this id
    #[arg(long, value_name = "PROVIDER_JOB_ID", conflicts_with_all = ["input", "settings", "image", "key", "ticket"])]
    adopt: Option<String>,
}

fn key(text: &str) -> Result<String, &'static str> {
    let legal = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if legal { Ok(text.to_owned()) } else { Err("expected 1 to 255 visible ASCII characters") }
}

/// What came of the submit.
enum Begun {
    Waiting { hint: Option<Duration> },
    Finished(Success),
}

impl Run {
    pub(super) async fn run(self, setup: &Setup) -> Result<ExitCode, Failure> {
        let node = setup.node_type(&self.node).await?;
        let pack = setup.pack().await?;
        let begun_at = Instant::now();
        let (mut job, context, begun) = if let Some(path) = &self.ticket {
            let job = self.of_ticket(path)?;
            self.check_target(job.out.as_deref(), setup)?;
            let context = setup.connect(&node, Some(&job.connection)).await?;
            (job, context, Begun::Waiting { hint: Some(Duration::ZERO) })
        } else if let Some(id) = &self.adopt {
            self.check_target(self.out.as_deref(), setup)?;
            let context = setup.connect(&node, self.connection.as_deref()).await?;
            let ticket = pack.adopt(&context, &node.name, id).await;
            let ticket = ticket.map_err(|error| Failure::of_call(error, Phase::Poll))?;
            let mut job = self.job(pack, &context, &node, None)?;
            job.provider_job_id = Some(id.clone());
            job.set_ticket(&ticket);
            (job, context, Begun::Waiting { hint: Some(Duration::ZERO) })
        } else {
            self.submit(setup, pack, &node).await?
        };
        let ticket_file = ticket_file(&job, setup)?;
        keep(&job, &ticket_file);

        let mut progress = Progress::new();
        let deadline = begun_at + self.deadline;
        let ended = tokio::select! {
            ended = self.finish(setup, pack, &node, context, &mut job, begun, deadline, &mut progress) => ended,
            () = interrupted() => Err(Failure::new("interrupted", Phase::Poll,
                "interrupted; the job goes on at the provider")),
        };
        progress.end();
        // Polling may have exchanged the ticket.
        keep(&job, &ticket_file);
        let (success, file) = ended.map_err(|failure| {
            let failure = failure.of_job(job.facts());
            match failure.kind() {
                "failed" | "cancelled" => failure.then("nothing: the provider has ended this job".into()),
                _ => failure.then(format!(
                    "zoetrope run {} --ticket {}{}",
                    quoted_text(&node.name), quoted(&ticket_file), setup.options()
                )),
            }
        })?;
        if setup.json() {
            output::line(&answer(&node, &job, &success, &file))?;
        } else {
            output::text(&format!("{}\n", file.path.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn of_ticket(&self, path: &Path) -> Result<Job, Failure> {
        let mut job = Job::read(path)?;
        if job.node != self.node {
            let message = format!("the ticket is of a run of `{}`, not of `{}`", job.node, self.node);
            return Err(Failure::new("bad_ticket", Phase::Setup, message)
                .then(format!("zoetrope run {} --ticket {}", quoted_text(&job.node), quoted(path))));
        }
        if let Some(out) = &self.out {
            job.out = Some(absolute(out)?);
        }
        Ok(job)
    }

    fn job(&self, pack: &Pack, context: &CallContext, node: &NodeType, key: Option<String>) -> Result<Job, Failure> {
        let connection = context.connection().map(|open| open.connection().id().to_string());
        Ok(Job {
            job: Uuid::now_v7().to_string(),
            node: node.name.clone(),
            connection: connection.unwrap_or_default(),
            component: pack.digest().to_string(),
            key,
            provider_job_id: None,
            ticket: Value::Null,
            out: self.out.as_deref().map(absolute).transpose()?,
        })
    }

    /// Everything up to the provider's acceptance. Whatever can be wrong is found before
    /// the first byte is sent, and the picture is sent before the submit.
    async fn submit(
        &self,
        setup: &Setup,
        pack: &Pack,
        node: &NodeType,
    ) -> Result<(Job, CallContext, Begun), Failure> {
        let picture = self.image.as_deref().map(Picture::open).transpose().map_err(of_media)?;
        let (text, field) = self.compose(setup, pack, node, picture.as_ref()).await?;
        let strict = CheckOptions { profile: Profile::Strict, preview_request: false };
        let checked = pack.check(&CallContext::offline(), &node.name, &text, strict).await;
        let plan = checked.map_err(|error| {
            let next = format!("zoetrope nodes {}{}", quoted_text(&node.name), setup.options());
            Failure::of_call(error, Phase::Check).then(format!("correct the input; its fields: {next}"))
        })?;
        output::show_notes(&plan);
        self.check_target(self.out.as_deref(), setup)?;
        let context = setup.connect(node, self.connection.as_deref()).await?;
        let key = self.key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        let mut job = self.job(pack, &context, node, Some(key.clone()))?;

        let mut input: Value = serde_json::from_str(&plan.input)
            .map_err(|error| Failure::internal(Phase::Check, format!("the plan is not JSON: {error}")))?;
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
        let started = uninterrupted(start).await.map_err(|error| self.of_start(error, setup, &context, &key))?;
        let begun = match started {
            Started::Accepted(acceptance) => {
                job.set_ticket(&acceptance.ticket);
                job.provider_job_id = Some(acceptance.provider_job_id);
                Begun::Waiting { hint: Some(Duration::from_millis(acceptance.poll_after_ms)) }
            }
            Started::Finished(completion) => {
                job.set_ticket(&completion.ticket);
                job.provider_job_id = completion.provider_job_id;
                Begun::Finished(completion.success)
            }
        };
        Ok((job, context, begun))
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
            return Err(Failure::usage("a run needs an input: --input, --set or --image")
                .then(format!("zoetrope nodes {}{}", quoted_text(&node.name), setup.options())));
        }
        let mut input = Map::new();
        if let Some(path) = &self.source.input {
            let text = input::read(path)?;
            if self.source.settings.is_empty() && picture.is_none() {
                return Ok((text, None));
            }
            // The component refuses what is no one document; here the last of two equal
            // keys would win.
            let strict = CheckOptions { profile: Profile::Strict, preview_request: false };
            let checked = pack.check(&CallContext::offline(), &node.name, &text, strict).await;
            match (checked, serde_json::from_str(&text)) {
                (Err(error), _) if is_about_text(&error) => return Err(Failure::of_call(error, Phase::Check)),
                (_, Ok(Value::Object(object))) => input = object,
                (Err(error), _) => return Err(Failure::of_call(error, Phase::Check)),
                (Ok(_), _) => return Err(Failure::usage("--set and --image need an input that is an object")),
            }
        }
        input::apply(&self.source.settings, node, &mut input)?;
        let mut field = None;
        if let Some(picture) = picture {
            let media = node.input_media.iter().find(|media| media.kind == MediaKind::Image);
            let media = media.ok_or_else(|| Failure::usage(format!("`{}` takes no picture", node.name)))?;
            let name = media.pointer.trim_start_matches('/');
            input.insert(name.to_owned(), format!("file:{}", picture.file_name()).into());
            field = Some(media.pointer.clone());
        }
        Ok((Value::Object(input).to_string(), field))
    }

    /// Refuses, before anything is sent, a place where no file can be made.
    fn check_target(&self, out: Option<&Path>, setup: &Setup) -> Result<(), Failure> {
        let refused = |message: String| {
            Failure::usage(message).then("the same command, with another --out or with --force".into())
        };
        match out {
            Some(out) => check_target(out, self.force).map_err(|error| refused(with_causes(&error))),
            None => {
                let folder = setup.data_dir()?.join("clips");
                std::fs::create_dir_all(&folder)
                    .map_err(|error| refused(format!("`{}` cannot be made: {error}", folder.display())))?;
                check_target(&folder.join("probe"), true).map_err(|error| refused(with_causes(&error)))
            }
        }
    }

    /// A submit that was not accepted, as far as anybody knows.
    fn of_start(&self, error: CallError, setup: &Setup, context: &CallContext, key: &str) -> Failure {
        let honoured = context.connection().and_then(|open| open.connection().idempotency());
        let failure = Failure::of_call(error, Phase::Submit);
        let mut facts = Map::new();
        facts.insert("key".into(), key.into());
        let node = quoted_text(&self.node);
        let options = setup.options();
        let next = match (failure.kind(), honoured) {
            ("outcome_unknown" | "component_trap", Some(window)) => format!(
                "the same command with --key {} finds the job or starts it, and cannot cost twice within {}",
                quoted_text(key), humantime::format_duration(window)
            ),
            ("outcome_unknown" | "component_trap", None) => format!(
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

    /// From acceptance to the file.
    #[expect(clippy::too_many_arguments, reason = "the driver of a later version holds these as a row")]
    async fn finish(
        &self,
        setup: &Setup,
        pack: &Pack,
        node: &NodeType,
        context: CallContext,
        job: &mut Job,
        begun: Begun,
        deadline: Instant,
        progress: &mut Progress,
    ) -> Result<(Success, Downloaded), Failure> {
        let wanted = job.connection.clone();
        let reconnect = async || setup.connect(node, Some(&wanted)).await;
        let mut ready = match begun {
            Begun::Finished(success) => Some(success),
            Begun::Waiting { hint } => {
                progress.at("submitted", None, job.provider_job_id.as_deref());
                let waited = wait::wait(pack, context.clone(), &reconnect, job, hint, deadline, progress).await;
                Some(waited?)
            }
        };
        let mut attempt = 0;
        loop {
            let success = match ready.take() {
                Some(success) => success,
                None => {
                    // The URL may have expired or moved: the ticket gives a fresh one.
                    let context = reconnect().await?;
                    wait::wait(pack, context, &reconnect, job, None, deadline, progress).await?
                }
            };
            let context = reconnect().await?;
            match self.fetch(setup, node, &context, job, &success, progress).await {
                Ok(file) => return Ok((success, file)),
                Err(error) => {
                    attempt += 1;
                    if attempt == DOWNLOADS || matches!(error, DownloadError::Target(_) | DownloadError::Write { .. }) {
                        let message = format!("the clip is not on the disk yet: {}", with_causes(&error));
                        return Err(Failure::new("download_failed", Phase::Download, message)
                            .charged(success.settlement.charge));
                    }
                    wait::pause(attempt).await;
                }
            }
        }
    }

    async fn fetch(
        &self,
        setup: &Setup,
        node: &NodeType,
        context: &CallContext,
        job: &Job,
        success: &Success,
        progress: &mut Progress,
    ) -> Result<Downloaded, DownloadError> {
        let media = success.media.first().ok_or(zoetrope_host::egress::FetchError::Url)?;
        let kind = node.output_media.iter().find(|field| field.pointer == media.pointer);
        let kind = kind.map_or(MediaKind::Video, |field| field.kind);
        let target = match &job.out {
            Some(out) => out.clone(),
            None => clips(setup, job, &extension(media, kind)),
        };
        let connection = context.connection();
        let wanted = Download {
            url: &media.url,
            kind,
            rule: connection.map_or(AddressRule::PUBLIC, |open| AddressRule::of_media(open.base_url().origin())),
            credential: connection.filter(|_| media.needs_credential).map(AsRef::as_ref),
            sha256: media.sha256.as_deref(),
            target: &target,
            force: self.force,
            limit: LONGEST,
        };
        download(setup.egress(), &wanted, |received| progress.downloading(received.bytes, received.total)).await
    }
}

fn is_about_text(error: &CallError) -> bool {
    matches!(error, CallError::Node(error) if error.cause.violations().iter().any(|found| found.keyword == "json"))
}

/// Lets a submit that is on its way come to its end: a second one might cost again.
async fn uninterrupted<T>(submit: impl Future<Output = T>) -> T {
    let mut submit = std::pin::pin!(submit);
    tokio::select! {
        done = &mut submit => return done,
        () = interrupted() => eprintln!("Interrupted: waiting for the provider's answer to the submit."),
    }
    submit.await
}

/// Ctrl-C, or the request to end.
pub(super) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn of_media(error: MediaError) -> Failure {
    let kind = match error {
        MediaError::Call(error) => return Failure::of_call(error, Phase::Upload),
        MediaError::Read { .. } => "usage",
        MediaError::NotAPicture { .. } | MediaError::TooLong { .. } => "unsupported",
        MediaError::Upload(_) => "unavailable",
        _ => "internal",
    };
    Failure::new(kind, Phase::Upload, with_causes(&error)).then("the same command again: nothing was submitted".into())
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))
}

fn clips(setup: &Setup, job: &Job, extension: &str) -> PathBuf {
    let folder = setup.data_dir().unwrap_or_default().join("clips");
    folder.join(format!("{}.{extension}", job.job))
}

/// As the provider says, or the URL, or what is usual.
fn extension(media: &ResultMedia, kind: MediaKind) -> String {
    let usual = match kind {
        MediaKind::Video => "mp4",
        MediaKind::Image => "png",
    };
    let known = ["mp4", "webm", "mov", "png", "jpg", "jpeg", "webp", "gif"];
    let told = media.media_type.as_deref().and_then(|media_type| media_type.rsplit('/').next());
    let path = media.url.split(['?', '#']).next().unwrap_or_default();
    let written = path.rsplit('.').next();
    told.into_iter().chain(written).find(|name| known.contains(name)).unwrap_or(usual).to_owned()
}

fn ticket_file(job: &Job, setup: &Setup) -> Result<PathBuf, Failure> {
    let beside = match &job.out {
        Some(out) => out.clone(),
        None => setup.data_dir()?.join("clips").join(&job.job),
    };
    let mut name = beside.into_os_string();
    name.push(".ticket.json");
    Ok(name.into())
}

/// Writes the ticket file; a ticket that cannot be written is shown, since it is paid for.
fn keep(job: &Job, path: &Path) {
    if let Err(error) = job.write(path) {
        eprintln!("warning: the ticket cannot be written to {}: {error}", quoted(path));
        eprintln!("ticket: {}", job.ticket);
    }
}

fn answer(node: &NodeType, job: &Job, success: &Success, file: &Downloaded) -> Value {
    let mut answer = json!({
        "ok": true,
        "node": node.name,
        "output": serde_json::from_str::<Value>(&success.output).unwrap_or(Value::Null),
        "file": file.path,
        "media_type": file.media_type,
        "bytes": file.bytes,
        "sha256": file.sha256.to_string(),
        "charged": success.settlement.charge.as_str(),
    });
    if let Some(cost) = &success.settlement.cost {
        answer["cost"] = json!({ "amount": cost.amount, "unit": cost.unit });
    }
    if let Value::Object(answer) = &mut answer {
        answer.extend(job.facts());
    }
    answer
}

