//! `--out -`: the bytes of a result on standard output.

use std::path::Path;
use std::process::ExitCode;

use zoetrope_host::error::ErrorKind;
use zoetrope_host::ledger::Job;

use super::context::Context;
use super::interrupts::Interrupts;
use super::printer::writes_to_terminal;
use super::report::{Failure, Phase, outcome};

/// Whether a result is to be written to standard output.
pub(super) fn is_standard_output(out: &Path) -> bool {
    out == Path::new("-")
}

/// Refuses `--out -` before anything is sent where standard output cannot take a clip. `other`: an
/// option of the command that uses standard output itself.
pub(super) fn refuse(context: &Context, other: Option<&str>) -> Result<(), Failure> {
    let why = if context.json() {
        "--json writes the answer to standard output".to_owned()
    } else if let Some(option) = other {
        format!("{option} writes no clip to standard output")
    } else if writes_to_terminal() {
        "standard output is a terminal".to_owned()
    } else {
        return Ok(());
    };
    let message = format!("--out - cannot write the result: {why}");
    let next = "Write the result to a file with --out FILE, or send standard output to a file or \
                a program (nothing was submitted)";
    Err(Failure::usage(message).then(next.into()))
}

/// Writes the file of a job's result to standard output.
pub(super) async fn write(
    job: &Job,
    context: &Context,
    interrupts: &mut Interrupts,
) -> Result<ExitCode, Failure> {
    let options = context.options();
    let id = &job.spec.id;
    let fetch = format!("zoetrope jobs fetch {id} --out FILE{options}");
    let failed = |kind, message: String| {
        Failure::new(kind, Phase::Download, message)
            .about(job)
            .then(fetch.clone())
    };
    let files = outcome::files(job);
    let [path] = files.as_slice() else {
        if files.is_empty() {
            let message = "the result is a document and has no file; nothing was written";
            let show = format!("zoetrope jobs show {id}{options}");
            return Err(failed(ErrorKind::Usage, message.into()).then(show));
        }
        let paths: Vec<_> = files
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect();
        let message = format!(
            "the result has {} files, and --out - writes one; nothing was written. They are {}",
            files.len(),
            paths.join(", ")
        );
        return Err(failed(ErrorKind::Usage, message));
    };
    let kept = format!("the complete result is `{}`", path.display());
    let (printer, file) = (context.printer().clone(), path.clone());
    // A reader may be as slow as a player.
    let writing = tokio::task::spawn_blocking(move || printer.file(&file));
    let written = tokio::select! {
        written = writing => written,
        _ = interrupts.next() => {
            let message = format!("interrupted before the result was written; {kept}");
            return Err(failed(ErrorKind::Interrupted, message));
        }
    };
    match written {
        Ok(Ok(())) => {
            context.close(job);
            Ok(ExitCode::SUCCESS)
        }
        Ok(Err(error)) => Err(failed(ErrorKind::Internal, format!("{error}; {kept}"))),
        Err(error) => Err(failed(ErrorKind::Internal, format!("{error}; {kept}"))),
    }
}
