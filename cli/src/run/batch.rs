//! `run --batch`: a job for each line of a file.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use uuid::Uuid;
use zoetrope_host::driver::WaitFor;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Checked, Destination, Jobs, Prepared};

use super::delivery::Delivery;
use super::place::{Distinct, Place};
use super::{Line, prepare, request};
use crate::args::Run;
use crate::context::Context;
use crate::fields::settings;
use crate::input::{self, image_field};
use crate::interrupts::Interrupts;
use crate::notes::Note;
use crate::picture_notes;
use crate::progress::Progress;
use crate::report::{BadLines, Continuation, Failure, Summary};
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
        if self.only_plans {
            return self.show_plans(context, &requests, &place).await;
        }
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
        let (prepared, destinations) = self
            .prepare_all(context, &jobs, &requests, (&place, &key), &mut interrupts)
            .await?;
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
        Ok(Summary::of(&rows, &options, &solutions)
            .with_notes(context.notes())
            .report(context.printer(), &next))
    }

    /// Prepares every line, and checks `--max-cost`. Nothing is sent, and nothing is written to the
    /// ledger.
    async fn prepare_all(
        &self,
        context: &Context,
        jobs: &Jobs,
        requests: &[(usize, Checked)],
        (place, key): (&Place, &str),
        interrupts: &mut Interrupts,
    ) -> Result<(Vec<Prepared>, Vec<Destination>), Failure> {
        let mut distinct = Distinct::default();
        let width = requests
            .last()
            .map_or(1, |(line, _)| line.to_string().len());
        let mut prepared = Vec::with_capacity(requests.len());
        let mut destinations = Vec::with_capacity(requests.len());
        let mut connections = Vec::with_capacity(requests.len());
        for (line, checked) in requests {
            let key = format!("{key}-{line}");
            let named = Line {
                place,
                index: format!("{line:0width$}"),
            };
            let request = self.request(jobs, context, checked, &key, named).await?;
            distinct.add(*line, &request.destination)?;
            destinations.push(request.destination.clone());
            prepared.push(prepare(context, jobs, &request, interrupts).await?);
            connections.push(request.connection);
        }
        let bought = requests.iter().zip(&connections).zip(&prepared);
        let bought = bought.map(|(((_, checked), connection), prepared)| {
            (checked, connection.as_str(), prepared.existing())
        });
        self.check_limit(context, jobs, bought).await?;
        Ok((prepared, destinations))
    }

    /// Whether a line names a picture relative to the working directory.
    fn has_relative_pictures(&self, requests: &[(usize, Checked)]) -> bool {
        requests.iter().any(|(_, checked)| {
            // The option's picture is named by the option.
            let of_option = image_field(checked.node())
                .ok()
                .filter(|_| self.source.image.is_some());
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
                "Name a file of input documents that exists with --batch",
            )
        };
        settings::refuse_wrong(&self.source.settings, &node)?;
        let file = input::open_file(lines).map_err(|error| unreadable(&error))?;
        let mut source = TextLines::new(file);
        let (mut bytes, mut count) = (0, 0);
        let mut requests = Vec::new();
        let mut refused = Refused::default();
        while let Some(line) = source.next_line().map_err(|error| unreadable(&error))? {
            bytes += line.length();
            if bytes > MAX_BYTES {
                let why = format!("it is longer than {MAX_BYTES} bytes");
                return Err(unreadable(&why));
            }
            let number = line.number;
            let read = match line.document() {
                Ok(None) => continue,
                Ok(Some(text)) => request::check(self, context, &node, Some(text)).await,
                Err(failure) => Err(failure),
            };
            count += 1;
            let read =
                read.and_then(|checked| request::refuse_damaged(self, &checked).map(|()| checked));
            let checked = match read {
                Ok(checked) => checked,
                Err(failure) => {
                    refused.add(number, failure)?;
                    continue;
                }
            };
            for (field, picture) in checked.pictures() {
                if let Some(message) = picture_notes::damage(picture) {
                    context.note(&Note {
                        line: Some(number),
                        ..Note::of_field(field, message)
                    });
                }
            }
            // Nothing is made of a batch with a refused line.
            if refused.first.is_none() {
                requests.push((number, checked));
            }
        }
        refused.into_result(count)?;
        if requests.is_empty() {
            let message = format!("the batch `{}` has no input documents", lines.display());
            let step = "Write an input document on each line of the file of --batch";
            return Err(corrected(message, step));
        }
        Ok(requests)
    }
}

/// The refused lines so far.
#[derive(Default)]
struct Refused {
    first: Option<(usize, Failure)>,
    lines: BadLines,
}

impl Refused {
    /// Adds the failure of a line. One that is not about the line's input ends the command.
    fn add(&mut self, number: usize, failure: Failure) -> Result<(), Failure> {
        let is_of_input = matches!(
            failure.kind(),
            ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::Usage
        );
        if !is_of_input {
            return Err(failure.on_line(number));
        }
        let (kind, reason) = (failure.kind(), failure.message());
        self.lines.add(number, kind, reason, failure.violations());
        self.first.get_or_insert((number, failure));
        Ok(())
    }

    /// The failure of the batch, if lines are refused: with the kind of the first one.
    fn into_result(self, count: usize) -> Result<(), Failure> {
        let Some((number, first)) = self.first else {
            return Ok(());
        };
        Err(first.on_line(number).of_lines(self.lines.among(count)))
    }
}

/// A wrong argument, and its correction.
fn corrected(message: String, correction: &str) -> Failure {
    Failure::usage(message).then(format!(
        "{correction}, then run again (nothing was submitted)"
    ))
}
