//! Carries out what [`decide`] says of one job, and commits what came of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::time::sleep;

use super::budget::DEFAULT_RATE;
use super::decide::decide;
use super::discreet::{discreet, without_input};
use super::event::{Action, Event, ReadVerdict, SubmitVerdict};
use super::packs::{Known, Packs};
use super::reach::{Connections, Reach};
use super::writer::{WriteError, Writer};
use super::{Listener, News, now, verdict};
use crate::call::{CallContext, SubmitGate};
use crate::contract::{JobState, MediaKind, NodeType};
use crate::digest::Sha256Digest;
use crate::download::{self, Download, DownloadError, LONGEST};
use crate::egress::{AddressRule, Egress, in_words};
use crate::ledger::{
    Change, ClipFile, Job, Ledger, LedgerError, Media, Millis, Pictures, Target, Trouble,
};

/// How often, and how far apart, it is tried to write an accepted job's ticket down.
const RECORDINGS: u32 = 10;
const RECORDING_PAUSE: Duration = Duration::from_secs(1);

/// How long a job is left alone whose connection this process cannot open, while it is
/// another process's.
const NOT_OURS: Millis = 30_000;

/// What a step came to.
pub(super) struct Done {
    /// The row as it is now.
    pub(super) job: Job,
    /// What the provider wants of the connection.
    pub(super) rest: Option<Rest>,
    /// Why no other submit of the connection would be taken either.
    pub(super) blocked: Option<Trouble>,
    /// How many requests a second the connection may be asked, once it was opened.
    pub(super) rate: Option<f64>,
}

/// The provider has asked to slow down.
#[derive(Clone, Copy)]
pub(super) struct Rest {
    pub(super) after: Duration,
    /// Whether it said so to a submit.
    pub(super) submits_only: bool,
}

pub(super) struct Steps {
    pub(super) packs: Packs,
    pub(super) listener: Listener,
    ledger: Arc<Ledger>,
    pictures: Pictures,
    egress: Egress,
    connections: Connections,
    writer: Writer,
    asker: String,
}

/// What a row names, found.
struct Site {
    known: Known,
    node: NodeType,
    context: CallContext,
    rate: f64,
}

impl Steps {
    #[expect(clippy::too_many_arguments, reason = "made in one place")]
    pub(super) fn new(
        packs: Packs,
        pictures: Pictures,
        egress: Egress,
        reach: Arc<dyn Reach>,
        listener: Listener,
        writer: Writer,
        ledger: Arc<Ledger>,
        asker: String,
    ) -> Self {
        Self {
            packs,
            listener,
            ledger,
            pictures,
            egress,
            connections: Connections::new(reach),
            writer,
            asker,
        }
    }

    /// Does what is to be done for a job whose time has come.
    pub(super) async fn take(&self, job: Job) -> Result<Done, Arc<LedgerError>> {
        let (_, action) = decide(&job, Event::Due, now());
        if !matches!(
            action,
            Action::Submit | Action::Poll | Action::Cancel | Action::Download
        ) {
            return self.settled(job, &Event::Due).await;
        }
        let site = match self.site(&job).await {
            Ok(site) => site,
            Err(trouble) => return self.settled_without_site(job, trouble).await,
        };
        let rate = site.rate;
        let done = match action {
            Action::Submit => self.submit(job, &site).await,
            Action::Poll => self.poll(job, &site).await,
            Action::Cancel => self.cancel(job, &site).await,
            _ => self.download(job, &site).await,
        };
        done.map(|done| Done {
            rate: Some(rate),
            ..done
        })
    }

    /// Commits what an event makes of a row, and of the row that somebody else has made
    /// of it meanwhile.
    pub(super) async fn settle(&self, row: Job, event: &Event) -> Result<Job, Arc<LedgerError>> {
        let mut row = row;
        let mut recordings = 0;
        loop {
            let at = now();
            let (after, _) = decide(&row, event.clone(), at);
            if after == row {
                return Ok(row);
            }
            let change = Change {
                before: row.clone(),
                after,
                at,
            };
            match self.writer.commit(change).await {
                Ok(job) => {
                    (self.listener)(&job.order.id, News::Committed(&job));
                    return Ok(job);
                }
                Err(WriteError::Outdated) => match self.ledger.job(&row.order.id)? {
                    Some(present) => row = present,
                    None => return Ok(row),
                },
                Err(WriteError::Ledger(error)) => {
                    let Some((ticket, provider_job_id)) = paid_for(event) else {
                        return Err(error);
                    };
                    if recordings == 0 {
                        let unrecorded = News::Unrecorded {
                            job: &row,
                            ticket,
                            provider_job_id,
                            error: &error,
                        };
                        (self.listener)(&row.order.id, unrecorded);
                    }
                    recordings += 1;
                    if recordings == RECORDINGS || !error.is_passing() {
                        return Err(error);
                    }
                    sleep(RECORDING_PAUSE).await;
                }
            }
        }
    }

    pub(super) async fn settled(&self, job: Job, event: &Event) -> Result<Done, Arc<LedgerError>> {
        Ok(Done {
            job: self.settle(job, event).await?,
            rest: rest(event),
            blocked: blocked(event),
            rate: None,
        })
    }

    /// Where this process cannot find what the row names. Another process may well can:
    /// its jobs are left to it.
    async fn settled_without_site(
        &self,
        job: Job,
        trouble: Trouble,
    ) -> Result<Done, Arc<LedgerError>> {
        let event = if job.asker == self.asker {
            Event::Unreachable { trouble }
        } else {
            Event::Held {
                until: now() + NOT_OURS,
            }
        };
        self.settled(job, &event).await
    }

    async fn site(&self, job: &Job) -> Result<Site, Trouble> {
        let known = self.packs.get(&job.order.component).await?;
        let node = known.node(&job.order.node)?.clone();
        let Some(requirement) = &node.connection else {
            return Ok(Site {
                known,
                context: CallContext::offline(),
                rate: DEFAULT_RATE,
                node,
            });
        };
        let connection = &job.order.connection;
        let reached = self.connections.open(connection, requirement).await?;
        if reached.place != job.order.place {
            let message = format!(
                "connection `{connection}` leads to {} now, and led to {} when the job was made",
                reached.place, job.order.place
            );
            return Err(Trouble::new("connection_changed", message));
        }
        Ok(Site {
            known,
            context: CallContext::online(&self.egress, reached.connection),
            rate: reached.requests_per_second.unwrap_or(DEFAULT_RATE),
            node,
        })
    }

    async fn submit(&self, job: Job, site: &Site) -> Result<Done, Arc<LedgerError>> {
        let input = match self.input(&job) {
            Ok(input) => input,
            Err(error) => {
                let message = format!("the job's picture cannot be read: {error}");
                let trouble = Trouble::new("internal", message);
                return self.settled(job, &Event::Unreachable { trouble }).await;
            }
        };
        let gate = Arc::new(Gate {
            writer: self.writer.clone(),
            listener: Arc::clone(&self.listener),
            kept: Mutex::new(Kept {
                row: job.clone(),
                refused: None,
            }),
        });
        let context = site.context.clone().with_gate(Arc::clone(&gate) as _);
        let order = &job.order;
        let started = site
            .known
            .pack
            .start(&context, &order.node, &input, &order.key)
            .await
            .judged();
        let kept = gate.give();
        let event = match kept.refused {
            None => verdict::of_start(started),
            Some(Refused::Ledger(error)) => return Err(error),
            Some(Refused::Changed) => {
                let job = self.ledger.job(&order.id)?.unwrap_or(kept.row);
                return Ok(Done {
                    job,
                    rest: None,
                    blocked: None,
                    rate: None,
                });
            }
            Some(Refused::OtherBytes) => Event::SubmitFailed {
                trouble: Trouble::new(
                    "outcome_unknown",
                    "the submit is not what it was the first time, so it was not sent again",
                ),
                verdict: SubmitVerdict::Stopped,
            },
        };
        if matches!(event, Event::SubmitFailed { .. }) {
            self.connections.forget(&order.connection).await;
        }
        self.settled(kept.row, &of_provider(event, &job)).await
    }

    /// The completed input with its picture.
    fn input(&self, job: &Job) -> std::io::Result<String> {
        let mut input: Value = serde_json::from_str(&job.order.input)?;
        self.pictures.attach(&mut input)?;
        Ok(input.to_string())
    }

    /// A ticket for what a provider knows by this id.
    pub(super) async fn ticket_of(
        &self,
        job: &Job,
        provider_job_id: &str,
    ) -> Result<String, Trouble> {
        let site = self.site(job).await?;
        let node = &job.order.node;
        let adopted = site.known.pack.adopt(&site.context, node, provider_job_id);
        adopted.await.map_err(|error| verdict::trouble(&error))
    }

    async fn poll(&self, job: Job, site: &Site) -> Result<Done, Arc<LedgerError>> {
        let ticket = job.ticket.as_deref().unwrap_or_default();
        let polled = site.known.pack.poll(&site.context, ticket).await;
        if let Ok(JobState::Waiting(progress)) = &polled {
            let message = progress.message.as_deref();
            let message = message.map(|message| discreet(message, &job));
            let progress = News::Progress {
                stage: progress.stage,
                fraction: progress.fraction,
                message: message.as_deref(),
            };
            (self.listener)(&job.order.id, progress);
        }
        self.read(job, verdict::of_poll(polled)).await
    }

    async fn cancel(&self, job: Job, site: &Site) -> Result<Done, Arc<LedgerError>> {
        let ticket = job.ticket.as_deref().unwrap_or_default();
        let cancelled = site.known.pack.cancel(&site.context, ticket).await;
        self.read(job, verdict::of_cancel(cancelled)).await
    }

    async fn read(&self, job: Job, event: Event) -> Result<Done, Arc<LedgerError>> {
        if matches!(event, Event::ReadFailed { .. }) {
            self.connections.forget(&job.order.connection).await;
        }
        let event = of_provider(event, &job);
        self.settled(job, &event).await
    }

    async fn download(&self, job: Job, site: &Site) -> Result<Done, Arc<LedgerError>> {
        let Some(media) = job.media.clone() else {
            return self.settled(job, &Event::Due).await;
        };
        // A file that was whole before a crash needs no second download.
        if let Some(placed) = in_a_thread(&job, place_whole).await {
            return self.settled(job, &placed).await;
        }
        let (file, digest) = match self.fetch(&job, &media, site).await {
            Ok(fetched) => fetched,
            Err(error) => return self.settled(job, &download_failed(&error)).await,
        };
        let row = self.settle(job, &Event::Fetched { file }).await?;
        let named = in_a_thread(&row, move |job| {
            let file = job.file.as_ref()?;
            let part = part_of(job);
            Some(placed(download::place(
                &part, &file.path, &digest, job.force,
            )))
        });
        match named.await {
            Some(placed) => self.settled(row, &placed).await,
            None => self.settled(row, &Event::Due).await,
        }
    }

    async fn fetch(
        &self,
        job: &Job,
        media: &Media,
        site: &Site,
    ) -> Result<(ClipFile, Sha256Digest), DownloadError> {
        let declared = site.node.output_media.iter();
        let declared = declared.filter(|field| field.pointer == media.pointer);
        let kind = declared.map(|field| field.kind).next();
        let connection = site.context.connection();
        let part = part_of(job);
        let wanted = Download {
            url: &media.url,
            kind: kind.unwrap_or(MediaKind::Video),
            rule: connection.map_or(AddressRule::PUBLIC, |open| {
                AddressRule::of_media(open.base_url().origin())
            }),
            credential: connection
                .filter(|_| media.needs_credential)
                .map(AsRef::as_ref),
            sha256: media.sha256.as_deref(),
            part: &part,
            limit: LONGEST,
        };
        let listener = |received| {
            (self.listener)(&job.order.id, News::Downloading(received));
        };
        let fetched = download::fetch(&self.egress, &wanted, listener).await?;
        let file = ClipFile {
            path: target_of(job, fetched.media_type),
            sha256: fetched.sha256.to_string(),
            bytes: fetched.bytes,
            media_type: fetched.media_type.into(),
        };
        Ok((file, fetched.sha256))
    }
}

/// Reading a whole file takes its time.
async fn in_a_thread(
    job: &Job,
    work: impl FnOnce(&Job) -> Option<Event> + Send + 'static,
) -> Option<Event> {
    let job = job.clone();
    let worked = tokio::task::spawn_blocking(move || work(&job)).await;
    worked.ok().flatten()
}

/// Gives a file that was whole before a crash its name, where it is still there.
fn place_whole(job: &Job) -> Option<Event> {
    let file = job.file.as_ref()?;
    let wanted: Sha256Digest = file.sha256.parse().ok()?;
    let is_whole = |path: &Path| {
        let digest = download::digest_of(path).ok().flatten();
        digest == Some(wanted)
    };
    let part = part_of(job);
    if !is_whole(&part) && !is_whole(&file.path) {
        return None;
    }
    let outcome = download::place(&part, &file.path, &wanted, job.force);
    Some(placed(outcome))
}

/// An event that holds words of the provider, without the prompt.
fn of_provider(mut event: Event, job: &Job) -> Event {
    if let Some(trouble) = event.trouble_mut() {
        without_input(trouble, job);
    }
    if let Event::Waiting {
        unrecognized: Some(words),
        ..
    } = &mut event
    {
        *words = discreet(words, job).into_owned();
    }
    event
}

/// Whether an event tells that money was or will be spent, and of which job.
fn paid_for(event: &Event) -> Option<(&str, &str)> {
    match event {
        Event::Accepted {
            ticket,
            provider_job_id,
            ..
        } => Some((ticket, provider_job_id)),
        Event::Succeeded {
            ticket: Some(ticket),
            provider_job_id,
            ..
        } => Some((ticket, provider_job_id.as_deref().unwrap_or_default())),
        _ => None,
    }
}

/// A credential that is refused once is refused for every job.
fn blocked(event: &Event) -> Option<Trouble> {
    match event {
        Event::SubmitFailed {
            trouble,
            verdict: SubmitVerdict::Stopped,
        } if trouble.kind == "unauthorized" => Some(trouble.clone()),
        _ => None,
    }
}

fn rest(event: &Event) -> Option<Rest> {
    let (after, submits_only) = match event {
        Event::SubmitFailed {
            verdict: SubmitVerdict::Again { after },
            ..
        } => (after, true),
        Event::ReadFailed {
            verdict: ReadVerdict::Passing { after },
            ..
        } => (after, false),
        _ => return None,
    };
    let after = super::pace::bounded((*after)?);
    Some(Rest {
        after: Duration::from_millis(after.unsigned_abs()),
        submits_only,
    })
}

fn download_failed(error: &DownloadError) -> Event {
    Event::DownloadFailed {
        trouble: Trouble::new("download_failed", in_words(error)),
        verdict: error.verdict(),
    }
}

fn placed(outcome: Result<(), DownloadError>) -> Event {
    match outcome {
        Ok(()) => Event::Placed,
        Err(error) => download_failed(&error),
    }
}

/// The unfinished file.
fn part_of(job: &Job) -> PathBuf {
    let (Target::File(path) | Target::Stem(path)) = &job.target;
    download::part_of(path, &job.order.id)
}

/// The file that is made, once it is known what it is.
fn target_of(job: &Job, media_type: &str) -> PathBuf {
    match &job.target {
        Target::File(path) => path.clone(),
        Target::Stem(stem) => {
            let extension = match media_type.rsplit('/').next().unwrap_or_default() {
                "jpeg" => "jpg",
                "quicktime" => "mov",
                other => other,
            };
            let mut name = stem.clone().into_os_string();
            name.push(".");
            name.push(extension);
            name.into()
        }
    }
}

/// Commits `submitting` when a submit is about to leave.
struct Gate {
    writer: Writer,
    listener: Listener,
    kept: Mutex<Kept>,
}

#[derive(Clone)]
struct Kept {
    /// The row as this submit knows it.
    row: Job,
    refused: Option<Refused>,
}

/// Why a submit was held back.
#[derive(Clone)]
enum Refused {
    /// The provider would not know it for the same.
    OtherBytes,
    /// Somebody else has changed the row: what is to be done may be something else.
    Changed,
    /// It cannot be written down.
    Ledger(Arc<LedgerError>),
}

impl Gate {
    fn give(&self) -> Kept {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn leave(&self, before: Job, sha256: String) -> Result<Job, Refused> {
        let at = now();
        let (after, action) = decide(&before, Event::Leaving { sha256 }, at);
        if action != Action::LetGo {
            return Err(Refused::OtherBytes);
        }
        match self.writer.commit(Change { before, after, at }).await {
            Ok(row) => Ok(row),
            Err(WriteError::Outdated) => Err(Refused::Changed),
            Err(WriteError::Ledger(error)) => Err(Refused::Ledger(error)),
        }
    }
}

impl SubmitGate for Gate {
    fn may_leave(&self, request: Sha256Digest) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let before = self.give().row;
            let outcome = self.leave(before, request.to_string()).await;
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(row) => {
                    (self.listener)(&row.order.id, News::Committed(&row));
                    kept.row = row;
                    true
                }
                Err(refused) => {
                    kept.refused = Some(refused);
                    false
                }
            }
        })
    }
}
