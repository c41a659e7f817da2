//! `zoetrope jobs fetch`.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;
use zoetrope_host::driver::deadline_after;
use zoetrope_host::jobs::Fetched;

use super::{find_or_restore, needs_connections, print_result, settle};
use crate::args::jobs::Fetch;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::out_path::absolute;
use crate::picture_notes;
use crate::progress::Progress;
use crate::report::{Failure, of_jobs, outcome};

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
        let fetched = jobs.fetch(&job, &out, self.force, until).await;
        match fetched.map_err(|error| of_jobs(error, &context.options()))? {
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
                Ok(ExitCode::SUCCESS)
            }
            Fetched::TargetChanged(job) => {
                let job = settle(&jobs, &progress, job, &mut interrupts).await?;
                print_result(&job, context)
            }
        }
    }
}
