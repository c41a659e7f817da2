//! `zoetrope jobs resume`.

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::driver::{WaitFor, deadline_after};
use zoetrope_host::jobs::{Comparison, FileState, Jobs};

use super::{NOTHING_LEFT, find_or_restore, needs_connections, print_result, recording, settle};
use crate::args::jobs::Resume;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::picture_notes;
use crate::progress::Progress;
use crate::purchase;
use crate::recording::Recording;
use crate::report::{Continuation, Failure, Summary, of_ledger};
use crate::wait::wait_for;

impl Resume {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let Some(id) = &self.id else {
            return self.all(context, &jobs, &progress, &mut interrupts).await;
        };
        let job = find_or_restore(&jobs, id, context).await?;
        let is_removed = FileState::of_job(&job, Comparison::Content) == Some(FileState::Missing);
        let unfinished =
            Some(&job).filter(|job| !job.is_done() || job.has_no_result() || is_removed);
        needs_connections(context, unfinished.as_slice()).await?;
        purchase::resume_one(context, &jobs, &job, &self.submits, &mut interrupts).await?;
        let options = context.options();
        let recording = recording(&jobs, &options, &job, self.deadline);
        let until = deadline_after(self.deadline);
        let job = if job.is_finalized() {
            let work = jobs.put_back(&job, false, until);
            recording.until_interrupted(work, &mut interrupts).await?
        } else {
            let work = jobs.resume(&job, until);
            recording.until_interrupted(work, &mut interrupts).await?
        };
        let job = settle(&jobs, &progress, job, &mut interrupts).await?;
        print_result(&job, context)
    }

    async fn all(
        &self,
        context: &Arc<Context>,
        jobs: &Jobs,
        progress: &Arc<Progress>,
        interrupts: &mut Interrupts,
    ) -> Result<ExitCode, Failure> {
        if context.configuration().is_unused().await {
            let rows = jobs.ledger().rows();
            let rows = rows.map_err(|error| of_ledger(&error, &context.options()))?;
            let unfinished: Vec<_> = rows.jobs.iter().filter(|job| !job.is_done()).collect();
            needs_connections(context, &unfinished).await?;
        }
        let left = purchase::resume_all(context, jobs, &self.submits, interrupts).await?;
        let (left_ids, options) = (left.ids(), context.options());
        let recording = Recording {
            jobs,
            options: &options,
            job: None,
            limit: self.deadline,
        };
        let resuming = jobs.resume_all(&left_ids, deadline_after(self.deadline));
        let ids = recording.until_interrupted(resuming, interrupts).await?;
        for id in &ids {
            let job = jobs.ledger().job(id).ok().flatten();
            if let Some(job) = job.filter(|job| job.ticket().is_some()) {
                progress.is_known(&job);
            }
        }
        if ids.is_empty() && left_ids.is_empty() && !context.json() {
            context.printer().info(NOTHING_LEFT);
            return Ok(ExitCode::SUCCESS);
        }
        let mut rows = wait_for(jobs, progress, &ids, WaitFor::Settled, interrupts).await?;
        rows.jobs.extend(left.uncertain());
        let next = Continuation::of_all(&context.options());
        let solutions = context.solutions().await;
        context.note_all(picture_notes::results(&rows.jobs));
        Ok(Summary::of(&rows, &context.options(), &solutions)
            .with_notes(context.notes())
            .with_left_out(left.document(), left.messages(&options))
            .report(context.printer(), &next))
    }
}
