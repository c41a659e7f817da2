//! `zoetrope config path`.

use std::fs;
use std::path::Path as FilePath;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_host::config::{Located, Place};
use zoetrope_host::error::chain;
use zoetrope_host::sanitize::escaped_path;

use crate::args::config::Path;
use crate::context::Context;
use crate::report::Failure;

/// A place where a file is looked for.
struct Candidate {
    place: Place,
    path: Option<String>,
    /// `used`, `not_trusted`, `overridden`, `absent` or `not_set`.
    state: &'static str,
    /// Why it is not trusted.
    reason: Option<String>,
}

impl Path {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let located = context.configuration().located().await?;
        let places = context.configuration().places();
        let candidates = Place::ALL.map(|place| {
            let path = places.file(place);
            let (state, reason) = state(located, place, path.as_deref());
            Candidate {
                place,
                path: path.as_deref().map(escaped_path),
                state,
                reason,
            }
        });
        let used = candidates
            .iter()
            .find(|candidate| candidate.state == "used");
        let path = used.and_then(|candidate| candidate.path.as_deref());
        let printer = context.printer();
        if printer.json() {
            printer.line(&json!({
                "ok": true,
                "path": path,
                "place": used.map(|candidate| candidate.place.as_str()),
                "candidates": candidates.iter().map(Candidate::document).collect::<Vec<_>>(),
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(path) = path {
            printer.text(&format!("{path}\n"))?;
        } else {
            printer.info("No configuration file is used.");
        }
        for candidate in &candidates {
            printer.info(&candidate.line());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The state of a place, and why its file is not trusted.
fn state(
    located: &Located,
    place: Place,
    path: Option<&FilePath>,
) -> (&'static str, Option<String>) {
    match (located, path) {
        (_, None) => ("not_set", None),
        (Located::File { place: used, .. }, _) if *used == place => ("used", None),
        (Located::NotTrusted { why, .. }, _) if place == Place::WorkingDirectory => {
            ("not_trusted", Some(chain(why)))
        }
        (_, Some(path)) if fs::symlink_metadata(path).is_ok() => ("overridden", None),
        _ => ("absent", None),
    }
}

impl Candidate {
    fn document(&self) -> Value {
        json!({
            "place": self.place.as_str(),
            "path": self.path,
            "state": self.state,
            "reason": self.reason,
        })
    }

    fn line(&self) -> String {
        let Self { place, .. } = self;
        let state = match (self.state, &self.reason) {
            ("used", _) => "used".into(),
            ("not_trusted", Some(reason)) => format!("not used: {reason}"),
            ("overridden", _) => "not used: an earlier place has a file".into(),
            ("absent", _) => "no such file".into(),
            _ => "not given".into(),
        };
        match self.path.as_deref() {
            Some(path) => format!("  {place}: {path} ({state})"),
            None => format!("  {place}: {state}"),
        }
    }
}
