//! `zoetrope check --jsonl`: one input a line, one result a line, in the same order. Blank lines
//! are skipped; each result has the number of its line. Memory use
//! does not depend on the number of lines.

use std::io::{self, Read};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, channel};
use zoetrope_host::component::CheckSession;

use super::args::{InputSource, Source};
use super::fields::explain::explained;
use super::input::{completed, not_read, open};
use super::preview::Requests;
use super::printer::Printer;
use super::report::{Failure, Phase};
use super::text_lines::{Line, TextLines};

/// The lines that one task checks at most. A task gets no further line once it has this many
/// bytes.
const BATCH_LINES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// Checks every line; a bad line does not stop the others.
pub(super) async fn check(
    requests: Requests,
    arguments: Source,
    source: &InputSource,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let unreadable = |error: io::Error| not_read(source, &error);
    let source = open(source)?;
    let shared = Arc::new((requests, arguments));
    let workers = available_parallelism().map_or(1, usize::from);
    let batches = stream::unfold(batches(source, workers), async |mut batches| {
        batches.recv().await.map(|batch| (batch, batches))
    });
    let answers = batches.map(|batch| {
        let shared = Arc::clone(&shared);
        async move {
            let answer = tokio::spawn(answer(shared, batch?)).await;
            answer.map_err(io::Error::other)
        }
    });
    let mut answers = pin!(answers.buffered(workers * 2));
    let mut refused = false;
    while let Some(answer) = answers.next().await {
        let (text, any_refused) = answer.map_err(unreadable)?;
        printer.documents(&text)?;
        refused |= any_refused;
        if printer.is_closed() {
            break;
        }
    }
    Ok(ExitCode::from(if refused { 3 } else { 0 }))
}

/// Reads on a thread of its own, so that finished answers are printed while the source is slow.
fn batches(source: Box<dyn Read + Send>, capacity: usize) -> Receiver<io::Result<Vec<Line>>> {
    let (sender, receiver) = channel(capacity);
    tokio::task::spawn_blocking(move || {
        let mut lines = TextLines::new(source);
        while let Some(batch) = batch(&mut lines).transpose() {
            if sender.blocking_send(batch).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The next lines that are available; `None` after the last.
fn batch(source: &mut TextLines<impl Read>) -> io::Result<Option<Vec<Line>>> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    while lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
        // A writer may wait for the answer to a line before it writes the next one.
        if !lines.is_empty() && !source.has_next() {
            break;
        }
        let Some(line) = source.next_line()? else {
            break;
        };
        bytes += line.length();
        lines.push(line);
    }
    Ok(Some(lines).filter(|lines| !lines.is_empty()))
}

/// The answers to the lines that are not blank.
async fn answer(shared: Arc<(Requests, Source)>, lines: Vec<Line>) -> (String, bool) {
    let (requests, arguments) = &*shared;
    let mut session = CheckSession::new(requests.pack.clone(), requests.call.clone());
    let mut answers = String::new();
    let mut refused = false;
    for line in lines {
        let number = line.number;
        let checked = match line.document() {
            Ok(None) => continue,
            Ok(Some(text)) => one(&mut session, requests, arguments, text).await,
            Err(failure) => Err(failure),
        };
        let mut answer = checked.unwrap_or_else(|failure| {
            refused = true;
            let next = "Correct this line and check it again";
            failure.then(next.into()).document()
        });
        answer["line"] = number.into();
        answers.push_str(&answer.to_string());
        answers.push('\n');
    }
    (answers, refused)
}

/// The answer to one document.
async fn one(
    session: &mut CheckSession,
    requests: &Requests,
    arguments: &Source,
    text: String,
) -> Result<Value, Failure> {
    let (node, call) = (&requests.node, (&requests.call, requests.options));
    let text = completed(arguments, Some(text), node, &requests.pack, call, "").await?;
    let checked = session.check(&node.name, &text, requests.options).await;
    let plan = checked.map_err(|error| {
        let failure = Failure::of_call(error, Phase::Check);
        failure.map_violations(|violations| explained(node, &text, violations))
    })?;
    Ok(requests.answer(&plan).await?.document)
}
