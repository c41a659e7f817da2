//! The journal: submissions and ends of jobs, one JSON object a line.
//!
//! One thread writes. It takes all waiting entries, writes and syncs them together, and then
//! completes their futures. The thread also holds the directory's lock, so only the owner of the
//! directory writes the journal. Closing the journal releases the lock.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;
use tracing::info;

use crate::compaction;
use crate::data_dir::{Lock, private, storage, write_whole};
use crate::error::PracticeError;
use crate::job::{Ending, Idempotency, JobId};
use crate::render_request::RenderRequest;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    pub(crate) job: JobId,
    #[serde(flatten)]
    pub(crate) event: Event,
}

/// Reads a line of the journal, or a part of one. By way of a `Value`: a struct with flattened
/// fields cannot read the numbers of a text that have a fraction.
pub(crate) fn entry<T: DeserializeOwned>(line: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice::<Value>(line).and_then(serde_json::from_value)
}

/// An event of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// The job was submitted.
    Submitted {
        #[serde(rename = "order")]
        render_request: RenderRequest,
        #[serde(skip_serializing_if = "Option::is_none")]
        idempotency: Option<Idempotency>,
    },
    /// The job ended.
    Ended(Ending),
}

/// A request to the writing thread.
enum Request {
    /// Write this line. An empty line only waits until earlier lines are durable.
    Write {
        line: Vec<u8>,
        done: oneshot::Sender<io::Result<()>>,
    },
    /// Release the lock and end.
    Close { done: oneshot::Sender<()> },
}

/// A journal that is open for writing.
pub(crate) struct Journal {
    requests: mpsc::Sender<Request>,
}

impl Journal {
    /// Reads the journal and opens it for writing.
    ///
    /// An incomplete last line was never acknowledged and is cut off. If the journal is too long,
    /// the jobs that `compaction` selects are removed from it.
    pub(crate) fn open(
        path: &Path,
        lock: Lock,
        now: Timestamp,
    ) -> Result<(Self, Vec<Entry>), PracticeError> {
        let failed = |source| storage(path, source);
        let (mut text, mut entries) = read(path)?;
        let lines = || text.split_inclusive(|byte| *byte == b'\n');
        let measured = entries.iter().zip(lines()).map(|(entry, line)| {
            let ended_at = matches!(entry.event, Event::Ended(_)).then_some(entry.at);
            (entry.job, line.len(), ended_at)
        });
        let expired = compaction::expired(measured, now);
        if !expired.is_empty() {
            let needed = entries.iter().zip(lines());
            let needed = needed.filter(|(entry, _)| !expired.contains(&entry.job));
            text = needed.flat_map(|(_, line)| line).copied().collect();
            entries.retain(|entry| !expired.contains(&entry.job));
            write_whole(path, &text).map_err(failed)?;
            info!(
                jobs = expired.len(),
                "old jobs are removed from the journal"
            );
        }
        let file = private().read(true).open(path).map_err(failed)?;

        let (requests, waiting) = mpsc::channel();
        let mut writer = Writer {
            file,
            end: text.len() as u64,
            is_clean: false,
            _lock: lock,
        };
        writer.clean().map_err(failed)?;
        thread::Builder::new()
            .name("practice-journal".to_owned())
            .spawn(move || writer.serve(&waiting))
            .map_err(failed)?;
        Ok((Self { requests }, entries))
    }

    /// Queues an entry; the result is ready when it and all entries before it are durable.
    pub(crate) fn append(&self, entry: &Entry) -> Written {
        match serde_json::to_vec(entry) {
            Ok(mut line) => {
                line.push(b'\n');
                self.write(line)
            }
            Err(error) => Written(Err(error.into())),
        }
    }

    /// The result is ready when all queued entries are durable.
    pub(crate) fn flush(&self) -> Written {
        self.write(Vec::new())
    }

    /// Releases the directory; later entries fail. Await the receiver to wait for it.
    pub(crate) fn close(&self) -> oneshot::Receiver<()> {
        let (done, closed) = oneshot::channel();
        // If the thread has ended, the receiver fails at once.
        drop(self.requests.send(Request::Close { done }));
        closed
    }

    fn write(&self, line: Vec<u8>) -> Written {
        let (done, written) = oneshot::channel();
        drop(self.requests.send(Request::Write { line, done }));
        Written(Ok(written))
    }
}

/// A queued write.
#[must_use = "an event counts once it is durable"]
pub(crate) struct Written(io::Result<oneshot::Receiver<io::Result<()>>>);

impl Written {
    /// Waits until it is durable.
    pub(crate) async fn durable(self) -> io::Result<()> {
        self.0?
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the journal is closed")))
    }
}

struct Writer {
    file: File,
    /// Where the last durable line ends.
    end: u64,
    /// Whether nothing follows that position.
    is_clean: bool,
    _lock: Lock,
}

impl Writer {
    fn serve(mut self, waiting: &mpsc::Receiver<Request>) {
        let mut closing = None;
        while closing.is_none()
            && let Ok(first) = waiting.recv()
        {
            let mut lines = Vec::new();
            let mut answers = Vec::new();
            for request in std::iter::once(first).chain(waiting.try_iter()) {
                match request {
                    Request::Write { line, done } => {
                        lines.extend_from_slice(&line);
                        answers.push(done);
                    }
                    Request::Close { done } => {
                        closing = Some(done);
                        break;
                    }
                }
            }
            let written = self.write(&lines);
            for answer in answers {
                let written = written.as_ref().copied().map_err(copy);
                // Fails if the caller no longer waits.
                drop(answer.send(written));
            }
        }
        drop(self);
        if let Some(done) = closing {
            // Fails if the caller no longer waits.
            done.send(()).unwrap_or_default();
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.clean()?;
        let written = self
            .file
            .write_all(lines)
            .and_then(|()| self.file.sync_data());
        if written.is_ok() {
            self.end += lines.len() as u64;
        } else {
            // These lines were not acknowledged, so they must not come back after a restart. If
            // the cut fails too, the next write tries it again first.
            self.is_clean = false;
            drop(self.clean());
        }
        written
    }

    /// Cuts the file after the last durable line and seeks to that position.
    fn clean(&mut self) -> io::Result<()> {
        if !self.is_clean {
            self.file.set_len(self.end)?;
            self.file.seek(SeekFrom::Start(self.end))?;
            self.is_clean = true;
        }
        Ok(())
    }
}

/// The whole lines of a journal, which is created if it is missing, and their entries.
fn read(path: &Path) -> Result<(Vec<u8>, Vec<Entry>), PracticeError> {
    let mut text = Vec::new();
    private()
        .create(true)
        .truncate(false)
        .read(true)
        .open(path)
        .and_then(|mut file| file.read_to_end(&mut text))
        .map_err(|source| storage(path, source))?;
    let end = text.iter().rposition(|byte| *byte == b'\n');
    text.truncate(end.map_or(0, |end| end + 1));
    let entries = text
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            entry(line).map_err(|source| PracticeError::Journal {
                path: path.to_owned(),
                line: index + 1,
                source,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok((text, entries))
}

/// A copy of an error for each waiting caller.
fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use uuid::Uuid;

    use super::*;
    use crate::data_dir::DataDir;

    fn open(data_dir: &DataDir) -> Result<(Journal, Vec<Entry>), PracticeError> {
        let lock = data_dir.try_lock()?.expect("no other owner");
        Journal::open(&data_dir.journal(), lock, Timestamp::now())
    }

    fn ended(job: JobId) -> Entry {
        Entry {
            at: Timestamp::UNIX_EPOCH,
            job,
            event: Event::Ended(Ending::Cancelled),
        }
    }

    async fn close(journal: Journal) {
        journal.close().await.expect("the thread answers");
    }

    #[tokio::test]
    async fn incomplete_last_line_is_cut_off() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(temp.path()).expect("a directory");
        let job = Uuid::new_v4();
        let (journal, entries) = open(&data_dir).expect("a journal");
        assert!(entries.is_empty());
        journal
            .append(&ended(job))
            .durable()
            .await
            .expect("a write");
        close(journal).await;

        let mut text = fs::read(data_dir.journal()).expect("a file");
        let whole = text.len();
        text.extend_from_within(..whole / 2);
        fs::write(data_dir.journal(), &text).expect("a write");
        let (journal, entries) = open(&data_dir).expect("a journal");
        assert_eq!(entries.len(), 1);
        journal
            .append(&ended(job))
            .durable()
            .await
            .expect("a write");
        close(journal).await;

        let (journal, entries) = open(&data_dir).expect("a journal");
        assert_eq!(entries, [ended(job), ended(job)]);
        close(journal).await;
    }

    #[tokio::test]
    async fn journal_that_is_too_long_loses_its_oldest_ended_jobs() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(temp.path()).expect("a directory");
        let line = |job: u128| {
            let mut entry = ended(JobId::from_u128(job));
            entry.event = Event::Ended(Ending::Failed {
                code: "bad_picture".to_owned(),
                message: "m".repeat(1 << 20),
            });
            let entry = serde_json::to_string(&entry).expect("JSON");
            format!("{entry}\n")
        };
        let text: String = (0..9).map(line).collect();
        fs::write(data_dir.journal(), &text).expect("a write");
        let (journal, entries) = open(&data_dir).expect("a journal");
        let left: Vec<_> = entries.iter().map(|entry| entry.job.as_u128()).collect();
        assert_eq!(left, [6, 7, 8]);
        let new = ended(Uuid::new_v4());
        journal.append(&new).durable().await.expect("a write");
        close(journal).await;
        let kept: String = (6..9).map(line).collect();
        let written = fs::read_to_string(data_dir.journal()).expect("a file");
        assert_eq!(
            written.strip_prefix(&kept).map(str::len),
            Some(written.len() - kept.len())
        );
        let (journal, entries) = open(&data_dir).expect("a journal");
        assert_eq!((entries.len(), entries.last()), (4, Some(&new)));
        close(journal).await;
    }

    #[tokio::test]
    async fn unreadable_line_is_reported_with_its_number() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(temp.path()).expect("a directory");
        let (journal, _) = open(&data_dir).expect("a journal");
        journal
            .append(&ended(Uuid::new_v4()))
            .durable()
            .await
            .expect("a write");
        close(journal).await;
        let text = fs::read_to_string(data_dir.journal()).expect("a file");
        fs::write(data_dir.journal(), format!("{text}{{}}\n")).expect("a write");
        assert!(matches!(
            open(&data_dir),
            Err(PracticeError::Journal { line: 2, .. })
        ));
    }

    #[tokio::test]
    async fn closed_journal_refuses_entries_and_releases_the_lock() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(temp.path()).expect("a directory");
        let (journal, _) = open(&data_dir).expect("a journal");
        journal.close().await.expect("the thread answers");
        assert!(data_dir.try_lock().expect("a lock file").is_some());
        assert!(journal.flush().durable().await.is_err());
    }
}
