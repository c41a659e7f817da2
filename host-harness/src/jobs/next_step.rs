//! The user's next step, as data. A command line shows it as commands, a server as links.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::credit::lacks_credit;
use crate::contract::{self, Charge};
use crate::disk::Shortage;
use crate::download::TargetError;
use crate::driver::DriverError;
use crate::driver::pure::{Time, may_submit};
use crate::error::ErrorKind;
use crate::ledger::{Job, LedgerError, State};
use crate::policy::Route;

/// The user's next step.
///
/// # Example
///
/// ```
/// use zoetrope_host::jobs::NextStep;
/// use zoetrope_host::ledger::{Job, JobSpec, Target};
///
/// let spec = JobSpec {
///     id: "01".into(),
///     node: "image_to_video".into(),
///     raw_input: "{}".into(),
///     raw_input_sha256: String::new(),
///     input: "{}".into(),
///     component: String::new(),
///     connection: "pixelml".into(),
///     provider_origin: "https://api.example.com".into(),
///     key: "order-66".into(),
///     idempotency_ms: 0,
///     created_at: 1_000,
/// };
/// let target = Target::File("/clips/1.mp4".into());
/// let job = Job::new(spec, target, "this process".into(), 60_000);
/// assert_eq!(NextStep::of(&job, 2_000), NextStep::SubmitOrDiscard { job: "01".into() });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// Resume the job.
    Resume {
        /// The job.
        job: String,
    },
    /// Resume the job, which submits it, or cancel it, which sends nothing: it was never submitted.
    SubmitOrDiscard {
        /// The job.
        job: String,
    },
    /// Resume all jobs that are not done.
    ResumeAll,
    /// Resume the job: a submit under the same key finds or starts it, and is charged at most
    /// once within the window.
    ResumeOnce {
        /// The job.
        job: String,
        /// How long the provider honours the key.
        window: Duration,
    },
    /// Resume the job, or fetch its result to another file.
    ResumeOrFetch {
        /// The job.
        job: String,
    },
    /// Repair this, then resume the job, or fetch its result to another file.
    ResumeRepaired {
        /// The job.
        job: String,
        /// What the download failed for.
        repair: Repair,
    },
    /// Put the file of the result back, or get it from the provider by other means, then resume the
    /// job: the result was removed from its place, and the provider has it no more.
    FindResult {
        /// The job.
        job: String,
        /// The provider's own id.
        provider_job_id: Option<String>,
    },
    /// Resume the job, which asks the provider for the result again, or submit it again.
    ResumeOrRetry {
        /// The job.
        job: String,
        /// Whether the job was or may have been charged: a further attempt is charged separately.
        charged: bool,
    },
    /// Configure the job's connection, or name the configuration that has it, then resume the job.
    ResumeConfigured {
        /// The connection.
        connection: String,
        /// The job.
        job: String,
    },
    /// Fetch the job's result to another file.
    Fetch {
        /// The job.
        job: String,
    },
    /// Look for the job at the provider, then adopt it or mark it as never started.
    Resolve {
        /// The job.
        job: String,
        /// The idempotency key, if the provider received it.
        key: Option<String>,
    },
    /// Adopt the provider's job.
    Adopt {
        /// The job.
        job: String,
        /// The provider's own id.
        provider_job_id: String,
    },
    /// Name another id of the provider, or adopt this one although the provider has not confirmed it.
    AdoptUnconfirmed {
        /// The job.
        job: String,
        /// The provider's own id.
        provider_job_id: String,
        /// Why it has not.
        why: Unconfirmed,
    },
    /// Show the job.
    Show {
        /// The job.
        job: String,
    },
    /// List the jobs.
    ListJobs,
    /// List the node types.
    ListNodes,
    /// Correct the input: no job was made.
    CorrectInput {
        /// The node type, whose fields can be shown.
        node: String,
    },
    /// Change the input, or submit the same input again: the job cost nothing.
    OtherInput {
        /// The node type, whose fields can be shown.
        node: String,
        /// The job.
        job: String,
    },
    /// Submit the job again: it cost nothing.
    Retry {
        /// The job.
        job: String,
    },
    /// Submit the job again and accept a further charge.
    RetryAgain {
        /// The job.
        job: String,
    },
    /// Add credit, or settle what else the provider refuses the account for, then resume the job.
    SettleAccount {
        /// The job.
        job: String,
    },
    /// Correct the connection's base URL, then run again: the job cost nothing.
    OtherBaseUrl {
        /// The connection.
        connection: String,
    },
    /// Correct the connection's base URL, then resume the job.
    ResumeWithBaseUrl {
        /// The connection.
        connection: String,
        /// The job.
        job: String,
    },
    /// Add credit at the provider, or raise its quota, then submit the job again: it cost nothing.
    AddCredit {
        /// The job.
        job: String,
    },
    /// Repeat the request with another picture.
    OtherPicture,
    /// Repeat the request with a picture file that exists and can be read.
    ReadablePicture,
    /// Convert the picture to a format that the provider accepts, and repeat the request.
    ConvertPicture,
    /// Repeat the request with another destination, or allow it to replace a file.
    OtherDestination,
    /// Repeat the request with another destination: nothing can be written at this one.
    FreeDestination,
    /// Create this folder, then repeat the request.
    CreateFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Make the folder of the destination writable, then repeat the request, or name another one.
    WritableFolder,
    /// Repeat the request under another key, which is a further purchase: of this job, the ledger
    /// keeps no input.
    NewRun,
    /// Repeat the request with another key, or show the job that has this one.
    OtherKey {
        /// The job that has the key.
        job: String,
    },
    /// Repeat the request with another key. The job that has this one was removed and cost nothing; its
    /// key is free once the keys of removed jobs are forgotten.
    FreeKey {
        /// The job that has the key.
        job: String,
    },
    /// Repeat the request with the component that made the job.
    OtherComponent,
    /// Repair this, then repeat the same request.
    Repeat(Repair),
    /// Fix the cause of the error, then repeat the same request: nothing was submitted.
    RepeatRepaired,
    /// Repeat the same request: nothing was submitted.
    RepeatUnsubmitted,
    /// Repeat the request under another key: its uploads may be charged as well.
    OtherUpload,
    /// Use a version of the pack whose manifest has this route of an upload, or name the route in
    /// the connection's option `files`.
    OtherVersion {
        /// The route.
        route: Route,
    },
    /// Use the newer version of the program, which wrote the ledger, or another ledger.
    UseNewer,
    /// Restore the ledger from a copy, or use another one.
    RestoreLedger,
    /// Repair the row of a job that may have been charged. The same request in another ledger
    /// could be charged again.
    RepairRow {
        /// The job.
        job: String,
    },
    /// Look for a charge at the provider: the pack reports a refusal that the host cannot confirm.
    LookForCharge {
        /// The job.
        job: String,
    },
    /// No further action: the job has ended.
    Nothing {
        /// Whether the provider ended it.
        by_provider: bool,
    },
    /// Read the program's own help.
    Help,
}

/// The part to repair before a request is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// The configuration.
    Configuration,
    /// The named connection, or its credential.
    Connection,
    /// The input.
    Input,
    /// Space on the disk, or of the user's quota.
    Space,
    /// The file that has the name of the result, which is to be moved.
    ExistingFile,
    /// The limit on the size of files.
    FileSize,
    /// The limit on open files.
    OpenFiles,
    /// The data directory: its permissions, or another one.
    DataDirectory,
    /// The cause in the error's text.
    Cause,
    /// Another process that holds the ledger or the jobs for long, which is to end.
    OtherProcess,
    /// The data directory, whose file system has no locks: another one.
    LocalDataDirectory,
    /// Unknown: a fault of this program, whose logs may have details.
    NothingKnown,
}

/// Why a provider has not confirmed an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfirmed {
    /// It does not know the id.
    UnknownId,
    /// It did not answer.
    NoAnswer,
    /// There is no usable connection to ask it over.
    NoConnection,
    /// No request can have this id.
    Impossible,
}

impl Unconfirmed {
    /// By the kind of the error of the poll.
    pub(super) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::JobLost => Self::UnknownId,
            ErrorKind::Denied => Self::Impossible,
            ErrorKind::Unauthorized => Self::NoConnection,
            kind if is_of_connection(kind) => Self::NoConnection,
            _ => Self::NoAnswer,
        }
    }
}

/// Whether the error is that of a connection that cannot be used.
pub(super) fn is_of_connection(kind: ErrorKind) -> bool {
    use ErrorKind::{BadConfig, ConnectionChanged, ConnectionUnavailable};
    matches!(kind, BadConfig | ConnectionChanged | ConnectionUnavailable)
}

impl NextStep {
    /// The next step for a job without a finished file.
    #[must_use]
    pub fn of(job: &Job, time: impl Into<Time>) -> Self {
        let id = job.spec.id.clone();
        let kind = job.last_error.as_ref().map(|error| error.kind);
        let is_settled = job.is_settled();
        match job.state() {
            State::Failed | State::Cancelled => Self::of_failed(job),
            State::Queued if is_settled && kind == Some(ErrorKind::AccountRefused) => {
                Self::SettleAccount { job: id }
            }
            // Under another account, a submit would be charged again.
            State::OutcomeUnknown
                if may_submit(job, time) && kind != Some(ErrorKind::ConnectionChanged) =>
            {
                Self::ResumeOnce {
                    job: id,
                    window: Duration::from_millis(job.spec.idempotency_ms.unsigned_abs()),
                }
            }
            state if state == State::OutcomeUnknown || is_lost(job) => Self::Resolve {
                job: id,
                // The provider cannot find the job by a key that it did not receive.
                key: job.is_keyed().then(|| job.provider_key().into_owned()),
            },
            State::Queued | State::Started | State::Succeeded
                if is_settled && is_not_configured(job) =>
            {
                Self::ResumeConfigured {
                    connection: job.spec.connection.clone(),
                    job: id,
                }
            }
            State::Succeeded if job.is_result_lost() && job.file().is_some() => Self::FindResult {
                job: id,
                provider_job_id: job.provider_job_id().map(str::to_owned),
            },
            State::Succeeded if is_settled && kind == Some(ErrorKind::DownloadFailed) => {
                match repair_of_download(job) {
                    Some(repair) => Self::ResumeRepaired { job: id, repair },
                    None => Self::ResumeOrFetch { job: id },
                }
            }
            State::Started | State::Succeeded if is_settled && needs_base_url(job) => {
                Self::ResumeWithBaseUrl {
                    connection: job.spec.connection.clone(),
                    job: id,
                }
            }
            State::Queued if job.submits() == 0 => Self::SubmitOrDiscard { job: id },
            _ => Self::Resume { job: id },
        }
    }

    /// The next step for a job that ended without a result.
    fn of_failed(job: &Job) -> Self {
        let id = job.spec.id.clone();
        let kind = job.last_error.as_ref().map(|error| error.kind);
        let charge = job.charge();
        if job.has_no_result() && !job.is_removed() && !job.lacks_input() {
            let charged = charge != Charge::No;
            return Self::ResumeOrRetry { job: id, charged };
        }
        if job.has_no_result() {
            return Self::Resume { job: id };
        }
        if job.is_removed() || job.lacks_input() {
            return Self::NewRun;
        }
        let has_uploads = job.billing.has_uploads;
        match job.state() {
            _ if charge == Charge::No => Self::of_uncharged(job),
            _ if job.ticket().is_some() => Self::RetryAgain { job: id },
            _ if has_uploads && job.local_pictures.are_pending() => Self::OtherUpload,
            State::Failed
                if kind == Some(ErrorKind::Rejected)
                    && charge == Charge::Unknown
                    && !has_uploads =>
            {
                Self::LookForCharge { job: id }
            }
            _ => Self::RetryAgain { job: id },
        }
    }

    /// The next step for a job that ended without a charge.
    fn of_uncharged(job: &Job) -> Self {
        let (id, node) = (job.spec.id.clone(), job.spec.node.clone());
        let is_of_request = job.ticket().is_none()
            && job.state() == State::Failed
            && job
                .last_error
                .as_ref()
                .is_some_and(|error| error.kind == ErrorKind::Rejected);
        let message = job.last_error.as_ref().map(|error| error.message.as_str());
        if needs_base_url(job) {
            Self::OtherBaseUrl {
                connection: job.spec.connection.clone(),
            }
        } else if job.state() == State::Failed && message.is_some_and(lacks_credit) {
            Self::AddCredit { job: id }
        } else if job.local_pictures.are_pending() && job.state() == State::Failed {
            Self::OtherPicture
        } else if is_of_request {
            Self::OtherInput { node, job: id }
        } else {
            Self::Retry { job: id }
        }
    }

    /// The next step when no result can be written to a destination, before anything is sent.
    #[must_use]
    pub fn of_target(error: &TargetError) -> Self {
        match error {
            TargetError::Exists { .. } => Self::OtherDestination,
            TargetError::Unwritable { folder, source } => match Shortage::of(source) {
                Some(lacks) => Self::repeat(lacks.into()),
                None if source.kind() == io::ErrorKind::NotFound => Self::CreateFolder {
                    folder: folder.clone(),
                },
                None if source.kind() == io::ErrorKind::NotADirectory => Self::FreeDestination,
                None => Self::WritableFolder,
            },
            _ => Self::FreeDestination,
        }
    }

    /// The next step when the ledger, or a file beside it, cannot be used.
    #[must_use]
    pub fn of_driver(error: &DriverError) -> Self {
        match error {
            DriverError::Ledger(error) => Self::of_ledger(error),
            error if error.is_of_file_system() => Self::repeat(Repair::LocalDataDirectory),
            DriverError::File { source, .. } => Self::repeat(repair(Shortage::of(source))),
            DriverError::Outwaited => Self::ResumeAll,
            DriverError::NoLocks { .. } => Self::repeat(Repair::LocalDataDirectory),
            DriverError::HeldUp { .. } | DriverError::LedgerHeld => {
                Self::repeat(Repair::OtherProcess)
            }
        }
    }

    /// The next step when a key belongs to a job with another input.
    pub(super) fn of_conflict(job: &str, is_unpaid: bool) -> Self {
        let job = job.to_owned();
        if is_unpaid {
            Self::FreeKey { job }
        } else {
            Self::OtherKey { job }
        }
    }

    /// The next step when the ledger cannot be used.
    #[must_use]
    pub fn of_ledger(error: &LedgerError) -> Self {
        match error {
            LedgerError::KeyConflict { job, is_unpaid } => Self::of_conflict(job, *is_unpaid),
            LedgerError::Newer { .. } => Self::UseNewer,
            LedgerError::Damaged { .. } | LedgerError::Foreign { .. } => {
                error.damaged_row().map_or(Self::RestoreLedger, |row| {
                    let job = row.job.clone();
                    Self::RepairRow { job }
                })
            }
            LedgerError::Busy { .. } => Self::repeat(Repair::OtherProcess),
            LedgerError::Stopped => Self::repeat(Repair::NothingKnown),
            // A file in its place, or a file system such as `/proc`. Rights have another error.
            LedgerError::Folder { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::NotADirectory
                        | io::ErrorKind::AlreadyExists
                ) =>
            {
                Self::repeat(Repair::LocalDataDirectory)
            }
            error => Self::repeat(repair(error.lacks())),
        }
    }

    /// Repair this, then repeat the same request.
    #[must_use]
    pub fn repeat(repair: Repair) -> Self {
        Self::Repeat(repair)
    }
}

impl From<Shortage> for Repair {
    fn from(lacks: Shortage) -> Self {
        match lacks {
            Shortage::Space => Self::Space,
            Shortage::FileSize => Self::FileSize,
            Shortage::OpenFiles => Self::OpenFiles,
        }
    }
}

fn repair(lacks: Option<Shortage>) -> Repair {
    lacks.map_or(Repair::DataDirectory, Repair::from)
}

/// Whether the configuration in use has no connection of the job's id.
fn is_not_configured(job: &Job) -> bool {
    job.last_error.as_ref().is_some_and(|error| {
        error.kind == ErrorKind::ConnectionUnavailable
            && error.message.starts_with("there is no connection `")
    })
}

/// What to repair on this machine after a failed download, if its error says so.
fn repair_of_download(job: &Job) -> Option<Repair> {
    let message = job.last_error.as_ref()?.message.as_str();
    if message.contains("` exists already") {
        return Some(Repair::ExistingFile);
    }
    Shortage::in_text(message).map(Repair::from)
}

/// Whether the component advises to change the connection after the provider redirected a
/// request, or did not know its path.
fn needs_base_url(job: &Job) -> bool {
    let error = job.last_error.as_ref();
    error.is_some_and(|error| {
        error.kind == ErrorKind::Rejected && error.advice == Some(contract::NextStep::FixConnection)
    })
}

/// Whether the provider does not know the job under the id that the user gave.
fn is_lost(job: &Job) -> bool {
    let kind = job.last_error.as_ref().map(|error| error.kind);
    let is_unconfirmed = job
        .stage
        .provider_job()
        .is_some_and(|job| job.is_unconfirmed);
    is_unconfirmed && job.is_settled() && kind == Some(ErrorKind::JobLost)
}

#[cfg(test)]
mod tests;
