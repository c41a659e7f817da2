//! `run --batch`: a job for each line of a file.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use uuid::Uuid;
use zoetrope_host::driver::WaitFor;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Checked, Destination, Jobs, Prepared, job_of_key};

use super::delivery::{Delivered, Delivery};
use super::limit::Bounds;
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
use crate::report::{BadLines, Continuation, Failure, Summary, of_jobs, plan};
use crate::text_lines::TextLines;
use crate::wait::wait_for;

/// The longest documents of a batch together, in bytes.
const MAX_BYTES: usize = 1 << 30;

/// The most notes on lines that are printed; all of them are in the JSON of the answer.
const MAX_NOTES: usize = 20;

impl Run {
    /// Checks every line and stores every picture, then inserts all jobs in one commit, and drives
    /// them.
    pub(super) async fn batch(
        &self,
        context: &Arc<Context>,
        lines: &Path,
        folder: &Path,
    ) -> Result<ExitCode, Failure> {
        let node = context.node_type(&self.node).await?;
        let place = Place::of_batch(self, folder, &node)?;
        let requests = self.requests(context, lines).await?;
        let wanted = self.source.connection.as_deref();
        context.configured(&node, wanted).await?;
        if self.only_plans {
            return self.show_plans(context, &requests, &place).await;
        }
        let key = self.key.clone();
        let key = key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let (prepared, bounds, destinations) = self
            .prepare_all(context, &jobs, &requests, (&place, &key), &mut interrupts)
            .await?;
        let to = (self.force, self.deadline);
        let mut delivery = Delivery::new(context, &jobs, &progress, to);
        let inserted = self.insert(
            (prepared, &bounds),
            destinations,
            &mut delivery,
            &mut interrupts,
        );
        let inserted = Box::pin(inserted).await?;
        if self.key.is_none() {
            let resume = format!("To resume this batch, run the same command with --key {key}.");
            context.printer().info(&resume);
        }
        let ids: Vec<_> = inserted.iter().map(|job| job.spec.id.clone()).collect();
        let rows = wait_for(&jobs, &progress, &ids, WaitFor::Settled, &mut interrupts).await?;
        let delivered = Box::pin(delivery.deliver(rows, true, &mut interrupts)).await?;
        let options = context.options();
        let is_relative = self.has_relative_pictures(&requests);
        let next = Continuation::of_batch(self, (lines, folder), is_relative, &key, &options);
        let solutions = context.solutions().await;
        let Delivered { rows, failures } = delivered;
        Ok(Summary::of_delivered(&rows, failures, &options, &solutions)
            .with_notes(context.notes())
            .report(context.printer(), &next))
    }

    /// Checks `--max-cost`, and prepares every line. Nothing is sent, and nothing is written to the
    /// ledger.
    async fn prepare_all(
        &self,
        context: &Context,
        jobs: &Jobs,
        requests: &[(usize, Checked)],
        (place, key): (&Place, &str),
        interrupts: &mut Interrupts,
    ) -> Result<(Vec<Prepared>, Bounds, Vec<Destination>), Failure> {
        let mut distinct = Distinct::default();
        let width = requests
            .last()
            .map_or(1, |(line, _)| line.to_string().len());
        let mut prepared = Vec::with_capacity(requests.len());
        let mut destinations = Vec::with_capacity(requests.len());
        // A batch that is refused leaves no folder.
        let bounds = self
            .check_limit_of_all(context, jobs, requests, key)
            .await?;
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
        }
        Ok((prepared, bounds, destinations))
    }

    /// Checks `--max-cost` over all lines.
    async fn check_limit_of_all(
        &self,
        context: &Context,
        jobs: &Jobs,
        requests: &[(usize, Checked)],
        key: &str,
    ) -> Result<Bounds, Failure> {
        if self.limit.max_cost.is_none() {
            return Ok(Bounds::default());
        }
        let wanted = self.source.connection.as_deref();
        let mut bought = Vec::with_capacity(requests.len());
        for (line, checked) in requests {
            let connection = context.connection_id(checked.node(), wanted).await?;
            let key = format!("{key}-{line}");
            let known = job_of_key(jobs.ledger(), checked, &connection, &key);
            let known = known.map_err(|error| {
                let failure = of_jobs(error, &context.options());
                failure.of_node_type(&checked.node().name, &connection)
            })?;
            bought.push((checked, connection, known));
        }
        let bought = bought.iter();
        let bought = bought.map(|(checked, id, known)| (*checked, id.as_str(), known.as_ref()));
        self.check_limit(context, bought).await
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
        let unreadable = |why: &dyn Display| unreadable(lines, why);
        settings::refuse_twice(&self.source, &node)?;
        settings::refuse_wrong(&self.source.settings, &node)?;
        let file = input::open_file(lines).map_err(|error| unreadable(&error))?;
        let mut source = TextLines::new(file);
        let (mut bytes, mut count, mut noted) = (0, 0, 0);
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
            noted += note_line(number, &checked, noted, context);
            // Nothing is made of a batch with a refused line.
            if refused.first.is_none() {
                requests.push((number, checked));
            }
        }
        if noted > MAX_NOTES {
            let more = noted - MAX_NOTES;
            context
                .printer()
                .info(&format!("note: … and {more} more notes on lines"));
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

/// Notes which fields of a line are dropped or changed, advice, and damaged pictures; not the
/// defaults. `before`: the number of notes on earlier lines. Returns that of the new ones.
fn note_line(number: usize, checked: &Checked, before: usize, context: &Context) -> usize {
    let damaged = checked.pictures().filter_map(|(field, picture)| {
        Some(Note::of_field(field, picture_notes::damage(picture)?))
    });
    let mut count = 0;
    for note in plan::adjusted(checked.plan()).chain(damaged) {
        let line = Some(number);
        let note = Note { line, ..note };
        if before + count < MAX_NOTES {
            context.note(&note);
        } else {
            context.notes().add(&note);
        }
        count += 1;
    }
    count
}

/// The failure of a batch that cannot be read.
fn unreadable(lines: &Path, why: &dyn Display) -> Failure {
    let path = lines.display();
    let message = format!("the batch `{path}` cannot be read: {why}");
    corrected(
        message,
        "Name a file of input documents that exists with --batch",
    )
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
