//! Makes a job's row from a checked input.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::check::Checked;
use super::commands::Jobs;
use super::error::JobsError;
use super::removed::removed_job;
use crate::download::check_target;
use crate::driver::{ResolvedConnection, deadline_after, now};
use crate::ledger::{FilesHold, Inserted, Job, JobSpec, Ledger, LedgerError, Pictures, Target};
use crate::rights;

/// A request to make a job.
pub struct SubmitRequest<'a> {
    /// The input.
    pub checked: &'a Checked,
    /// The connection's id, as [`ConnectionResolver::open`](crate::driver::ConnectionResolver::open) takes it.
    pub connection: String,
    /// The idempotency key: 1 to 255 visible ASCII characters. The same key and input over
    /// the same connection return the same job.
    pub key: String,
    /// Where the result is written.
    pub destination: Destination,
    /// Whether an existing file is replaced.
    pub force: bool,
    /// The time from the insert to the job's deadline.
    pub wait: Duration,
}

impl<'a> SubmitRequest<'a> {
    /// A request for a job under this key that replaces no file.
    #[must_use]
    pub fn new(
        checked: &'a Checked,
        connection: &str,
        key: &str,
        destination: Destination,
        wait: Duration,
    ) -> Self {
        Self {
            checked,
            connection: connection.to_owned(),
            key: key.to_owned(),
            destination,
            force: false,
            wait,
        }
    }
}

/// Where a result is written: absolute paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To this file.
    File(PathBuf),
    /// Into this folder, under the job's id. A new folder is accessible to its user alone.
    Folder(PathBuf),
    /// To this path with the extension of the result's type.
    Stem(PathBuf),
    /// Into this folder, which is created, under this name with the extension of the result's
    /// type. A job that exists already keeps its place.
    Named {
        /// The folder.
        folder: PathBuf,
        /// The name.
        name: String,
    },
}

/// A destination that a plan checks.
#[derive(Clone, Copy)]
pub struct PlannedPlace<'a> {
    /// The destination.
    pub destination: &'a Destination,
    /// The input.
    pub checked: &'a Checked,
    /// The job of the key, if there is one.
    pub known: Option<&'a Job>,
    /// Whether the folder of [`Destination::File`] is created. Those of the others are.
    pub creates_folder: bool,
    /// Whether an existing file is replaced.
    pub force: bool,
}

/// A job that is ready to be inserted or resumed.
pub struct Prepared {
    entry: Entry,
    wait: Duration,
    /// Keeps the stored pictures of a new job until its row names them.
    _hold: Option<FilesHold>,
}

impl Prepared {
    /// The job: the existing one, also a removed one, or the new one.
    #[must_use]
    pub fn job(&self) -> &Job {
        self.entry.job()
    }

    /// The job of the request's key, if there is one already; also a removed one.
    #[must_use]
    pub fn existing(&self) -> Option<&Job> {
        match &self.entry {
            Entry::New(_) => None,
            Entry::Known(job) | Entry::Removed(job) => Some(job),
        }
    }
}

/// A request whose connection is open and whose key has been looked up.
pub struct Opened<'a> {
    request: &'a SubmitRequest<'a>,
    resolved: ResolvedConnection,
    known: Option<Entry>,
}

enum Entry {
    /// A job to insert.
    New(Box<Job>),
    /// The existing job of the same key and input.
    Known(Box<Job>),
    /// The removed job of the same key and input.
    Removed(Box<Job>),
}

impl Jobs {
    /// Makes a job: [`prepare`](Self::prepare) and [`insert`](Self::insert). It is submitted
    /// when a process calls [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// As these two.
    pub async fn submit(&self, request: &SubmitRequest<'_>) -> Result<Job, JobsError> {
        let prepared = self.prepare(request).await?;
        let known = prepared.entry.job().clone();
        let jobs = self.insert(vec![prepared]).await?;
        Ok(jobs.into_iter().next().unwrap_or(known))
    }

    /// Makes jobs in one commit: all of them or none.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare) and [`insert`](Self::insert), of the first request that
    /// fails.
    pub async fn submit_all(&self, requests: &[SubmitRequest<'_>]) -> Result<Vec<Job>, JobsError> {
        let mut prepared = Vec::with_capacity(requests.len());
        for request in requests {
            prepared.push(self.prepare(request).await?);
        }
        self.insert(prepared).await
    }

    /// Prepares a request for the insert: [`open`](Self::open), then
    /// [`store_pictures`](Self::store_pictures). Nothing is sent or written to the ledger.
    ///
    /// # Errors
    ///
    /// As these two.
    pub async fn prepare(&self, request: &SubmitRequest<'_>) -> Result<Prepared, JobsError> {
        let opened = self.open(request).await?;
        self.store_pictures(opened).await
    }

    /// Opens the connection, looks for a job with the same key, and checks the destination of
    /// a new one. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`JobsError::NoProvider`], [`JobsError::Connection`], [`JobsError::KeyConflict`],
    /// [`JobsError::Target`] and [`JobsError::Folder`], or when the ledger fails.
    /// [`JobsError::OfJob`] with one of them, if the key has a job.
    pub async fn open<'a>(&self, request: &'a SubmitRequest<'a>) -> Result<Opened<'a>, JobsError> {
        let known = known(
            self.ledger(),
            request.checked,
            &request.connection,
            &request.key,
        )?;
        let of_known = |error: JobsError| match &known {
            None => error,
            Some(entry) => error.of_job(entry.job()),
        };
        let resolved = self.connect(request).await.map_err(of_known)?;
        let destination = &request.destination;
        let checked = match &known {
            None => destination.check(request.checked, request.force),
            Some(entry) => destination.check_of(entry.job(), request.checked, request.force),
        };
        checked.map_err(of_known)?;
        Ok(Opened {
            request,
            resolved,
            known,
        })
    }

    /// Stores the local pictures of a new job, which the driver uploads shortly before its submit.
    /// Ready at once if the job exists already. The user's files are not read again.
    ///
    /// # Errors
    ///
    /// [`JobsError::Picture`], or when the pictures cannot be stored.
    pub async fn store_pictures(&self, opened: Opened<'_>) -> Result<Prepared, JobsError> {
        let Opened {
            request,
            resolved,
            known,
        } = opened;
        let (checked, wait) = (request.checked, request.wait);
        if let Some(entry) = known {
            return Ok(Prepared {
                entry,
                wait,
                _hold: None,
            });
        }
        let hold = self.hold_files().await?;
        let (input, local_pictures) = self.plan_pictures(request, &resolved).await?;
        let spec = self.spec(request, &resolved, input)?;
        let target = request.destination.target(&checked.id);
        let requester = self.driver.requester().to_owned();
        let mut job = Job::new(spec, target, requester, deadline_after(wait));
        job.force = request.force;
        job.local_pictures = local_pictures;
        job.billing.has_uploads = self.may_have_paid_uploads(&request.connection, &request.key);
        job.billing.settle_charge();
        Ok(Prepared {
            entry: Entry::New(Box::new(job)),
            wait,
            _hold: Some(hold),
        })
    }

    /// Inserts jobs in one commit; returns their rows in this order. A job that exists already
    /// is resumed. One that was removed is returned as [`removed_job`] describes it, without a row.
    ///
    /// # Errors
    ///
    /// [`JobsError::KeyConflict`], when another process has used a key for another input
    /// meanwhile, or when the ledger fails: none is inserted. [`JobsError::Unwritten`], when an
    /// existing job cannot be resumed.
    pub async fn insert(&self, prepared: Vec<Prepared>) -> Result<Vec<Job>, JobsError> {
        let new = prepared.iter().filter_map(|one| match &one.entry {
            Entry::New(job) => Some(Job::clone(job)),
            Entry::Known(_) | Entry::Removed(_) => None,
        });
        let new: Vec<_> = new.collect();
        // Adding does not wait for other processes while this is held.
        let _hold = self.hold_files().await?;
        let adding = self
            .driver
            .add_on_thread(new, &self.pack, self.component.clone());
        let mut added = adding.await.map_err(JobsError::of_driver)?.into_iter();
        let mut jobs = Vec::with_capacity(prepared.len());
        for Prepared { entry, wait, .. } in prepared {
            jobs.push(match entry {
                Entry::Known(known) => self.continued(known, wait).await?,
                Entry::Removed(removed) => *removed,
                Entry::New(job) => match added.next() {
                    Some(Inserted::Again(job)) => *job,
                    Some(Inserted::Same(known)) => self.continued(known, wait).await?,
                    Some(Inserted::Removed(removed)) => removed_job(*removed),
                    _ => *job,
                },
            });
        }
        Ok(jobs)
    }

    /// The existing job of a request, resumed unless it is done.
    async fn continued(&self, known: Box<Job>, wait: Duration) -> Result<Job, JobsError> {
        self.ledger().keep_end_command(&known)?;
        if known.is_done() {
            return Ok(*known);
        }
        self.resume(&known, deadline_after(wait)).await
    }

    /// Holds pictures and components for a row to come. Waits in a thread of its own: another process
    /// may be removing files.
    pub(super) async fn hold_files(&self) -> Result<FilesHold, JobsError> {
        let ledger = Arc::clone(self.ledger());
        let held = tokio::task::spawn_blocking(move || ledger.hold_files()).await;
        Ok(held.unwrap_or(Err(LedgerError::Stopped))?)
    }

    async fn connect(&self, request: &SubmitRequest<'_>) -> Result<ResolvedConnection, JobsError> {
        let node = &request.checked.node;
        let Some(requirement) = &node.connection else {
            let node = node.name.clone();
            return Err(JobsError::NoProvider { node });
        };
        let placement = self.pack.permissions().credential_placement(requirement);
        let opening = self
            .resolver
            .open(&request.connection, requirement, &placement);
        opening.await.map_err(JobsError::Connection)
    }

    /// The part of the job that never changes.
    fn spec(
        &self,
        request: &SubmitRequest<'_>,
        resolved: &ResolvedConnection,
        mut input: Value,
    ) -> Result<JobSpec, JobsError> {
        let checked = request.checked;
        let mut raw_input = checked.raw_input.clone();
        let fields: Vec<_> = checked
            .node
            .input_media
            .iter()
            .map(|field| field.pointer.as_str())
            .collect();
        let pictures = Pictures::of(&self.data_dir);
        for document in [&mut raw_input, &mut input] {
            pictures.detach(document, &fields)?;
        }
        let connection = resolved.connection.connection();
        let window = connection.idempotency().unwrap_or_default();
        Ok(JobSpec {
            id: checked.id.clone(),
            node: checked.node.name.clone(),
            raw_input: raw_input.to_string(),
            raw_input_sha256: checked.digest(),
            input: input.to_string(),
            component: self.pack.digest().to_string(),
            connection: request.connection.clone(),
            provider_origin: resolved.provider_origin.clone(),
            key: request.key.clone(),
            idempotency_ms: i64::try_from(window.as_millis()).unwrap_or(i64::MAX),
            created_at: now(),
        })
    }
}

/// The job of a key and its input, also a removed one that holds it.
///
/// # Errors
///
/// [`JobsError::KeyConflict`], or when the ledger cannot be read.
pub fn job_of_key(
    ledger: &Ledger,
    checked: &Checked,
    connection: &str,
    key: &str,
) -> Result<Option<Job>, JobsError> {
    let known = known(ledger, checked, connection, key)?;
    Ok(known.map(|entry| entry.job().clone()))
}

fn known(
    ledger: &Ledger,
    checked: &Checked,
    connection: &str,
    key: &str,
) -> Result<Option<Entry>, JobsError> {
    let (entry, holds_key) = match ledger.job_of_key(connection, key)? {
        Some(known) => (Entry::Known(Box::new(known)), true),
        None => match ledger.removed_of_key(connection, key)? {
            None => return Ok(None),
            Some(removed) => {
                let holds_key = removed.holds_key();
                (Entry::Removed(Box::new(removed_job(removed))), holds_key)
            }
        },
    };
    if entry.job().spec.raw_input_sha256 != checked.digest() {
        let job = entry.job().spec.id.clone();
        let is_unpaid = !holds_key;
        return Err(JobsError::KeyConflict { job, is_unpaid });
    }
    Ok(holds_key.then_some(entry))
}

impl Entry {
    fn job(&self) -> &Job {
        match self {
            Self::New(job) | Self::Known(job) | Self::Removed(job) => job,
        }
    }
}

impl PlannedPlace<'_> {
    /// Checks it as [`Jobs::open`] does for a job: folders that it would create are not created.
    /// Leaves no file behind.
    ///
    /// # Errors
    ///
    /// [`JobsError::Target`].
    pub fn check(&self) -> Result<(), JobsError> {
        let Self { checked, force, .. } = *self;
        if let Some(job) = self.known
            && self.destination.other_path(job).is_none()
        {
            return Ok(());
        }
        let created = match self.destination {
            Destination::File(_) if !self.creates_folder => None,
            Destination::File(path) | Destination::Stem(path) => {
                path.parent().filter(|folder| !folder.exists())
            }
            Destination::Folder(folder) | Destination::Named { folder, .. } => {
                Some(folder.as_path())
            }
        };
        let Some(folder) = created else {
            return match self.known {
                None => self.destination.check(checked, force),
                Some(job) => self.destination.check_of(job, checked, force),
            };
        };
        let mut ancestors = folder.ancestors();
        let parent = ancestors.find(|folder| std::fs::symlink_metadata(folder).is_ok());
        let parent = parent.unwrap_or(folder);
        check_target(&parent.join("probe"), true).map_err(JobsError::Target)
    }
}

impl Destination {
    /// The path of the result of a job of this id: exact for a file, without an extension for
    /// the others.
    #[must_use]
    pub fn path(&self, id: &str) -> PathBuf {
        let (Target::File(path) | Target::Stem(path)) = self.target(id);
        path
    }

    /// Refuses a destination where no file can be created, before anything is sent.
    pub(super) fn check(&self, checked: &Checked, force: bool) -> Result<(), JobsError> {
        let checked = match self {
            Self::File(file) => check_target(file, force),
            Self::Stem(stem) => {
                let files = checked.extensions().map(|extension| {
                    let mut name = stem.clone().into_os_string();
                    name.push(".");
                    name.push(extension);
                    PathBuf::from(name)
                });
                // Of the unusual names it matters alone that there is no such file.
                let exists = |file: &PathBuf| std::fs::symlink_metadata(file).is_ok();
                let mut files = files.enumerate();
                files.try_for_each(|(index, file)| {
                    if index == 0 || exists(&file) {
                        check_target(&file, force)
                    } else {
                        Ok(())
                    }
                })
            }
            Self::Folder(folder) | Self::Named { folder, .. } => {
                rights::make_folder(folder).map_err(|source| JobsError::Folder {
                    path: folder.clone(),
                    source,
                })?;
                check_target(&folder.join("probe"), true)
            }
        };
        checked.map_err(JobsError::Target)
    }

    pub(super) fn target(&self, id: &str) -> Target {
        match self {
            Self::File(file) => Target::File(file.clone()),
            Self::Folder(folder) => Target::Stem(folder.join(id)),
            Self::Stem(stem) => Target::Stem(stem.clone()),
            Self::Named { folder, name } => Target::Stem(folder.join(name)),
        }
    }
}
