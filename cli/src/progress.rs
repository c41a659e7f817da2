//! The progress of the jobs that a command waits for: of one job in detail, of many as counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zoetrope_host::driver::{JobUpdate, Listener};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::NextStep;
use zoetrope_host::ledger::{Job, LedgerError, Rows, State};
use zoetrope_host::sanitize::line;

use super::events::Events;
use super::places::{Known, Place, Places};
use super::printer::Printer;
use super::report::next_step;
use super::terminal_line::TerminalLine;

/// The progress of jobs, shared with the driver's listener.
pub(super) struct Progress(Mutex<Inner>);

struct Inner {
    line: TerminalLine,
    events: Events,
    /// Whether the answer is JSON, so that the final state is not in it for people.
    is_json: bool,
    /// Whether the jobs were known before the command.
    is_following: bool,
    /// Whether the command ends at the acceptance, and names the job itself.
    is_detached: bool,
    /// The global options to repeat in a suggested command.
    options: String,
    /// For each accepted job that is not recorded in the ledger: the command that records it.
    unrecorded: BTreeMap<String, String>,
    /// For each job whose wait has ended because of another process: the text about that process.
    ended: HashMap<String, String>,
    /// The awaited jobs whose acceptance was reported, or known before.
    accepted: HashSet<String>,
    /// Where each awaited job is.
    watched: Places,
    /// The state of the only one.
    state: Option<State>,
}

impl Progress {
    /// `options`: the global options to repeat in suggested commands.
    pub(super) fn new(options: String, printer: Printer) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner {
            events: Events::new(printer.clone()),
            is_json: printer.json(),
            is_following: false,
            is_detached: false,
            line: TerminalLine::new(printer),
            options,
            unrecorded: BTreeMap::new(),
            ended: HashMap::new(),
            accepted: HashSet::new(),
            watched: Places::default(),
            state: None,
        })))
    }

    /// A listener that shows the driver's updates.
    pub(super) fn listener(self: &Arc<Self>) -> Listener {
        let progress = Arc::clone(self);
        Arc::new(move |id, update| progress.inner().update(id, &update))
    }

    /// The global options to repeat in suggested commands.
    pub(super) fn options(&self) -> String {
        self.inner().options.clone()
    }

    /// Shows these jobs from now on, which have these rows.
    pub(super) fn watch(&self, ids: &[String], rows: &Rows) {
        let mut inner = self.inner();
        inner.watched = Places::default();
        for id in ids {
            inner.watched.put(id, Known::at(Place::Waiting));
        }
        for row in rows.damaged.iter().filter_map(LedgerError::damaged_row) {
            inner.watched.put(&row.job, Known::at(Place::Stopped));
        }
        for job in &rows.jobs {
            inner.watched.put(&job.spec.id, Known::of(job));
            inner.events.committed(job);
        }
        match (ids, rows.jobs.as_slice()) {
            ([_], [job]) => {
                inner.state = Some(job.state());
                let is_started = job.state() == State::Started;
                if !job.is_done() && (inner.is_following || is_started) {
                    let following = format!("following job {}", job.spec.id);
                    inner.line.show(&following, None, None);
                }
            }
            ([], _) => {}
            _ => inner.show_many(),
        }
    }

    /// Does not report that this job is accepted: the caller was given its id.
    pub(super) fn is_known(&self, job: &Job) {
        let mut inner = self.inner();
        inner.is_following = true;
        inner.accepted.insert(job.spec.id.clone());
    }

    /// Does not report acceptances: the command ends at that of its job, whose id is its answer.
    pub(super) fn is_detached(&self) {
        self.inner().is_detached = true;
    }

    /// Shows the rows of jobs, which another process may have changed.
    pub(super) fn show_rows(&self, jobs: &[Job]) {
        let mut inner = self.inner();
        for job in jobs {
            inner.update(&job.spec.id, &JobUpdate::Committed(job));
        }
    }

    /// The jobs that have not ended.
    pub(super) fn unfinished(&self) -> Vec<String> {
        self.inner().watched.unfinished()
    }

    /// The first of these jobs whose acceptance was not reported.
    pub(super) fn unreported(&self, ids: &[String], most: usize) -> Vec<String> {
        let inner = self.inner();
        let unreported = ids.iter().filter(|id| !inner.accepted.contains(*id));
        unreported.take(most).cloned().collect()
    }

    /// Reports a job, if the provider has accepted it and it was not reported.
    pub(super) fn report_acceptance(&self, job: &Job) {
        self.inner().report_acceptance(job);
    }

    /// Prints a message above the progress.
    pub(super) fn message(&self, message: &str) {
        self.inner().line.message(message);
    }

    /// The same for a message that `--quiet` leaves out.
    pub(super) fn note(&self, message: &str) {
        self.inner().line.info(message);
    }

    /// The commands that resume these jobs once the ledger can be written again.
    pub(super) fn resume_commands(&self, ids: &[String]) -> String {
        let inner = self.inner();
        let resume = match ids {
            [only] => NextStep::Resume { job: only.clone() },
            _ => NextStep::ResumeAll,
        };
        let resume = next_step::text(&resume, &inner.options);
        let steps: Vec<_> = inner.unrecorded.values().cloned().chain([resume]).collect();
        steps.join(" && ")
    }

    /// Adds to the errors of jobs which process has held them up: their rows do not say it.
    pub(super) fn explain(&self, jobs: &mut [Job]) {
        let inner = self.inner();
        for job in jobs {
            if let (Some(why), Some(error)) = (inner.ended.get(&job.spec.id), &mut job.last_error)
                && error.kind == ErrorKind::Deadline
            {
                error.message = format!("{}; {why}", error.message);
            }
        }
    }

    /// Removes the progress line.
    pub(super) fn end(&self) {
        self.inner().line.end();
    }

    /// Shows the final state of these rows, and removes the progress line.
    pub(super) fn finish(&self, jobs: &[Job]) {
        let mut inner = self.inner();
        for job in jobs {
            inner.events.committed(job);
            if inner.watched.contains(&job.spec.id) {
                inner.watched.put(&job.spec.id, Known::of(job));
            }
        }
        match (inner.watched.len(), jobs) {
            // For people, the result or the error follows.
            (1, [job]) if inner.is_json => inner.line.finish(job.state().as_str()),
            (0 | 1, _) => inner.line.end(),
            _ => {
                let text = inner.watched.texts().swap_remove(0);
                inner.line.finish(&text);
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn update(&mut self, id: &str, update: &JobUpdate<'_>) {
        if self.watched.contains(id) {
            self.events.updated(id, update);
        }
        if let JobUpdate::Unrecorded {
            ticket,
            provider_job_id,
            error,
            ..
        } = update
        {
            self.line.message(&format!(
                "warning: the provider accepted job {id} and may charge it, but the ledger cannot record it: {error}"
            ));
            self.line
                .message(&format!("provider job id: {provider_job_id}"));
            self.line.message(&format!("ticket: {}", line(ticket)));
            let adopt = NextStep::Adopt {
                job: id.to_owned(),
                provider_job_id: (*provider_job_id).to_owned(),
            };
            let resolve = next_step::text(&adopt, &self.options);
            self.line.message(&format!(
                "When the ledger can be written again, run: {resolve}"
            ));
            self.unrecorded.insert(id.to_owned(), resolve);
            return;
        }
        if let JobUpdate::HeldUp(held_up) = update {
            self.line.info(&format!("Still waiting: {held_up}"));
            return;
        }
        if let JobUpdate::WaitEnded(held_up) = update {
            self.ended.insert(id.to_owned(), held_up.to_string());
            return;
        }
        if let JobUpdate::Committed(job) = update
            && job.ticket().is_some()
        {
            self.unrecorded.remove(id);
        }
        if !self.watched.contains(id) {
            return;
        }
        if let JobUpdate::Committed(job) = update {
            self.report_acceptance(job);
        }
        if self.watched.len() == 1 {
            self.update_one(id, update);
        } else if let JobUpdate::Committed(job) = update {
            self.watched.put(id, Known::of(job));
            self.show_many();
        }
    }

    /// Prints the id of a job that the provider has accepted, once: it finds the job again when
    /// this process is killed. A settled job is reported with its result.
    fn report_acceptance(&mut self, job: &Job) {
        let id = &job.spec.id;
        // The provider accepted a job with a file long ago: the file is put back at its place.
        if job.file().is_some() {
            self.accepted.insert(id.clone());
        }
        let is_due = job.ticket().is_some() || job.is_settled();
        if !is_due || !self.accepted.insert(id.clone()) || job.is_settled() || self.is_detached {
            return;
        }
        let message = if self.watched.len() == 1 {
            let resume = NextStep::Resume { job: id.clone() };
            let resume = next_step::text(&resume, &self.options);
            format!("job {id}: accepted by the provider. If this command is killed, run: {resume}")
        } else {
            let key = line(&job.spec.key);
            format!("job {id}: accepted by the provider, key {key}")
        };
        self.line.info(&message);
    }

    fn update_one(&mut self, id: &str, update: &JobUpdate<'_>) {
        match update {
            JobUpdate::Progress {
                stage,
                fraction,
                message,
            } => self.line.show(stage.as_str(), *fraction, *message),
            JobUpdate::Uploading => self.line.show("uploading", None, None),
            JobUpdate::Downloading(received) => {
                self.line.downloading(received.bytes, received.total);
            }
            JobUpdate::Committed(job) => {
                self.watched.put(id, Known::of(job));
                let before = self.state.replace(job.state());
                self.show_one(job, before != Some(job.state()));
            }
            JobUpdate::Unrecorded { .. } | JobUpdate::HeldUp(_) | JobUpdate::WaitEnded(_) => {}
        }
    }

    fn show_one(&mut self, job: &Job, is_new_state: bool) {
        if job.is_settled() {
            return;
        }
        if let Some(error) = &job.last_error {
            self.line.show_again(&error.message);
        } else if is_new_state && job.state() == State::Started {
            self.line.show("accepted", None, None);
        }
    }

    fn show_many(&mut self) {
        let (texts, fraction) = (self.watched.texts(), self.watched.fraction());
        self.line.show_counts(texts, fraction);
    }
}
