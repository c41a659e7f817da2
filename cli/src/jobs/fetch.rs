//! `zoetrope jobs fetch`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;
use zoetrope_host::driver::{Time, deadline_after};
use zoetrope_host::jobs::{Fetched, NextStep};
use zoetrope_host::ledger::{Job, Target};
use zoetrope_host::sanitize::escaped_path;

use super::{find_or_restore, needs_connections, print_result, recording, settle};
use crate::args::jobs::Fetch;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::out_path::absolute;
use crate::picture_notes;
use crate::progress::Progress;
use crate::report::{Failure, outcome};
use crate::shell::quoted;

impl Fetch {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let out = absolute(&self.out)?;
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let job = find_or_restore(&jobs, &self.id, context).await?;
        let is_here = job.is_finalized() && job.file().is_some_and(|file| file.path.is_file());
        let elsewhere = Some(&job).filter(|_| !is_here);
        needs_connections(context, elsewhere.as_slice()).await?;
        let until = deadline_after(self.deadline);
        let options = context.options();
        let recording = recording(&jobs, &options, &job, self.deadline);
        let fetching = jobs.fetch(&job, &out, self.force, until);
        match recording
            .until_interrupted(fetching, &mut interrupts)
            .await?
        {
            Fetched::LeftAlone(job) => print_result(&job, context),
            Fetched::Copied { job, files } => {
                let mut answer = outcome::of(&job, &context.options())?;
                if let (Some(file), Some(answer)) = (files.first(), answer.as_object_mut()) {
                    outcome::put_path(answer, "file", Some(file));
                    let media_type = job.file().map_or("", |file| &file.media_type);
                    context.note_all(picture_notes::misnamed(file, media_type));
                }
                let listed = answer["files"].as_array_mut().into_iter().flatten();
                let listed = listed.filter_map(Value::as_object_mut);
                for (entry, file) in listed.zip(&files) {
                    outcome::put_path(entry, "file", Some(file));
                }
                context.answer_files(&answer, &files)?;
                context.close(&job);
                Ok(ExitCode::SUCCESS)
            }
            Fetched::TargetChanged(changed) => {
                if let Some(note) = target_note(&job.target, &out) {
                    context.printer().info(&note);
                }
                let job = settle(&jobs, &progress, changed, &mut interrupts).await?;
                let printed = print_result(&job, context);
                printed.map_err(|failure| match NextStep::of(&job, Time::present()) {
                    NextStep::Resume { .. } => failure.then(self.again(&job, &out, context)),
                    _ => failure,
                })
            }
        }
    }

    /// The same command.
    fn again(&self, job: &Job, out: &Path, context: &Context) -> String {
        let force = if self.force { " --force" } else { "" };
        let (id, options) = (&job.spec.id, context.options());
        let out = quoted(out);
        format!("zoetrope jobs fetch {id} --out {out}{force}{options}")
    }
}

/// Says that a result that is not on disk yet will be in another place.
fn target_note(before: &Target, out: &Path) -> Option<String> {
    let (Target::File(before) | Target::Stem(before)) = before;
    let [from, to] = [before, out].map(escaped_path);
    (before != out).then(|| {
        format!("note: the result of this job is written to {to} from now on, and not to {from}")
    })
}
