//! `zoetrope run`: makes a clip or a picture from an input.

mod batch;
mod request;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;
use zoetrope_host::catalog::About;
use zoetrope_host::driver::WaitFor;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{
    CLIPS_FOLDER, Checked, Destination, Jobs, NextStep, Prepared, SubmitRequest,
};
use zoetrope_host::ledger::{Job, Target};

use super::args::Run;
use super::configuration::PRACTICE;
use super::context::Context;
use super::end_hooks::of_option;
use super::interrupts::Interrupts;
use super::jobs::only;
use super::out_path::absolute;
use super::picture_notes;
use super::progress::Progress;
use super::recording::Recording;
use super::report::{Failure, Phase, next_step, of_jobs, outcome};
use super::retry::retry_failed;
use super::shell::quoted;
use super::wait::wait_for;

impl Run {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        context.run_at_ends(of_option(&self.exec)?);
        if let (Some(lines), Some(folder)) = (&self.batch, &self.out_dir) {
            return self.batch(context, lines, folder).await;
        }
        let checked = request::read(&self, context).await?;
        let key = self.key.clone();
        let key = key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let destination = match &self.out {
            Some(out) => Destination::File(absolute(out)?),
            None => Destination::Folder(context.data_dir()?.join(CLIPS_FOLDER)),
        };
        let request = self.request(context, &checked, &key, destination).await?;
        let prepared = prepare(context, &jobs, &request, &mut interrupts).await?;
        if request.connection != PRACTICE {
            self.note_usual_duration(context, &checked);
        }
        let options = context.options();
        let recording = recording(&jobs, &options, self.deadline);
        let inserting = jobs.insert(vec![prepared]);
        let mut rows = recording
            .until_interrupted(inserting, &mut interrupts)
            .await?;
        if self.retry_failed {
            rows = retry_failed(
                &jobs,
                rows,
                self.deadline,
                self.again,
                context,
                &mut interrupts,
            )
            .await?;
        }
        let job = rows.remove(0);
        let until = if self.detach {
            WaitFor::Accepted
        } else {
            WaitFor::Settled
        };
        let ids = [job.spec.id.clone()];
        let rows = wait_for(&jobs, &progress, &ids, until, &mut interrupts).await?;
        let job = only(rows, job, &context.options())?;
        if self.detach && job.ticket().is_some() && !job.is_settled() {
            return detached(&job, context);
        }
        let answer = outcome::of(&job, &context.options())?;
        context.note_all(picture_notes::results([&job]));
        if let Some(note) = self.written_elsewhere(&job, context)? {
            context.note_all([note]);
        }
        let printed = context.answer_files(&answer, &outcome::files(&job));
        printed.map_err(|error| outcome::not_printed(&error, &job, &context.options()))?;
        context.close(&job);
        Ok(ExitCode::SUCCESS)
    }

    /// The note that an earlier request wrote the result, and not to `--out`.
    fn written_elsewhere(&self, job: &Job, context: &Context) -> Result<Option<String>, Failure> {
        let Some(out) = &self.out else {
            return Ok(None);
        };
        let out = absolute(out)?;
        let files = outcome::files(job);
        if files.is_empty() || matches!(&job.target, Target::File(target) if *target == out) {
            return Ok(None);
        }
        let id = &job.spec.id;
        Ok(Some(format!(
            "the key belongs to job {id}, whose result was written before, and nothing was written to \
             `{}`; to copy it there, run: zoetrope jobs fetch {id} --out {}{}",
            out.display(),
            quoted(&out),
            context.options()
        )))
    }

    /// Notes a deadline before the usual end of a run.
    fn note_usual_duration(&self, context: &Context, checked: &Checked) {
        let usual = About::of(checked.node()).estimated_duration;
        if let Some(usual) = usual.filter(|usual| *usual > self.deadline && !self.detach) {
            let [usual, deadline] = [usual, self.deadline].map(humantime::format_duration);
            context.printer().info(&format!(
                "note: a run usually takes {usual}, longer than the --deadline of {deadline}; \
                 the job continues after it"
            ));
        }
    }

    /// The request to submit a checked input.
    async fn request<'a>(
        &self,
        context: &Context,
        checked: &'a Checked,
        key: &str,
        destination: Destination,
    ) -> Result<SubmitRequest<'a>, Failure> {
        let wanted = self.connection.as_deref();
        Ok(SubmitRequest {
            checked,
            connection: context.connection_id(checked.node(), wanted).await?,
            key: key.to_owned(),
            destination,
            force: self.force,
            wait: self.deadline,
        })
    }
}

/// Prepares a request: stores its local pictures for the job. Nothing is sent, and nothing is
/// written to the ledger.
async fn prepare(
    context: &Context,
    jobs: &Jobs,
    request: &SubmitRequest<'_>,
    interrupts: &mut Interrupts,
) -> Result<Prepared, Failure> {
    let node = &request.checked.node().name;
    let failed = |error| of_jobs(error, &context.options()).of_node_type(node, &request.connection);
    let opened = jobs.open(request).await.map_err(failed)?;
    // `biased`: an existing job is returned even if Ctrl-C was pressed.
    let late = tokio::select! {
        biased;
        prepared = jobs.store_pictures(opened) => return prepared.map_err(failed),
        _ = interrupts.next() => return Err(interrupted()),
        () = tokio::time::sleep(request.wait) => std::future::pending::<Result<Prepared, _>>(),
    };
    let options = context.options();
    let recording = recording(jobs, &options, Duration::ZERO);
    recording.until_interrupted(late, interrupts).await
}

/// The recording of new jobs.
fn recording<'a>(jobs: &'a Jobs, options: &'a str, limit: Duration) -> Recording<'a> {
    let job = None;
    Recording {
        jobs,
        options,
        job,
        limit,
    }
}

/// The answer of `--detach`.
fn detached(job: &Job, context: &Context) -> Result<ExitCode, Failure> {
    let next = NextStep::Resume {
        job: job.spec.id.clone(),
    };
    let next = next_step::text(&next, &context.options());
    let printer = context.printer();
    let failed = |error| outcome::not_printed(&error, job, &context.options());
    if printer.json() {
        let mut answer = outcome::facts(job);
        answer.insert("ok".into(), true.into());
        answer.insert("node".into(), job.spec.node.as_str().into());
        answer.insert("state".into(), job.state().as_str().into());
        answer.insert("charged".into(), job.charge().as_str().into());
        answer.insert("next".into(), next.into());
        let mut answer = Value::Object(answer);
        context.notes().put_into(&mut answer);
        printer.line(&answer).map_err(failed)?;
    } else {
        printer
            .text(&format!("{}\n", job.spec.id))
            .map_err(failed)?;
        printer.info(&format!(
            "The provider has accepted the job. To wait for its result, run: {next}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn interrupted() -> Failure {
    let message = "interrupted before the job was submitted";
    Failure::new(ErrorKind::Interrupted, Phase::Upload, message)
        .then(next_step::text(&NextStep::RepeatUnsubmitted, ""))
}
