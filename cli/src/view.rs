//! What a person sees while jobs are driven: one job's progress, or a crowd's.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zoetrope_host::driver::{JobUpdate, Listener};
use zoetrope_host::jobs::NextStep;
use zoetrope_host::ledger::{Job, State};
use zoetrope_host::sanitize::sanitize;

use super::printer::Printer;
use super::progress::Progress;
use super::report::next_step;

pub(super) struct View(Mutex<Inner>);

struct Inner {
    progress: Progress,
    /// The global options that a further command needs.
    options: String,
    /// What is to be done about each job that was accepted and is not written down.
    unrecorded: BTreeMap<String, String>,
    /// The state of each job that is waited for, and whether it is settled.
    watched: HashMap<String, (State, bool)>,
}

impl View {
    /// `options`: the global options that a further command needs.
    pub(super) fn new(options: String, printer: Printer) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner {
            progress: Progress::new(printer),
            options,
            unrecorded: BTreeMap::new(),
            watched: HashMap::new(),
        })))
    }

    /// Tells the view what happens.
    pub(super) fn listener(self: &Arc<Self>) -> Listener {
        let view = Arc::clone(self);
        Arc::new(move |id, news| view.inner().hear(id, &news))
    }

    /// From now on these jobs are shown.
    pub(super) fn watch(&self, ids: &[String]) {
        let mut inner = self.inner();
        inner.watched = ids
            .iter()
            .map(|id| (id.clone(), (State::Queued, false)))
            .collect();
    }

    /// Says something beside the progress.
    pub(super) fn say(&self, line: &str) {
        self.inner().progress.say(line);
    }

    /// The command that goes on with these jobs once the ledger can be written again.
    pub(super) fn way_on(&self, ids: &[String]) -> String {
        let inner = self.inner();
        let resume = match ids {
            [only] => NextStep::Resume { job: only.clone() },
            _ => NextStep::ResumeAll,
        };
        let resume = next_step::text(&resume, &inner.options);
        let steps: Vec<_> = inner.unrecorded.values().cloned().chain([resume]).collect();
        steps.join(" && ")
    }

    /// Clears the progress, so that what follows stands alone.
    pub(super) fn end(&self) {
        self.inner().progress.end();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn hear(&mut self, id: &str, news: &JobUpdate<'_>) {
        if let JobUpdate::Unrecorded {
            ticket,
            provider_job_id,
            error,
            ..
        } = news
        {
            self.progress.say(&format!(
                "warning: job {id} was accepted and may be paid for, but that cannot be written down: {error}"
            ));
            self.progress
                .say(&format!("provider job id: {provider_job_id}"));
            self.progress.say(&format!("ticket: {}", sanitize(ticket)));
            let adopt = NextStep::Adopt {
                job: id.to_owned(),
                provider_job_id: (*provider_job_id).to_owned(),
            };
            let resolve = next_step::text(&adopt, &self.options);
            self.progress
                .say(&format!("when the ledger can be written again: {resolve}"));
            self.unrecorded.insert(id.to_owned(), resolve);
            return;
        }
        if let JobUpdate::Committed(job) = news
            && job.ticket().is_some()
        {
            self.unrecorded.remove(id);
        }
        if !self.watched.contains_key(id) {
            return;
        }
        if self.watched.len() == 1 {
            self.hear_of_one(id, news);
        } else if let JobUpdate::Committed(job) = news {
            self.watched
                .insert(id.to_owned(), (job.state(), job.is_settled()));
            self.show_many();
        }
    }

    fn hear_of_one(&mut self, id: &str, news: &JobUpdate<'_>) {
        match news {
            JobUpdate::Progress {
                stage,
                fraction,
                message,
            } => self.progress.at(stage.as_str(), *fraction, *message),
            JobUpdate::Downloading(received) => {
                self.progress.downloading(received.bytes, received.total);
            }
            JobUpdate::Committed(job) => {
                let known = (job.state(), job.is_settled());
                let before = self.watched.insert(id.to_owned(), known);
                self.show_one(job, before.is_none_or(|(state, _)| state != job.state()));
            }
            JobUpdate::Unrecorded { .. } => {}
        }
    }

    fn show_one(&mut self, job: &Job, is_news: bool) {
        if job.is_settled() {
            return;
        }
        if let Some(error) = &job.last_error {
            self.progress.at("trying again", None, Some(&error.message));
        } else if is_news && job.state() == State::Started {
            self.progress.at("submitted", None, job.provider_job_id());
        }
    }

    fn show_many(&mut self) {
        let mut counts = [0_usize; 5];
        for (state, is_settled) in self.watched.values() {
            let place = match (state, is_settled) {
                (State::Succeeded, true) => 0,
                (_, true) => 1,
                (State::Succeeded, false) => 2,
                (State::Started, false) => 3,
                _ => 4,
            };
            counts[place] += 1;
        }
        let [done, stopped, downloading, started, waiting] = counts;
        let all = self.watched.len();
        #[expect(clippy::cast_precision_loss, reason = "for a percentage")]
        let fraction = (done + stopped) as f32 / all as f32;
        let said = format!(
            "{done} of {all} in place, {stopped} without a result, {downloading} to download, \
             {started} at the provider, {waiting} to submit"
        );
        self.progress.at("jobs", Some(fraction), Some(&said));
    }
}
