//! `zoetrope jobs fetch`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::driver::{Time, deadline_after};
use zoetrope_host::jobs::{Comparison, Fetched, FileState, Jobs, NextStep};
use zoetrope_host::ledger::{Job, State, Target};

use super::{find_or_restore, needs_connections, print_result, recording, settle};
use crate::args::jobs::Fetch;
use crate::clip_output;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::out_path::{absolute, target_note};
use crate::progress::Progress;
use crate::report::{Failure, outcome};
use crate::shell::quoted;

impl Fetch {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let to_output = clip_output::is_standard_output(&self.out);
        if to_output {
            clip_output::refuse(context, None)?;
        }
        let out = absolute(&self.out)?;
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let job = find_or_restore(&jobs, &self.id, context).await?;
        let state = FileState::of_job(&job, Comparison::Content);
        let elsewhere = Some(&job).filter(|_| state != Some(FileState::Present));
        needs_connections(context, elsewhere.as_slice()).await?;
        let until = deadline_after(self.deadline);
        let first = job
            .file()
            .map(|file| FileState::of(file, Comparison::Content));
        let lacks_further = state == Some(FileState::Missing) && first == Some(FileState::Present);
        let job = if lacks_further || to_output && has_result(&job) {
            let completed = self.completed(&jobs, job, context, &progress, &mut interrupts);
            Box::pin(completed).await?
        } else {
            job
        };
        if to_output {
            outcome::of(&job, &context.options())?;
            return clip_output::write(&job, context, &mut interrupts).await;
        }
        let options = context.options();
        let recording = recording(&jobs, &options, &job, self.deadline);
        let fetching = jobs.fetch(&job, &out, self.force, until);
        match recording
            .until_interrupted(fetching, &mut interrupts)
            .await?
        {
            Fetched::LeftAlone(job) => print_result(&job, context),
            Fetched::Copied { job, files } => {
                context.note_all(outcome::not_copied(&job, &files));
                print_result(&outcome::at(job, &files), context)
            }
            Fetched::TargetChanged(changed) => {
                if let Some(note) = target_note(&job.target, &Target::File(out.clone())) {
                    context.printer().info(&note);
                }
                let job = settle(&jobs, &progress, changed, &mut interrupts).await?;
                let written = print_result(&job, context);
                written.map_err(|failure| match NextStep::of(&job, Time::present()) {
                    NextStep::Resume { .. } => failure.then(self.again(&job, &out, context)),
                    _ => failure,
                })
            }
        }
    }

    /// The job with all files of its result at their places, or what failed of it.
    async fn completed(
        &self,
        jobs: &Jobs,
        job: Job,
        context: &Context,
        progress: &Arc<Progress>,
        interrupts: &mut Interrupts,
    ) -> Result<Job, Failure> {
        let until = deadline_after(self.deadline);
        let options = context.options();
        let recording = recording(jobs, &options, &job, self.deadline);
        let completed = if job.is_done() {
            // `--force` is about the place that `--out` names.
            let work = jobs.put_back(&job, false, until);
            recording.until_interrupted(work, interrupts).await?
        } else {
            let work = jobs.resume(&job, until);
            recording.until_interrupted(work, interrupts).await?
        };
        settle(jobs, progress, completed, interrupts).await
    }

    /// The same command.
    fn again(&self, job: &Job, out: &Path, context: &Context) -> String {
        let force = if self.force { " --force" } else { "" };
        let (id, options) = (&job.spec.id, context.options());
        let out = quoted(out);
        format!("zoetrope jobs fetch {id} --out {out}{force}{options}")
    }
}

/// Whether the provider has accepted the job and may have its result: a fetch never submits.
fn has_result(job: &Job) -> bool {
    use State::{Started, Submitting, Succeeded};
    matches!(job.state(), Submitting | Started | Succeeded)
}
