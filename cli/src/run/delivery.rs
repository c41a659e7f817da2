//! Results of jobs that exist already: put back where they were removed, and delivered to another
//! place that the request names.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use zoetrope_host::driver::{WaitFor, deadline_after};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Comparison, Destination, Fetched, FileState, Jobs};
use zoetrope_host::ledger::{Job, Rows, State};

use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::jobs::only;
use crate::out_path::target_note;
use crate::progress::Progress;
use crate::recording::Recording;
use crate::report::{Failure, of_jobs, outcome};
use crate::wait::wait_for;

/// The places that a request names, by job.
pub(super) struct Delivery<'a> {
    pub(super) context: &'a Context,
    pub(super) jobs: &'a Jobs,
    pub(super) progress: &'a Arc<Progress>,
    pub(super) force: bool,
    pub(super) deadline: Duration,
    destinations: HashMap<String, Destination>,
    /// Of many jobs, those whose results could not be delivered, by job.
    failures: HashMap<String, Failure>,
}

/// The rows of jobs after their delivery.
pub(super) struct Delivered {
    /// They name the files at the places of the request.
    pub(super) rows: Rows,
    /// What kept results from these places, by job.
    pub(super) failures: HashMap<String, Failure>,
}

impl Delivered {
    /// The row of a single job; `before` if it was pruned meanwhile.
    pub(super) fn only(self, before: Job, options: &str) -> Result<Job, Failure> {
        match self.failures.into_values().next() {
            Some(failure) => Err(failure),
            None => only(self.rows, before, options),
        }
    }
}

impl<'a> Delivery<'a> {
    pub(super) fn new(
        context: &'a Context,
        jobs: &'a Jobs,
        progress: &'a Arc<Progress>,
        (force, deadline): (bool, Duration),
    ) -> Self {
        Self {
            context,
            jobs,
            progress,
            force,
            deadline,
            destinations: HashMap::new(),
            failures: HashMap::new(),
        }
    }

    /// Before the wait: a job without a result gets the place of its request as its target, and a
    /// result that was removed from its place is got again. Of many jobs, one whose file cannot be
    /// written keeps its row, so that the others are reported too.
    pub(super) async fn prepare(
        &mut self,
        rows: Vec<Job>,
        destinations: Vec<Destination>,
        interrupts: &mut Interrupts,
    ) -> Result<Vec<Job>, Failure> {
        let is_single = rows.len() == 1;
        let mut prepared = Vec::with_capacity(rows.len());
        for (row, destination) in rows.into_iter().zip(destinations) {
            let job = match self.prepared(row.clone(), &destination, interrupts).await {
                Ok(job) => job,
                Err(failure) if !is_single && failure.kind() == ErrorKind::DownloadFailed => {
                    self.failures.insert(row.spec.id.clone(), failure);
                    row
                }
                Err(failure) => return Err(failure),
            };
            self.destinations.insert(job.spec.id.clone(), destination);
            prepared.push(job);
        }
        Ok(prepared)
    }

    async fn prepared(
        &self,
        job: Job,
        destination: &Destination,
        interrupts: &mut Interrupts,
    ) -> Result<Job, Failure> {
        // What is known of a removed job is its file alone.
        if job.is_removed() {
            return Ok(job);
        }
        let options = self.context.options();
        let recording = Recording {
            jobs: self.jobs,
            options: &options,
            job: Some(&job),
            limit: self.deadline,
        };
        let other = destination.other_than(&job);
        if job.is_finalized() {
            let first = job
                .file()
                .map(|file| FileState::of(file, Comparison::Content));
            if other.is_some() && first != Some(FileState::Present) {
                // It is fetched to the other place.
                return Ok(job);
            }
            let until = deadline_after(self.deadline);
            // `--force` is about the place that the request names.
            let force = self.force && other.is_none();
            let work = self.jobs.put_back(&job, force, until);
            return recording.until_interrupted(work, interrupts).await;
        }
        let Some(target) = other else {
            return Ok(job);
        };
        if job.state() == State::Succeeded {
            // Its complete file may only lack its name.
            let until = deadline_after(self.deadline);
            let work = self.jobs.fetch_to(&job, &target, self.force, until);
            return Ok(match recording.until_interrupted(work, interrupts).await? {
                Fetched::Copied { job, .. }
                | Fetched::LeftAlone(job)
                | Fetched::TargetChanged(job) => job,
            });
        }
        let work = self.jobs.redirect(&job, destination, self.force);
        let redirected = recording.until_interrupted(work, interrupts).await?;
        if let Some(note) = target_note(&job.target, &redirected.target) {
            self.context.printer().info(&note);
        }
        Ok(redirected)
    }

    /// After the wait: copies results to the places of the request, or fetches them to there. A job
    /// whose result cannot be written there is among the failures.
    pub(super) async fn deliver(
        mut self,
        rows: Rows,
        waits: bool,
        interrupts: &mut Interrupts,
    ) -> Result<Delivered, Failure> {
        let Rows { jobs, damaged } = rows;
        let (mut delivered, mut fetched) = (Vec::with_capacity(jobs.len()), Vec::new());
        for job in jobs {
            let destination = self.destinations.get(&job.spec.id);
            let target = destination.filter(|_| job.is_finalized());
            let Some(target) = target.and_then(|destination| destination.other_than(&job)) else {
                delivered.push(job);
                continue;
            };
            let until = deadline_after(self.deadline);
            let fetching = self.jobs.fetch_to(&job, &target, self.force, until);
            self.failures.remove(&job.spec.id);
            let done = match fetching.await {
                Ok(done) => done,
                Err(error) => {
                    let failure = of_jobs(error, &self.context.options()).about(&job);
                    self.failures.insert(job.spec.id.clone(), failure);
                    delivered.push(job);
                    continue;
                }
            };
            delivered.push(match done {
                Fetched::Copied { job, files } => {
                    let note = outcome::not_copied(&job, &files);
                    self.context.note_all(note);
                    outcome::at(job, &files)
                }
                Fetched::LeftAlone(job) => job,
                Fetched::TargetChanged(job) => {
                    fetched.push(job.spec.id.clone());
                    job
                }
            });
        }
        if !fetched.is_empty() && waits {
            let settled = WaitFor::Settled;
            let rows = wait_for(self.jobs, self.progress, &fetched, settled, interrupts).await?;
            for row in rows.jobs {
                let mut jobs = delivered.iter_mut();
                if let Some(job) = jobs.find(|job| job.spec.id == row.spec.id) {
                    *job = row;
                }
            }
        }
        Ok(Delivered {
            rows: Rows {
                jobs: delivered,
                damaged,
            },
            failures: self.failures,
        })
    }
}
