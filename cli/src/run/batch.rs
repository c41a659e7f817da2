//! `run --batch`: a job for each line of a file.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use uuid::Uuid;
use zoetrope_host::driver::WaitFor;
use zoetrope_host::jobs::Checked;

use super::delivery::Delivery;
use super::place::{Distinct, Place};
use super::{Line, prepare, request};
use crate::args::Run;
use crate::context::Context;
use crate::input::{self, image_field};
use crate::interrupts::Interrupts;
use crate::notes::Note;
use crate::picture_notes;
use crate::progress::Progress;
use crate::report::{Continuation, Failure, Summary};
use crate::text_lines::TextLines;
use crate::wait::wait_for;

/// The longest documents of a batch together, in bytes.
const MAX_BYTES: usize = 1 << 30;

impl Run {
    /// Checks every line and stores every picture, then inserts all jobs in one commit, and drives
    /// them.
    pub(super) async fn batch(
        &self,
        context: &Arc<Context>,
        lines: &Path,
        folder: &Path,
    ) -> Result<ExitCode, Failure> {
        let requests = self.requests(context, lines).await?;
        let node = context.node_type(&self.node).await?;
        let place = Place::of_batch(self, folder, &node)?;
        let mut distinct = Distinct::default();
        let key = match &self.key {
            Some(key) => key.clone(),
            None => {
                let key = Uuid::now_v7().to_string();
                let resume =
                    format!("To resume this batch, run the same command with --key {key}.");
                context.printer().info(&resume);
                key
            }
        };
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let width = requests
            .last()
            .map_or(1, |(line, _)| line.to_string().len());
        let mut prepared = Vec::with_capacity(requests.len());
        let mut destinations = Vec::with_capacity(requests.len());
        for (line, checked) in &requests {
            let key = format!("{key}-{line}");
            let named = Line {
                place: &place,
                index: format!("{line:0width$}"),
            };
            let request = self.request(&jobs, context, checked, &key, named).await?;
            distinct.add(*line, &request.destination)?;
            destinations.push(request.destination.clone());
            prepared.push(prepare(context, &jobs, &request, &mut interrupts).await?);
        }
        let to = (self.force, self.deadline);
        let mut delivery = Delivery::new(context, &jobs, &progress, to);
        let inserted = self.insert(prepared, destinations, &mut delivery, &mut interrupts);
        let inserted = Box::pin(inserted).await?;
        let ids: Vec<_> = inserted.iter().map(|job| job.spec.id.clone()).collect();
        let rows = wait_for(&jobs, &progress, &ids, WaitFor::Settled, &mut interrupts).await?;
        let rows = Box::pin(delivery.deliver(rows, true, &mut interrupts)).await?;
        let options = context.options();
        let is_relative = self.has_relative_pictures(&requests);
        let next = Continuation::of_batch(self, (lines, folder), is_relative, &key, &options);
        let solutions = context.solutions().await;
        Summary::of(&rows, &options, &solutions)
            .with_notes(context.notes())
            .report(context.printer(), &next)
    }

    /// Whether a line names a picture relative to the working directory.
    fn has_relative_pictures(&self, requests: &[(usize, Checked)]) -> bool {
        requests.iter().any(|(_, checked)| {
            // The option's picture is named by the option.
            let of_option = image_field(checked.node())
                .ok()
                .filter(|_| self.image.is_some());
            let mut relative = checked.relative_pictures();
            relative.any(|field| Some(field) != of_option)
        })
    }

    /// The checked input of each line, with the line's number.
    async fn requests(
        &self,
        context: &Context,
        lines: &Path,
    ) -> Result<Vec<(usize, Checked)>, Failure> {
        let node = context.node_type(&self.node).await?;
        let unreadable = |why: &dyn std::fmt::Display| {
            let path = lines.display();
            let message = format!("the batch `{path}` cannot be read: {why}");
            corrected(
                message,
                "Name a file of input documents with --batch (nothing was sent)",
            )
        };
        let file = input::open_file(lines).map_err(|error| unreadable(&error))?;
        let mut source = TextLines::new(file);
        let mut bytes = 0;
        let mut requests = Vec::new();
        while let Some(line) = source.next_line().map_err(|error| unreadable(&error))? {
            bytes += line.length();
            if bytes > MAX_BYTES {
                let why = format!("it is longer than {MAX_BYTES} bytes");
                return Err(unreadable(&why));
            }
            let number = line.number;
            let text = line.document()?;
            if text.trim().is_empty() {
                continue;
            }
            let checked = request::check(self, context, &node, Some(text)).await;
            let checked = checked
                .and_then(|checked| request::refuse_damaged(self, &checked).map(|()| checked))
                .map_err(|failure| failure.on_line(number))?;
            for (field, picture) in checked.pictures() {
                if let Some(message) = picture_notes::damage(picture) {
                    context.note(&Note {
                        line: Some(number),
                        ..Note::of_field(field, message)
                    });
                }
            }
            requests.push((number, checked));
        }
        if requests.is_empty() {
            let message = format!("the batch `{}` has no input documents", lines.display());
            let step = "Write an input document on each line of the file of --batch";
            return Err(corrected(message, step));
        }
        Ok(requests)
    }
}

/// A wrong argument, and its correction.
fn corrected(message: String, correction: &str) -> Failure {
    Failure::usage(message).then(format!(
        "{correction}, then run the same command again (nothing was submitted)"
    ))
}
