//! Errors of commands.

use std::io;
use std::path::PathBuf;

use super::names::{LAST, SHORTEST};
use super::next_step::{NextStep, Repair, Unconfirmed};
use super::spent::Spent;
use crate::component::CallError;
use crate::contract::Charge;
use crate::disk::Shortage;
use crate::download::{DownloadError, TargetError};
use crate::driver::{DriverError, Time};
use crate::egress::{Denial, EgressError, NotSent};
use crate::error::ErrorKind;
use crate::ledger::{Job, JobError, LedgerError, RemovedJob, State};
use crate::media::MediaError;
use crate::policy::Missing;
use crate::sanitize::sentence;
use crate::similar::most_similar;

/// Why a command failed. For the variants up to [`JobsError::Prune`], no job was made or
/// changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobsError {
    /// The component's call that lists its node types failed.
    #[error("the node types cannot be listed")]
    List(#[source] CallError),
    /// The component has no node type of this name.
    #[error("there is no node type `{}`", sentence(name))]
    UnknownNodeType {
        /// The name.
        name: String,
        /// The component's node types.
        known: Vec<String>,
    },
    /// The component refuses the input, or the call failed.
    #[error("the input is not accepted")]
    Check {
        /// The node type.
        node: String,
        /// The component's error.
        source: CallError,
    },
    /// The component's completed input, or an input that it accepted, is not JSON.
    #[error("the input is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// A `file:` URL is not a path.
    #[error("{field}: a `file:` URL {fault}")]
    FileUrl {
        /// JSON Pointer of the field.
        field: String,
        /// The fault, after "a `file:` URL".
        fault: &'static str,
    },
    /// A local picture cannot be used. Nothing was uploaded.
    #[error(transparent)]
    Picture(MediaError),
    /// The node needs no provider.
    #[error("`{node}` needs no provider, so no job can be made of it")]
    NoProvider {
        /// The node type.
        node: String,
    },
    /// The connection cannot be opened.
    #[error("{}", .0.message)]
    Connection(JobError),
    /// The destination cannot be used.
    #[error(transparent)]
    Target(TargetError),
    /// The folder of the destination cannot be created.
    #[error("the folder `{}` cannot be created", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The connection has another job under the same key.
    #[error("the idempotency key belongs to job {job}, which has another input")]
    KeyConflict {
        /// That job.
        job: String,
        /// Whether it was removed and cost nothing, so that its key is kept for its input alone.
        is_unpaid: bool,
    },
    /// No job has this name.
    #[error("there is no job `{}`{}", sentence(id), suggestion(id, similar.as_deref()))]
    NoSuchJob {
        /// The name: an id, its beginning, an id of the provider, or `last`.
        id: String,
        /// The only id that begins nearly so.
        similar: Option<String>,
    },
    /// The job of this id has ended and was removed.
    #[error("the job {} has ended and was removed from the ledger", .removed.job.spec.id)]
    Removed {
        /// What is known of it.
        removed: Box<RemovedJob>,
    },
    /// The removed job is of another component, so this program's does not get it.
    #[error(
        "the job {} was removed from the ledger, and this component has no node type `{}`",
        .removed.job.spec.id,
        sentence(&.removed.job.spec.node)
    )]
    OtherComponent {
        /// What is known of it. It stays removed.
        removed: Box<RemovedJob>,
    },
    /// Another job is this job of the provider.
    #[error(
        "the provider's job `{}` is that of job {job}",
        sentence(provider_job_id)
    )]
    OtherJob {
        /// The job that was asked about, which did not change.
        asked: Box<Job>,
        /// The other job.
        job: String,
        /// The provider's own id.
        provider_job_id: String,
    },
    /// Several jobs have ids that begin with this name, or have it at their providers.
    #[error("`{}` names several jobs", sentence(id))]
    AmbiguousId {
        /// The name.
        id: String,
        /// The first of the jobs that can be read.
        candidates: Vec<Job>,
    },
    /// It is known whether the provider accepted the job.
    #[error("the job's outcome is known: its state is {}", .job.state().as_str())]
    OutcomeKnown {
        /// The job.
        job: Box<Job>,
    },
    /// The job has not ended without a result, so it is not submitted again.
    #[error("{}", not_failed(.job))]
    NotFailed {
        /// The job.
        job: Box<Job>,
    },
    /// The job was removed and put back, without its input.
    #[error(
        "the input of the job was not kept when it was removed, so it cannot be submitted again"
    )]
    WithoutInput {
        /// The job.
        job: Box<Job>,
    },
    /// The job ended without a result, and was or may have been charged.
    #[error("{} for the job: {spent}; a further attempt is charged separately", charged(.job))]
    MayBeCharged {
        /// The job.
        job: Box<Job>,
        /// What was or may have been charged.
        spent: Spent,
    },
    /// The ledger, or a file beside it, cannot be used.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// Pictures of no job cannot be removed.
    #[error(transparent)]
    Prune(io::Error),
    /// The component did not return a ticket for the provider's id.
    #[error("{}", .error.message)]
    NotAdopted {
        /// The job, which did not change.
        job: Box<Job>,
        /// The error of the component or its connection.
        error: JobError,
    },
    /// The provider does not know a job of this id, or did not say whether it does.
    #[error("{}", unconfirmed(provider_job_id, .error))]
    Unconfirmed {
        /// The job, which did not change.
        job: Box<Job>,
        /// The id that was asked for.
        provider_job_id: String,
        /// What the provider or its connection says.
        error: JobError,
    },
    /// A request for an existing job failed. The job did not change.
    #[error("{error}")]
    OfJob {
        /// The job.
        job: Box<Job>,
        /// Why.
        error: Box<JobsError>,
    },
    /// The file could not be copied.
    #[error("the file cannot be copied")]
    Copy {
        /// The job, which did not change.
        job: Box<Job>,
        /// The cause.
        source: DownloadError,
    },
    /// The command for this job could not be committed.
    #[error("the command for the job cannot be written to the ledger")]
    Unwritten {
        /// The job before the command.
        job: Box<Job>,
        /// The cause.
        source: DriverError,
    },
    /// The command to resume all jobs could not be committed for all of them.
    #[error("not all jobs can be resumed")]
    NotResumed {
        /// One of the jobs that are not done and may have been charged.
        spent: Option<Box<Job>>,
        /// The cause.
        source: DriverError,
    },
}

impl JobsError {
    /// The kind of the error. `None` if it is in the [`CallError`].
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        Some(match self {
            Self::UnknownNodeType { .. } | Self::OtherComponent { .. } => {
                ErrorKind::UnknownNodeType
            }
            Self::NotJson(_) | Self::Prune(_) => ErrorKind::Internal,
            Self::FileUrl { .. } | Self::NoProvider { .. } => ErrorKind::Unsupported,
            Self::NotFailed { job } if job.state() == State::OutcomeUnknown => {
                ErrorKind::OutcomeUnknown
            }
            Self::Picture(error) => return error.kind(),
            Self::Target(_)
            | Self::Folder { .. }
            | Self::NoSuchJob { .. }
            | Self::Removed { .. }
            | Self::OtherJob { .. }
            | Self::AmbiguousId { .. }
            | Self::OutcomeKnown { .. }
            | Self::NotFailed { .. }
            | Self::WithoutInput { .. }
            | Self::MayBeCharged { .. } => ErrorKind::Usage,
            Self::KeyConflict { .. } => ErrorKind::KeyConflict,
            Self::Driver(error)
            | Self::Unwritten { source: error, .. }
            | Self::NotResumed { source: error, .. } => error.kind(),
            Self::Copy { .. } => ErrorKind::DownloadFailed,
            Self::OfJob { error, .. } => return error.kind(),
            Self::Connection(error)
            | Self::NotAdopted { error, .. }
            | Self::Unconfirmed { error, .. } => error.kind,
            Self::List(_) | Self::Check { .. } => return None,
        })
    }

    /// The user's next step.
    #[must_use]
    pub fn next_step(&self) -> NextStep {
        match self {
            Self::UnknownNodeType { .. } => NextStep::ListNodes,
            Self::Check { node, source } => next_of_check(node, source),
            Self::FileUrl { .. } => NextStep::repeat(Repair::Input),
            Self::Picture(error) => next_of_picture(error),
            Self::Connection(error) if error.kind == ErrorKind::Denied => {
                NextStep::repeat(Repair::Configuration)
            }
            Self::Connection(_) => NextStep::repeat(Repair::Connection),
            Self::Target(error) => NextStep::of_target(error),
            Self::Folder { source, .. } => match Shortage::of(source) {
                Some(lacks) => NextStep::repeat(lacks.into()),
                None => NextStep::FreeDestination,
            },
            Self::KeyConflict { job, is_unpaid } => NextStep::of_conflict(job, *is_unpaid),
            Self::NoSuchJob { .. } | Self::AmbiguousId { .. } => NextStep::ListJobs,
            Self::OtherJob { job, .. } => NextStep::Show { job: job.clone() },
            Self::Removed { removed } => {
                let job = removed.job.spec.id.clone();
                if removed.holds_key() {
                    NextStep::OtherKey { job }
                } else {
                    NextStep::Show { job }
                }
            }
            Self::OtherComponent { .. } => NextStep::OtherComponent,
            Self::WithoutInput { .. } => NextStep::NewRun,
            Self::NotFailed { job } if !job.is_done() => NextStep::of(job, Time::present()),
            Self::OutcomeKnown { job } | Self::NotFailed { job } => NextStep::Show {
                job: job.spec.id.clone(),
            },
            Self::MayBeCharged { job, .. } => NextStep::RetryAgain {
                job: job.spec.id.clone(),
            },
            Self::Driver(error)
            | Self::Unwritten { source: error, .. }
            | Self::NotResumed { source: error, .. } => NextStep::of_driver(error),
            Self::NotAdopted { .. } => NextStep::repeat(Repair::Cause),
            Self::Unconfirmed {
                job,
                provider_job_id,
                error,
            } => NextStep::AdoptUnconfirmed {
                job: job.spec.id.clone(),
                provider_job_id: provider_job_id.clone(),
                why: Unconfirmed::of(error.kind),
            },
            Self::OfJob { error, .. } => error.next_step(),
            Self::Copy { job, .. } => NextStep::Fetch {
                job: job.spec.id.clone(),
            },
            Self::NotJson(_) | Self::Prune(_) => NextStep::repeat(Repair::NothingKnown),
            Self::List(_) | Self::NoProvider { .. } => NextStep::Help,
        }
    }

    /// Converts a driver's error; a key conflict becomes [`JobsError::KeyConflict`].
    pub(super) fn of_driver(error: DriverError) -> Self {
        match &error {
            DriverError::Ledger(ledger) => match &**ledger {
                LedgerError::KeyConflict { job, is_unpaid } => Self::KeyConflict {
                    job: job.clone(),
                    is_unpaid: *is_unpaid,
                },
                _ => error.into(),
            },
            _ => error.into(),
        }
    }

    pub(super) fn of_job(self, job: &Job) -> Self {
        let (job, error) = (Box::new(job.clone()), Box::new(self));
        Self::OfJob { job, error }
    }

    pub(super) fn unwritten(job: &Job) -> impl FnOnce(DriverError) -> Self {
        let job = Box::new(job.clone());
        move |source| Self::Unwritten { job, source }
    }
}

impl From<LedgerError> for JobsError {
    fn from(error: LedgerError) -> Self {
        Self::of_driver(error.into())
    }
}

/// The shortest name that may be a misspelt [`LAST`].
const LAST_NEAR: usize = 3;

/// What may be meant instead of a name that no job has.
fn suggestion(name: &str, similar: Option<&str>) -> String {
    match similar {
        _ if name == LAST => ": no job was made yet, or all were removed".to_owned(),
        Some(id) if name.len() < SHORTEST && id.starts_with(name) => {
            format!("; give {SHORTEST} characters of the ID at least")
        }
        None if name.len() >= LAST_NEAR && most_similar(name, [LAST].into_iter()).is_some() => {
            format!("; did you mean `{LAST}`?")
        }
        Some(id) => format!("; did you mean `{id}`?"),
        None if name.len() < SHORTEST => format!("; a job's ID has {SHORTEST} characters at least"),
        None => String::new(),
    }
}

fn unconfirmed(provider_job_id: &str, error: &JobError) -> String {
    let (id, said) = (sentence(provider_job_id), &error.message);
    let what = match Unconfirmed::of(error.kind) {
        Unconfirmed::UnknownId => format!("the provider does not know a job `{id}`"),
        Unconfirmed::Impossible => {
            format!("`{id}` cannot be the provider's ID of the job: no request can have it")
        }
        Unconfirmed::NoConnection if error.kind != ErrorKind::Unauthorized => {
            format!("the provider was not asked whether it knows a job `{id}`")
        }
        _ => {
            format!("the provider did not say whether it knows a job `{id}`")
        }
    };
    format!("{what}: {said}; the job was not changed")
}

fn not_failed(job: &Job) -> String {
    match job.state() {
        State::OutcomeUnknown => {
            "it is unknown whether the provider accepted the job, so it is not \
             submitted again"
                .into()
        }
        state => format!("the job has not failed: its state is {}", state.as_str()),
    }
}

fn charged(job: &Job) -> &'static str {
    match job.charge() {
        Charge::Yes => "the provider charged",
        _ => "the provider may have charged",
    }
}

fn next_of_check(node: &str, error: &CallError) -> NextStep {
    match error {
        CallError::Node(error)
            if matches!(
                error.cause.kind(),
                ErrorKind::ConnectionUnavailable | ErrorKind::Denied
            ) =>
        {
            NextStep::repeat(Repair::Configuration)
        }
        _ => NextStep::CorrectInput {
            node: node.to_owned(),
        },
    }
}

fn next_of_picture(error: &MediaError) -> NextStep {
    match error {
        MediaError::Upload(EgressError::NotSent(NotSent::Denied(Denial::NotGranted(
            Missing::AskedUpload { route },
        )))) => NextStep::OtherVersion {
            route: route.clone(),
        },
        MediaError::Upload(EgressError::NotSent(NotSent::Denied(Denial::NotGranted(_)))) => {
            NextStep::repeat(Repair::Configuration)
        }
        MediaError::Call(CallError::Node(error))
            if matches!(
                error.cause.kind(),
                ErrorKind::Unsupported | ErrorKind::Rejected
            ) =>
        {
            NextStep::OtherPicture
        }
        MediaError::Call(_) => NextStep::RepeatRepaired,
        MediaError::Format { .. } => NextStep::ConvertPicture,
        MediaError::Read { .. } => NextStep::ReadablePicture,
        MediaError::TooLong { .. } => NextStep::OtherPicture,
        _ => NextStep::RepeatUnsubmitted,
    }
}
