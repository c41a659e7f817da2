//! `run --batch`: a job for each line of a file.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use uuid::Uuid;
use zoetrope_host::driver::WaitFor;
use zoetrope_host::jobs::{Checked, Destination};

use super::{absolute, prepare, request};
use crate::args::Run;
use crate::context::Context;
use crate::input;
use crate::interrupts::Interrupts;
use crate::report::{Failure, Summary, of_jobs};
use crate::shell::{quoted, quoted_text};
use crate::view::View;
use crate::wait::wait_for;

impl Run {
    /// Checks every line, and hands every picture over, before the first job is written down;
    /// all of them are in one commit. Then drives them all.
    pub(super) async fn batch(
        &self,
        context: &Arc<Context>,
        lines: &Path,
        folder: &Path,
    ) -> Result<ExitCode, Failure> {
        let requests = self.requests(context, lines).await?;
        let folder = absolute(folder)?;
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::usage(format!("`{}` cannot be made: {error}", folder.display()))
        })?;
        let key = match &self.key {
            Some(key) => key.clone(),
            None => {
                let key = Uuid::now_v7().to_string();
                let way_on = format!("The same command with --key {key} goes on with this batch.");
                context.printer().message(&way_on);
                key
            }
        };
        let view = View::new(context.options(), context.printer().clone());
        let jobs = context.jobs(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let width = requests
            .last()
            .map_or(1, |(line, _)| line.to_string().len());
        let mut prepared = Vec::with_capacity(requests.len());
        for (line, checked) in &requests {
            let stem = Destination::Stem(folder.join(format!("{line:0width$}")));
            let key = format!("{key}-{line}");
            let request = self.request(context, checked, &key, stem).await?;
            prepared.push(prepare(context, &jobs, &request, &mut interrupts).await?);
        }
        let inserted = jobs.insert(prepared).await;
        let inserted = inserted.map_err(|error| of_jobs(error, &context.options()))?;
        let ids: Vec<_> = inserted.iter().map(|job| job.spec.id.clone()).collect();
        let rows = wait_for(&jobs, &view, &ids, WaitFor::Settled, &mut interrupts).await?;
        let next = format!(
            "zoetrope run {} --batch {} --out-dir {} --key {}{}",
            quoted_text(&self.node),
            quoted(lines),
            quoted(&folder),
            quoted_text(&key),
            context.options()
        );
        Summary::of(&rows, &context.options()).report(context.printer(), &next)
    }

    /// Every line's checked input, by its number.
    async fn requests(
        &self,
        context: &Context,
        lines: &Path,
    ) -> Result<Vec<(usize, Checked)>, Failure> {
        let node = context.node_type(&self.node).await?;
        let text = input::read_lines(lines)?;
        let mut requests = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let checked = request::check(self, context, &node, Some(line.to_owned())).await;
            let checked = checked.map_err(|failure| failure.on_line(index + 1))?;
            requests.push((index + 1, checked));
        }
        if requests.is_empty() {
            let message = format!("`{}` has no line with an input", lines.display());
            return Err(Failure::usage(message));
        }
        Ok(requests)
    }
}
