//! `zoetrope check --jsonl`: one input a line, one result a line, in the same order. Memory use
//! does not depend on the number of lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::thread::available_parallelism;

use futures::{StreamExt, stream};
use tokio::sync::mpsc::{Receiver, channel};
use zoetrope_host::component::{CallContext, CheckSession, Pack};
use zoetrope_host::contract::CheckOptions;

use super::args::InputSource;
use super::input::{INPUT_LIMIT, document};
use super::printer::Printer;
use super::report::{Failure, Phase, plan};

/// The lines that one task checks at most. A task gets no further line once it has this many
/// bytes.
const BATCH_LINES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// Checks every line; a bad line does not stop the others.
pub(super) async fn check(
    pack: &Pack,
    context: &CallContext,
    node: &str,
    options: CheckOptions,
    source: &InputSource,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let path = match source {
        InputSource::File(path) => path.as_path(),
        InputSource::Inline(_) => Path::new("(the document on the command line)"),
    };
    let unreadable = |error: io::Error| {
        Failure::usage(format!(
            "the input `{}` cannot be read: {error}",
            path.display()
        ))
    };
    let source: Box<dyn Read + Send> = match source {
        InputSource::Inline(text) => Box::new(io::Cursor::new(text.clone().into_bytes())),
        InputSource::File(path) if path == Path::new("-") => Box::new(io::stdin()),
        InputSource::File(path) => Box::new(File::open(path).map_err(unreadable)?),
    };
    let workers = available_parallelism().map_or(1, usize::from);
    let batches = stream::unfold(batches(source, workers), async |mut batches| {
        batches.recv().await.map(|batch| (batch, batches))
    });
    let answers = batches.map(|batch| {
        let session = CheckSession::new(pack.clone(), context.clone());
        let node = node.to_owned();
        async move {
            let answer = tokio::spawn(answer(session, node, options, batch?)).await;
            answer.map_err(io::Error::other)
        }
    });
    let mut answers = pin!(answers.buffered(workers * 2));
    let mut refused = false;
    while let Some(answer) = answers.next().await {
        let (text, any_refused) = answer.map_err(unreadable)?;
        printer.data(&text)?;
        refused |= any_refused;
    }
    Ok(ExitCode::from(if refused { 3 } else { 0 }))
}

/// Reads on a thread of its own, so that finished answers are printed while the source is slow.
fn batches(source: Box<dyn Read + Send>, capacity: usize) -> Receiver<io::Result<Vec<Vec<u8>>>> {
    let (sender, receiver) = channel(capacity);
    tokio::task::spawn_blocking(move || {
        let mut source = BufReader::with_capacity(1 << 18, source);
        while let Some(batch) = batch(&mut source).transpose() {
            if sender.blocking_send(batch).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The next lines that are available, without line ends; `None` after the last. A line over
/// the length limit is cut one byte after it, so that its check fails.
fn batch(source: &mut BufReader<impl Read>) -> io::Result<Option<Vec<Vec<u8>>>> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    while lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
        // A writer may wait for the answer to a line before it writes the next one.
        if !lines.is_empty() && !source.buffer().contains(&b'\n') {
            break;
        }
        let mut line = Vec::new();
        if source
            .by_ref()
            .take(INPUT_LIMIT + 1)
            .read_until(b'\n', &mut line)?
            == 0
        {
            break;
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() as u64 > INPUT_LIMIT {
            source.skip_until(b'\n')?;
        }
        bytes += line.len();
        lines.push(line);
    }
    Ok(Some(lines).filter(|lines| !lines.is_empty()))
}

async fn answer(
    mut session: CheckSession,
    node: String,
    options: CheckOptions,
    lines: Vec<Vec<u8>>,
) -> (String, bool) {
    let mut answers = String::new();
    let mut refused = false;
    for line in lines {
        let checked = match document(line) {
            Err(failure) => Err(failure),
            Ok(text) => {
                let checked = session.check(&node, &text, options).await;
                checked.map_err(|error| Failure::of_call(error, Phase::Check))
            }
        };
        let answer = match checked {
            Ok(plan) => plan::document(&node, &plan),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_any_line_end_are_read_in_order() {
        let mut source = BufReader::new(&b"a\n\nb\r\nc"[..]);
        let lines = batch(&mut source).expect("read").expect("lines");
        assert_eq!(lines, [&b"a"[..], b"", b"b\r"]);
        let last = batch(&mut source).expect("read").expect("lines");
        assert_eq!(last, [b"c"]);
        assert!(batch(&mut source).expect("read").is_none());
    }

    #[test]
    fn line_over_limit_is_cut_and_next_line_is_whole() {
        let limit = usize::try_from(INPUT_LIMIT).expect("fits");
        let mut text = vec![b' '; limit + 10];
        text.extend_from_slice(b"\nnext\n");
        let mut source = BufReader::new(&text[..]);
        let first = batch(&mut source).expect("read").expect("lines");
        assert_eq!(first.iter().map(Vec::len).collect::<Vec<_>>(), [limit + 1]);
        let second = batch(&mut source).expect("read").expect("lines");
        assert_eq!(second, [b"next"]);
    }
}
