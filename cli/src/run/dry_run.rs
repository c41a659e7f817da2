//! `run --dry-run`: everything up to the first request, as a plan.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use zoetrope_host::driver::now;
use zoetrope_host::jobs::{Checked, Destination, JobsError, PlannedPlace, job_of_key};
use zoetrope_host::ledger::{Job, Ledger, State};
use zoetrope_host::sanitize::line;

use super::Line;
use super::place::{Creates, Distinct, Place, Subject};
use crate::args::Run;
use crate::context::Context;
use crate::max_cost::{Bound, Total, check};
use crate::report::{Failure, cost, of_jobs, of_ledger, outcome};

/// The id in names of the results of a job that does not exist yet.
const NEW_JOB: &str = "NEW-JOB";

/// The key in such names if none is given.
const NEW_KEY: &str = "NEW-KEY";

impl Run {
    /// Prints the plan of a single run.
    pub(super) async fn show_plan(
        &self,
        context: &Arc<Context>,
        checked: &Checked,
        place: &Place,
    ) -> Result<ExitCode, Failure> {
        let ledger = existing_ledger(context)?;
        let key = self.key.clone();
        let line = Line {
            place,
            index: "1".into(),
        };
        let planned = self.planned(context, ledger.as_deref(), checked, key, line);
        self.print_plan(context, &[planned.await?])
    }

    /// Prints the plan of each line of a batch.
    pub(super) async fn show_plans(
        &self,
        context: &Arc<Context>,
        requests: &[(usize, Checked)],
        place: &Place,
    ) -> Result<ExitCode, Failure> {
        let ledger = existing_ledger(context)?;
        let width = requests
            .last()
            .map_or(1, |(line, _)| line.to_string().len());
        let mut plans = Vec::with_capacity(requests.len());
        let mut distinct = Distinct::default();
        for (line, checked) in requests {
            let named = Line {
                place,
                index: format!("{line:0width$}"),
            };
            let key = self.key.as_ref().map(|key| format!("{key}-{line}"));
            let planned = self.planned(context, ledger.as_deref(), checked, key, named);
            let planned = planned.await.map_err(|failure| failure.on_line(*line))?;
            distinct.add(*line, &planned.destination)?;
            plans.push(Planned {
                line: Some(*line),
                ..planned
            });
        }
        self.print_plan(context, &plans)
    }

    /// What the command would do for an input.
    async fn planned(
        &self,
        context: &Context,
        ledger: Option<&Ledger>,
        checked: &Checked,
        key: Option<String>,
        line: Line<'_>,
    ) -> Result<Planned, Failure> {
        let node = checked.node();
        let connection = context
            .connection_id(node, self.source.connection.as_deref())
            .await?;
        let failed = |error| {
            let failure = of_jobs(error, &context.options());
            failure.of_node_type(&node.name, &connection)
        };
        let opened = context.can_open(node, &connection).await;
        opened.map_err(|error| failed(JobsError::Connection(error)))?;
        let known = match (ledger, &key) {
            (Some(ledger), Some(key)) => job_of_key(ledger, checked, &connection, key),
            _ => Ok(None),
        };
        let known = known.map_err(failed)?;
        let (id, created_at) = match &known {
            Some(job) => (job.spec.id.clone(), job.spec.created_at),
            None => (NEW_JOB.to_owned(), now()),
        };
        let subject = Subject {
            checked,
            id,
            created_at,
            key: key.as_deref().unwrap_or(NEW_KEY),
            index: line.index,
        };
        let destination = line.place.destination(&subject, Creates::Nothing)?;
        let place = PlannedPlace {
            destination: &destination,
            checked,
            known: known.as_ref(),
            creates_folder: line.place.creates_folder(),
            force: self.force,
        };
        place.check().map_err(failed)?;
        let submits = known.as_ref().is_none_or(|job| self.submits(job));
        let bound = self.bound(context, checked, &connection).await?;
        let result = match &known {
            Some(job) => place_of_known(job, &destination, submits),
            None => Some(place_of_new(&destination)),
        };
        let mut target = Map::new();
        outcome::put_path(&mut target, "target", result.as_deref());
        Ok(Planned {
            line: None,
            node: node.name.clone(),
            connection,
            key,
            known,
            submits,
            pictures: pictures(checked),
            target,
            destination,
            bound,
        })
    }

    fn print_plan(&self, context: &Context, plans: &[Planned]) -> Result<ExitCode, Failure> {
        let submitted = || plans.iter().filter(|planned| planned.submits);
        if let Some(limit) = &self.limit.max_cost {
            let runs: Vec<_> = submitted()
                .map(|planned| (planned.connection.clone(), planned.bound.clone()))
                .collect();
            let existing = plans.iter().filter_map(|planned| planned.known.as_ref());
            let existing: Vec<_> = existing.collect();
            check(limit, &runs).map_err(|failure| failure.about_all(&existing))?;
        }
        let total = Total::of(submitted().map(|planned| &planned.bound));
        let document = json!({
            "ok": true,
            "dry_run": true,
            "runs": plans.iter().map(Planned::document).collect::<Vec<_>>(),
            "total": total.document(),
        });
        let mut text: String = plans.iter().map(Planned::text).collect();
        let (count, all) = (submitted().count(), plans.len());
        let _ = write!(
            text,
            "{count} of {all} would be submitted. Cost: {total}.\nNothing was sent."
        );
        context.answer(&document, &text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Where the result of a new job would be written: its name may depend on the job's id.
fn place_of_new(destination: &Destination) -> PathBuf {
    match destination {
        Destination::Folder(folder) | Destination::Named { folder, .. } => folder.clone(),
        destination => destination.path(""),
    }
}

/// Where the result of an existing job is, or would be written. `submits`: it is submitted again.
fn place_of_known(job: &Job, destination: &Destination, submits: bool) -> Option<PathBuf> {
    let is_over = !submits && matches!(job.state(), State::Failed | State::Cancelled);
    let other = destination.other_path(job).filter(|_| !is_over);
    other.or_else(|| job.file().map(|file| file.path.clone()))
}

/// The local pictures of an input, which would be uploaded.
fn pictures(checked: &Checked) -> Vec<Value> {
    let pictures = checked.pictures().map(|(field, picture)| {
        let mut document = json!({
            "instance_path": field,
            "media_type": picture.media_type(),
            "bytes": picture.byte_length(),
        });
        if let Some(document) = document.as_object_mut() {
            outcome::put_path(document, "file", Some(picture.path()));
        }
        document
    });
    pictures.collect()
}

/// The ledger of the data directory, if there is one: a plan creates none.
fn existing_ledger(context: &Context) -> Result<Option<Arc<Ledger>>, Failure> {
    let folder = context.data_dir()?;
    if !Ledger::exists(&folder) {
        return Ok(None);
    }
    let ledger = Ledger::open(&folder).map(Arc::new);
    let ledger = ledger.map_err(|error| of_ledger(&error, &context.options()))?;
    Ok(Some(ledger))
}

/// What the command would do for one input.
struct Planned {
    /// The line of a batch.
    line: Option<usize>,
    node: String,
    connection: String,
    /// `None`: a new key.
    key: Option<String>,
    /// The job of the key.
    known: Option<Job>,
    /// Whether a job is submitted.
    submits: bool,
    /// The local pictures.
    pictures: Vec<Value>,
    /// The field `target`: where the result is written.
    target: Map<String, Value>,
    destination: Destination,
    bound: Bound,
}

impl Planned {
    fn document(&self) -> Value {
        let mut document = json!({
            "node": self.node,
            "connection": self.connection,
            "key": self.key,
            "job": self.known.as_ref().map(|job| &job.spec.id),
            "would_submit": self.submits,
            "pictures": self.pictures,
            "max_cost": if self.submits { self.bound.document() } else { Value::Null },
        });
        if let Some(document) = document.as_object_mut() {
            if let Some(line) = self.line {
                document.insert("line".into(), line.into());
            }
            document.extend(self.target.clone());
        }
        document
    }

    /// A line for what is done, and a line for each fact.
    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(line) = self.line {
            let _ = write!(text, "line {line}: ");
        }
        let (node, connection) = (line(&self.node), line(&self.connection));
        let _ = match (&self.known, self.submits) {
            (None, _) => writeln!(text, "would submit {node} over {connection}"),
            (Some(job), true) => writeln!(text, "would submit job {} again", job.spec.id),
            (Some(job), false) => {
                let state = job.state().as_str();
                let cost = cost::text(job);
                writeln!(text, "already job {} ({state}, cost: {cost})", job.spec.id)
            }
        };
        let key = self.key.as_deref().map_or("a new one".into(), line);
        let _ = writeln!(text, "  key: {key}");
        for picture in &self.pictures {
            let field = |name: &str| picture[name].as_str().unwrap_or_default();
            let _ = writeln!(
                text,
                "  picture: {} ({}, {} bytes)",
                line(field("file")),
                field("media_type"),
                picture["bytes"]
            );
        }
        if let Some(target) = self.target.get("target").and_then(Value::as_str) {
            let _ = writeln!(text, "  result: {}", line(target));
        }
        if self.submits {
            let _ = writeln!(text, "  cost: {}", self.bound);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned() -> Planned {
        let mut target = Map::new();
        target.insert("target".into(), "/clips/3".into());
        Planned {
            line: Some(3),
            node: "image_to_video".into(),
            connection: "pixelml".into(),
            key: None,
            known: None,
            submits: true,
            pictures: vec![json!({
                "instance_path": "/image",
                "media_type": "image/png",
                "bytes": 12,
                "file": "/a\u{1b}.png",
            })],
            target,
            destination: Destination::Stem("/clips/3".into()),
            bound: Bound::Unknown,
        }
    }

    #[test]
    fn plan_of_a_line_says_what_would_be_sent_and_written() {
        let text = "line 3: would submit image_to_video over pixelml\n  key: a new one\n  picture: /a\u{fffd}.png (image/png, 12 bytes)\n  result: /clips/3\n  cost: no known upper bound\n";
        assert_eq!(planned().text(), text);
        let document = planned().document();
        assert_eq!(document["would_submit"], true);
        assert_eq!(
            (&document["line"], &document["target"], &document["job"]),
            (&json!(3), &json!("/clips/3"), &Value::Null)
        );
    }
}
