//! Waits until a command is recorded in the ledger, while another process may hold it.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zoetrope_host::driver::{DriverError, HeldUp};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Jobs, JobsError};
use zoetrope_host::ledger::Job;

use super::interrupts::Interrupts;
use super::report::{Failure, Phase, of_jobs, outcome};

/// How long after the deadline a command is still recorded: it writes to the ledger alone.
const GRACE: Duration = Duration::from_secs(1);

/// A command that is about to be recorded.
pub(super) struct Recording<'a> {
    pub(super) jobs: &'a Jobs,
    /// The global options to repeat in commands.
    pub(super) options: &'a str,
    /// The job that it is for, if there is one already.
    pub(super) job: Option<&'a Job>,
    /// The deadline of the command.
    pub(super) limit: Duration,
}

impl Recording<'_> {
    /// The result of `work`, unless a signal or the deadline ends the wait for it. Nothing is sent
    /// before: `work` writes to the ledger alone, and may still do so until this process ends.
    pub(super) fn until_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, JobsError>>,
        interrupts: &mut Interrupts,
    ) -> impl Future<Output = Result<T, Failure>> {
        // On the heap: each future around it would otherwise hold it once more.
        let work = Box::pin(work);
        async move { self.wait(work, interrupts).await }
    }

    async fn wait<T>(
        &self,
        mut work: impl Future<Output = Result<T, JobsError>> + Unpin,
        interrupts: &mut Interrupts,
    ) -> Result<T, Failure> {
        let (kind, message) = tokio::select! {
            biased;
            done = &mut work => return done.map_err(|error| self.failed(error)),
            _ = interrupts.next() => {
                (ErrorKind::Interrupted, "interrupted before the command was recorded")
            }
            () = sleep(self.limit) => {
                // What is recorded now has its deadline behind it, and is answered as a job.
                if let Ok(done) = timeout(GRACE, &mut work).await {
                    return done.map_err(|error| self.failed(error));
                }
                (ErrorKind::Deadline, "the deadline passed before the command was recorded")
            }
        };
        let holder = self.holder();
        let held = if holder.is_empty() || kind != ErrorKind::Deadline {
            ""
        } else {
            ": another process holds the data directory"
        };
        let message = format!("{message}{held}; nothing was sent{holder}");
        let again = "Run the same command again (nothing was sent)";
        Err(match self.job {
            None => Failure::new(kind, Phase::Setup, message).then(format!(
                "List the jobs: zoetrope jobs{0}. If the new one is there, run: zoetrope jobs \
                 resume --all{0}. Otherwise run the same command again",
                self.options
            )),
            Some(job) => {
                let id = &job.spec.id;
                Failure::new(kind, outcome::phase(job), message)
                    .about(job)
                    .then(format!(
                        "{again}; show the job: zoetrope jobs show {id}{}",
                        self.options
                    ))
            }
        })
    }

    fn failed(&self, error: JobsError) -> Failure {
        let is_busy = match &error {
            JobsError::Driver(DriverError::Ledger(error))
            | JobsError::Unwritten {
                source: DriverError::Ledger(error),
                ..
            }
            | JobsError::NotResumed {
                source: DriverError::Ledger(error),
                ..
            } => error.is_busy(),
            _ => false,
        };
        let failure = of_jobs(error, self.options);
        if is_busy {
            failure.with(&self.holder())
        } else {
            failure
        }
    }

    /// After a semicolon, the process that may hold the data directory; empty if none is known.
    fn holder(&self) -> String {
        let ledger = self.jobs.ledger();
        if let Some(owner) = ledger.files_owner() {
            return format!("; {owner} removes files of the data directory and may be stopped");
        }
        match ledger.driving_process() {
            Ok(process @ Some(_)) => format!("; {}", HeldUp { process }),
            _ => String::new(),
        }
    }
}
