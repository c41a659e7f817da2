//! `zoetrope trust`: which configuration files of working directories are used.
//!
//! - `effects`: what a file does; `difference`: how it differs from what was trusted

mod difference;
mod effects;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::{Value, json};
use zoetrope_host::config::{
    CONFIG_FILE, ConfigError, ConfigFile, Effects, Place, TrustError, TrustRecord, recorded_path,
};
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::sanitize::escaped_path;

use super::args::Trust;
use super::configuration::bad;
use super::context::Context;
use super::printer::{PrintError, Printer};
use super::report::{Failure, Phase, unwritten};
use super::shell::quoted;

impl Trust {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let record = context.configuration().places().trust_record();
        let record = record.ok_or_else(|| {
            Failure::usage("there is no home directory for the record of trusted files")
                .then("Name the configuration: --config FILE, which needs no trust".into())
        })?;
        if self.list {
            return list(
                context,
                &TrustRecord::read(&record).map_err(|error| failed(&error))?,
            );
        }
        let path = self.path(context)?;
        if self.revoke {
            return revoke(context, &record, &path);
        }
        self.show_and_trust(context, &record, &path)
    }

    /// The path of the file in the record.
    fn path(&self, context: &Context) -> Result<PathBuf, Failure> {
        let found = context
            .configuration()
            .places()
            .file(Place::WorkingDirectory);
        let path = self.file.clone().or(found).ok_or_else(|| {
            Failure::usage("the working directory cannot be determined").then("Name a FILE".into())
        })?;
        let shown = escaped_path(&path);
        if path.file_name().is_none_or(|name| name != CONFIG_FILE) {
            let message = format!(
                "`{shown}` cannot be trusted: only a file of the name {CONFIG_FILE} is found in a working directory"
            );
            let next =
                "Name such a file; a file that --config or ZOETROPE_CONFIG names needs no trust";
            return Err(Failure::usage(message).then(next.into()));
        }
        recorded_path(&path).map_err(|error| {
            Failure::usage(format!("`{shown}`: {error}")).then(
                "Name a file in a folder that exists; list the trusted ones: zoetrope trust --list"
                    .into(),
            )
        })
    }

    fn show_and_trust(
        &self,
        context: &Context,
        record: &Path,
        path: &Path,
    ) -> Result<ExitCode, Failure> {
        let is_own = context.configuration().places().is_own(path);
        let read = if is_own {
            ConfigFile::read(path)
        } else {
            ConfigFile::read_found(path)
        };
        let file = read.map_err(|error| unusable(&error))?;
        let effects = Effects::of(&file).map_err(|error| unusable(&error))?;
        let known = TrustRecord::read(record).map_err(|error| failed(&error))?;
        let before = known.entry(path);
        let state = match before {
            None => "no",
            Some(entry) if entry.digest() == file.digest() => "yes",
            Some(_) => "changed",
        };
        let changed = before.filter(|entry| entry.digest() != file.digest());
        let difference = changed.map(|entry| difference::of(entry.text(), file.text()));
        let (shown, digest) = (escaped_path(path), file.digest().to_string());
        // Shown before it is trusted: what cannot be shown is not trusted.
        let printer = context.printer();
        if !printer.json() {
            let mut text = format!("{shown}\nsha256 {digest}\n");
            text.push_str(&effects::text(&effects));
            if let (Some(entry), Some(difference)) = (changed, &difference) {
                let since = entry.trusted_at().strftime("%F %T UTC");
                let _ = write!(
                    text,
                    "\nchanged since it was trusted at {since}\n{difference}"
                );
            }
            printer.text(&text)?;
        }
        if !self.show && !is_own {
            TrustRecord::add(record, &file, Timestamp::now()).map_err(|error| failed(&error))?;
        }
        if printer.json() {
            let written = printer.line(&json!({
                "ok": true,
                "file": shown,
                "sha256": digest,
                "was_trusted": state,
                "trusted": is_own || !self.show || state == "yes",
                "needs_trust": !is_own,
                "effects": effects,
                "difference": difference,
            }));
            if !self.show && !is_own {
                return end(written, printer, &format!("`{shown}` is trusted"));
            }
            written?;
        } else {
            self.say(printer, path, is_own, state == "yes");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Says what is recorded, below what the file does.
    fn say(&self, printer: &Printer, path: &Path, is_own: bool, was_trusted: bool) {
        if is_own {
            printer
                .info("This is your own configuration: it needs no trust. Nothing was recorded.");
        } else if !self.show {
            printer.info("Trusted: it is used in its folder until it changes.");
        } else if was_trusted {
            // The answer to `--show`.
            printer.message("This file is trusted.");
        } else {
            let next = format!("Not trusted. To trust it: zoetrope trust {}", quoted(path));
            printer.message(&next);
        }
    }
}

fn list(context: &Context, record: &TrustRecord) -> Result<ExitCode, Failure> {
    let printer = context.printer();
    if printer.json() {
        let files = record.files().iter().map(|file| {
            json!({
                "file": file.shown_path(),
                "sha256": file.digest().to_string(),
                "trusted_at": file.trusted_at().to_string(),
            })
        });
        printer.line(&Value::Array(files.collect()))?;
    } else {
        let lines = record.files().iter().map(|file| {
            let at = file.trusted_at().strftime("%F %T");
            format!("{at}  {}  {}\n", file.digest().short(), file.shown_path())
        });
        printer.text(&lines.collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn revoke(context: &Context, record: &Path, path: &Path) -> Result<ExitCode, Failure> {
    let shown = escaped_path(path);
    if !TrustRecord::remove(record, path).map_err(|error| failed(&error))? {
        let message = format!("`{shown}` is not trusted");
        return Err(Failure::usage(message).then("zoetrope trust --list".into()));
    }
    let printer = context.printer();
    let written = printer.answer(&json!({ "ok": true, "revoked": shown }), &shown);
    end(
        written,
        printer,
        &format!("`{shown}` is not trusted any more"),
    )?;
    printer.info("It is not used any more until it is trusted again.");
    Ok(ExitCode::SUCCESS)
}

/// Ends a change of the record. `done`: what is recorded, also without an answer.
fn end(
    written: Result<(), PrintError>,
    printer: &Printer,
    done: &str,
) -> Result<ExitCode, Failure> {
    unwritten::end(written, printer, |error| {
        Failure::internal(Phase::Setup, format!("{done}, but {error}"))
            .of_unwritten(Vec::new())
            .then("zoetrope trust --list".into())
    })
}

/// The failure of a file that cannot be trusted.
fn unusable(error: &ConfigError) -> Failure {
    match error {
        ConfigError::Content { path, .. } => {
            let next = format!("List every problem: zoetrope config check {}", quoted(path));
            bad(error).then(next)
        }
        error => bad(error),
    }
}

/// The failure of a record that cannot be used.
fn failed(error: &TrustError) -> Failure {
    Failure::new(ErrorKind::BadConfig, Phase::Setup, chain(error))
        .then("Fix the cause, then run the same command again".into())
}
