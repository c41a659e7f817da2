//! `zoetrope run`: makes a clip or a picture from an input.

mod batch;
mod delivery;
mod dry_run;
mod limit;
mod place;
mod request;
mod value_text;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;
use zoetrope_host::catalog::About;
use zoetrope_host::driver::WaitFor;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Checked, Destination, Jobs, NextStep, Prepared, SubmitRequest};
use zoetrope_host::ledger::Job;

use super::ago::duration;
use super::args::Run;
use super::clip_output::{self, is_standard_output};
use super::context::Context;
use super::end_hooks::of_option;
use super::interrupts::Interrupts;
use super::picture_notes;
use super::practice_jobs::is_practice;
use super::progress::Progress;
use super::recording::Recording;
use super::report::{Failure, Phase, next_step, of_jobs, outcome, unwritten};
use super::retry::retry_failed;
use super::wait::wait_for;
use delivery::Delivery;
use limit::Bounds;
use place::{Creates, Place, Subject};

impl Run {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        self.set_up(context)?;
        if let (Some(lines), Some(folder)) = (&self.batch, &self.out_dir) {
            return self.batch(context, lines, folder).await;
        }
        let to_output = self.writes_to_output(context)?;
        let node = context.node_type(&self.node).await?;
        let place = Place::of_run(&self, context, &node)?;
        let checked = request::read(&self, context).await?;
        if self.only_plans {
            return self.show_plan(context, &checked, &place).await;
        }
        let key = self.key.clone();
        let key = key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let progress = self.progress(context);
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let line = Line {
            place: &place,
            index: "1".into(),
        };
        let request = self.request(&jobs, context, &checked, &key, line).await?;
        let prepared = prepare(context, &jobs, &request, &mut interrupts).await?;
        let bought = (&checked, request.connection.as_str(), prepared.existing());
        let bounds = self.check_limit(context, [bought]).await?;
        self.note_usual_duration(context, &checked, prepared.job());
        let had_ended = prepared.existing().is_some_and(Job::is_done);
        let to = (self.force, self.deadline);
        let mut delivery = Delivery::new(context, &jobs, &progress, to);
        let places = vec![request.destination.clone()];
        let inserted = self.insert(
            (vec![prepared], &bounds),
            places,
            &mut delivery,
            &mut interrupts,
        );
        let mut rows = Box::pin(inserted).await?;
        let job = rows.remove(0);
        note_ended(had_ended, &job, context);
        let ids = [job.spec.id.clone()];
        let rows = wait_for(&jobs, &progress, &ids, self.until(), &mut interrupts).await?;
        let delivered = delivery.deliver(rows, !self.detach, &mut interrupts);
        let delivered = Box::pin(delivered).await?;
        let job = delivered.only(job, &context.options())?;
        if self.detach && job.ticket().is_some() && !job.is_settled() {
            return detached(&job, context);
        }
        let answer = outcome::of(&job, &context.options())?;
        context.note_all(picture_notes::results([&job]));
        if to_output {
            return clip_output::write(&job, context, &mut interrupts).await;
        }
        let files = outcome::files(&job);
        let written = context.answer_files(&answer, &files);
        if written.is_ok() {
            context.close(&job);
        }
        unwritten::end_of_job(written, &job, &files, context.printer(), &context.options())
    }

    /// The progress of a single run.
    fn progress(&self, context: &Context) -> Arc<Progress> {
        let progress = Progress::new(context.options(), context.printer().clone());
        if self.detach {
            progress.is_detached();
        }
        progress
    }

    /// Whether the result goes to standard output, where that is possible.
    fn writes_to_output(&self, context: &Context) -> Result<bool, Failure> {
        let to_output = self.out.as_deref().is_some_and(is_standard_output);
        if to_output {
            let other = self.events.events.then_some("--events");
            clip_output::refuse(context, self.detach.then_some("--detach").or(other))?;
        }
        Ok(to_output)
    }

    /// Tells the context what this command runs at ends, and whether it only plans.
    fn set_up(&self, context: &Context) -> Result<(), Failure> {
        context.run_at_ends(of_option(&self.exec)?);
        if self.only_plans {
            context.makes_no_folder();
        }
        Ok(())
    }

    /// What a single run waits for.
    fn until(&self) -> WaitFor {
        if self.detach {
            WaitFor::Accepted
        } else {
            WaitFor::Settled
        }
    }

    /// Inserts jobs, or finds those that exist, and submits failed ones again if that is wanted.
    async fn insert(
        &self,
        (prepared, bounds): (Vec<Prepared>, &Bounds),
        places: Vec<Destination>,
        delivery: &mut Delivery<'_>,
        interrupts: &mut Interrupts,
    ) -> Result<Vec<Job>, Failure> {
        let (context, jobs) = (delivery.context, delivery.jobs);
        let options = context.options();
        let recording = recording(jobs, &options, self.deadline);
        let inserting = jobs.insert(prepared);
        let mut rows = recording.until_interrupted(inserting, interrupts).await?;
        if self.retry_failed {
            self.check_limit_of_rows(&rows, bounds)?;
            let (deadline, again) = (self.deadline, self.again);
            rows = retry_failed(jobs, rows, deadline, again, context, interrupts).await?;
        }
        delivery.prepare(rows, places, interrupts).await
    }

    /// Notes a deadline before the usual end of a run at a provider.
    fn note_usual_duration(&self, context: &Context, checked: &Checked, job: &Job) {
        let usual = About::of(checked.node()).estimated_duration;
        let is_awaited = !self.detach && !is_practice(job);
        if let Some(usual) = usual.filter(|usual| *usual > self.deadline && is_awaited) {
            let [usual, deadline] = [usual, self.deadline].map(duration);
            context.printer().info(&format!(
                "note: a run usually takes {usual}, longer than the --deadline of {deadline}; \
                 the job continues after it"
            ));
        }
    }

    /// The request to submit a checked input.
    async fn request<'a>(
        &self,
        jobs: &Jobs,
        context: &Context,
        checked: &'a Checked,
        key: &str,
        line: Line<'_>,
    ) -> Result<SubmitRequest<'a>, Failure> {
        let wanted = self.source.connection.as_deref();
        let connection = context.connection_id(checked.node(), wanted).await?;
        let identity = jobs.identity(checked, &connection, key);
        let (id, created_at) = identity.map_err(|error| of_jobs(error, &context.options()))?;
        let subject = Subject {
            checked,
            id,
            created_at,
            key,
            index: line.index,
        };
        Ok(SubmitRequest {
            checked,
            connection,
            key: key.to_owned(),
            destination: line.place.destination(&subject, Creates::Folders)?,
            force: self.force,
            wait: self.deadline,
        })
    }
}

/// The place of a result, and the number of its line.
struct Line<'a> {
    place: &'a Place,
    index: String,
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

/// Notes that the key is that of a job that had ended, and was not submitted again.
fn note_ended(had_ended: bool, job: &Job, context: &Context) {
    if had_ended && job.is_done() {
        let id = &job.spec.id;
        let text = format!("Job {id} has this key and has ended; nothing was submitted.");
        context.printer().info(&text);
    }
}

/// The answer of `--detach`.
fn detached(job: &Job, context: &Context) -> Result<ExitCode, Failure> {
    let next = NextStep::Resume {
        job: job.spec.id.clone(),
    };
    let next = next_step::text(&next, &context.options());
    let printer = context.printer();
    let written = if printer.json() {
        let mut answer = outcome::facts(job);
        answer.insert("ok".into(), true.into());
        answer.insert("node".into(), job.spec.node.as_str().into());
        answer.insert("state".into(), job.state().as_str().into());
        answer.insert("charged".into(), job.charge().as_str().into());
        answer.insert("next".into(), next.into());
        let mut answer = Value::Object(answer);
        context.notes().put_into(&mut answer);
        printer.line(&answer)
    } else {
        let written = printer.text(&format!("{}\n", job.spec.id));
        if written.is_ok() {
            printer.info(&format!(
                "The provider has accepted the job. To wait for its result, run: {next}"
            ));
        }
        written
    };
    unwritten::end_of_job(written, job, &[], printer, &context.options())
}

fn interrupted() -> Failure {
    let message = "interrupted before the job was submitted";
    Failure::new(ErrorKind::Interrupted, Phase::Upload, message)
        .then(next_step::text(&NextStep::RepeatUnsubmitted, ""))
}
