//! `zoetrope check --jsonl`: one input a line, one result a line, in the same order. Memory use
//! does not depend on the number of lines.

use std::io::{self, Read};
use std::pin::pin;
use std::process::ExitCode;
use std::thread::available_parallelism;

use futures::{StreamExt, stream};
use tokio::sync::mpsc::{Receiver, channel};
use zoetrope_host::component::{CallContext, CheckSession, Pack};
use zoetrope_host::contract::CheckOptions;

use super::args::InputSource;
use super::input::{not_read, open};
use super::printer::Printer;
use super::report::{Failure, Phase, plan};
use super::text_lines::{Line, TextLines};

/// The lines that one task checks at most. A task gets no further line once it has this many
/// bytes.
const BATCH_LINES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// Checks every line over the connection; a bad line does not stop the others.
pub(super) async fn check(
    pack: &Pack,
    context: &CallContext,
    (node, connection): (&str, Option<&str>),
    options: CheckOptions,
    source: &InputSource,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let unreadable = |error: io::Error| not_read(source, &error);
    let source = open(source)?;
    let workers = available_parallelism().map_or(1, usize::from);
    let batches = stream::unfold(batches(source, workers), async |mut batches| {
        batches.recv().await.map(|batch| (batch, batches))
    });
    let answers = batches.map(|batch| {
        let session = CheckSession::new(pack.clone(), context.clone());
        let node = (node.to_owned(), connection.map(str::to_owned));
        async move {
            let answer = tokio::spawn(answer(session, node, options, batch?)).await;
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

async fn answer(
    mut session: CheckSession,
    (node, connection): (String, Option<String>),
    options: CheckOptions,
    lines: Vec<Line>,
) -> (String, bool) {
    let mut answers = String::new();
    let mut refused = false;
    for line in lines {
        let checked = match line.document() {
            Err(failure) => Err(failure),
            Ok(text) => {
                let checked = session.check(&node, &text, options).await;
                checked.map_err(|error| Failure::of_call(error, Phase::Check))
            }
        };
        let answer = match checked {
            Ok(plan) => plan::document(&node, connection.as_deref(), &plan),
            Err(failure) => {
                refused = true;
                let next = "Correct this line and check it again";
                failure.then(next.into()).document()
            }
        };
        answers.push_str(&answer.to_string());
        answers.push('\n');
    }
    (answers, refused)
}
