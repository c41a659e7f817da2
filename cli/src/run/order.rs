//! From what the user gives to a job's row. Whatever can be wrong is found before the
//! first byte is sent.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tracing::Instrument as _;
use uuid::Uuid;
use zoetrope_host::component::{CallContext, CallError};
use zoetrope_host::contract::{MediaKind, NodeType, Plan};
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::driver::now;
use zoetrope_host::ledger::{Job, JobSpec as Row, Pictures};
use zoetrope_host::media::hand_over;
use zoetrope_host::trace;

use super::Run;
use super::pictures::{Local, by_content, find, of_media};
use crate::check::offline;
use crate::failure::{Failure, Phase, of_ledger};
use crate::reach::Site;
use crate::setup::{Setup, quoted_text};
use crate::{file_url, input, inspect, output};

/// An input that the node accepts, and the local pictures that go with it.
pub(super) struct Order {
    /// The job's id, should it become one.
    id: String,
    pub(super) node: NodeType,
    /// As given, local pictures as `file:` URLs.
    given: Value,
    /// The completed input, local pictures still as `file:` URLs.
    plan: Plan,
    pictures: Vec<Local>,
}

impl Order {
    /// Reads and checks the input of a single run.
    pub(super) async fn read(run: &Run, setup: &Setup) -> Result<Self, Failure> {
        let node = setup.node_type(&run.node).await?;
        if run.source.input.is_none() && run.source.settings.is_empty() && run.image.is_none() {
            let next = format!(
                "zoetrope nodes {}{}",
                quoted_text(&node.name),
                setup.options()
            );
            let message = "a run needs an input: --input, --set or --image";
            return Err(Failure::usage(message).then(next));
        }
        let text = run.source.input.as_deref().map(input::read).transpose()?;
        let order = Self::check(run, setup, node, text).await?;
        output::show_notes(&order.plan);
        for Local { picture, field, .. } in &order.pictures {
            for note in inspect::notes(picture) {
                eprintln!("note: {field} {note}");
            }
        }
        Ok(order)
    }

    /// Checks an input document, completed by `--set` and `--image`.
    pub(super) async fn check(
        run: &Run,
        setup: &Setup,
        node: NodeType,
        text: Option<String>,
    ) -> Result<Self, Failure> {
        let pack = setup.pack().await?;
        let (connection, profile) = (run.connection.as_deref(), run.source.profile);
        let (context, options) = offline(setup, &node, connection, profile).await?;
        let check = async |text: &str| pack.check(&context, &node.name, text, options).await;
        let text = match text {
            Some(text) if run.source.settings.is_empty() && run.image.is_none() => text,
            text => {
                let mut object = match text {
                    Some(text) => object(check(&text).await, &text)?,
                    None => Map::new(),
                };
                input::apply(&run.source.settings, &node, &mut object)?;
                if let Some(path) = &run.image {
                    put(path, &node, &mut object)?;
                }
                Value::Object(object).to_string()
            }
        };
        let plan = check(&text).await.map_err(|error| {
            let failure = Failure::of_call(error, Phase::Check);
            let next = match failure.kind() {
                "connection_unavailable" | "denied" => {
                    "correct the configuration, and the same command again".into()
                }
                _ => format!(
                    "correct the input; its fields: zoetrope nodes {}{}",
                    quoted_text(&node.name),
                    setup.options()
                ),
            };
            failure.then(next)
        })?;
        let given = serde_json::from_str(&text).map_err(|error| not_json(&error))?;
        Ok(Self {
            id: Uuid::now_v7().to_string(),
            pictures: find(&node, &given, &plan)?,
            node,
            given,
            plan,
        })
    }

    /// What calls of the node go over.
    pub(super) async fn connect(
        &self,
        setup: &Setup,
        wanted: Option<&str>,
    ) -> Result<Site, Failure> {
        let Some(requirement) = &self.node.connection else {
            let message = format!("`{}` needs no provider, so there is no job", self.node.name);
            return Err(Failure::new("unsupported", Phase::Setup, message));
        };
        setup.connect(requirement, &self.node, wanted).await
    }

    /// The input that is submitted, once the pictures are with the provider.
    pub(super) async fn input(&self, setup: &Setup, site: &Site) -> Result<Value, Failure> {
        let mut input: Value =
            serde_json::from_str(&self.plan.input).map_err(|error| not_json(&error))?;
        for Local { picture, field, .. } in &self.pictures {
            let connection = Arc::clone(&site.reached.connection);
            let trace = setup.trace(&self.id, connection.base_url().origin());
            let context = CallContext::online(setup.egress(), connection);
            let pack = setup.pack().await?;
            let span = tracing::info_span!("job", id = self.id, node = self.node.name);
            if let Some(trace) = &trace {
                trace.parent().adopt(&span);
            }
            let handed = hand_over(pack, &context, &self.node.name, field, picture);
            let value = trace::within(trace, handed).instrument(span).await;
            if let Some(place) = input.pointer_mut(field) {
                *place = value.map_err(of_media)?;
            }
        }
        Ok(input)
    }

    /// The extensions that its file may come to have.
    pub(super) fn extensions(&self) -> &'static [&'static str] {
        match self.node.output_media.first() {
            Some(media) if media.kind == MediaKind::Image => &["png", "jpg", "webp"],
            _ => &["mp4"],
        }
    }

    /// What never changes of the job.
    pub(super) async fn row(
        &self,
        setup: &Setup,
        site: &Site,
        key: &str,
        mut input: Value,
    ) -> Result<Row, Failure> {
        let mut given = self.given.clone();
        let fields: Vec<_> = self
            .node
            .input_media
            .iter()
            .map(|field| field.pointer.as_str())
            .collect();
        let pictures = Pictures::of(&setup.data_dir()?);
        for document in [&mut given, &mut input] {
            let detached = pictures.detach(document, &fields);
            detached.map_err(|error| of_ledger(&error))?;
        }
        let connection = site.reached.connection.connection();
        let window = connection.idempotency().unwrap_or_default();
        Ok(Row {
            id: self.id.clone(),
            node: self.node.name.clone(),
            given: given.to_string(),
            given_sha256: self.digest(),
            input: input.to_string(),
            component: setup.pack().await?.digest().to_string(),
            connection: site.id.clone(),
            place: site.reached.place.clone(),
            key: key.to_owned(),
            idempotency_ms: i64::try_from(window.as_millis()).unwrap_or(i64::MAX),
            created_at: now(),
        })
    }

    /// Refuses a key that another input has.
    pub(super) fn must_be_that_of(&self, job: &Job) -> Result<(), Failure> {
        if job.spec.given_sha256 == self.digest() {
            return Ok(());
        }
        let job = job.spec.id.clone();
        Err(of_ledger(
            &zoetrope_host::ledger::LedgerError::KeyConflict { job },
        ))
    }

    /// What makes two runs the same: node and input as given, local pictures by content.
    fn digest(&self) -> String {
        let given = by_content(&self.given, &self.pictures);
        let whole = json!({ "node": self.node.name, "given": given });
        Sha256Digest::from(Sha256::digest(whole.to_string())).to_string()
    }
}

/// A document that fields are put into. The component refuses what is no one document;
/// here the last of two equal keys would win.
fn object(checked: Result<Plan, CallError>, text: &str) -> Result<Map<String, Value>, Failure> {
    match (checked, serde_json::from_str(text)) {
        (Err(error), _) if is_about_text(&error) => Err(Failure::of_call(error, Phase::Check)),
        (_, Ok(Value::Object(object))) => Ok(object),
        (Err(error), _) => Err(Failure::of_call(error, Phase::Check)),
        (Ok(_), _) => {
            let message = "--set and --image need an input that is an object";
            Err(Failure::usage(message))
        }
    }
}

/// Puts the `file:` URL of a picture into the field for it.
fn put(path: &Path, node: &NodeType, object: &mut Map<String, Value>) -> Result<(), Failure> {
    let mut media = node.input_media.iter();
    let media = media
        .find(|media| media.kind == MediaKind::Image)
        .ok_or_else(|| Failure::usage(format!("`{}` takes no picture", node.name)))?;
    let name = media.pointer.trim_start_matches('/');
    object.insert(name.to_owned(), file_url::of(path).into());
    Ok(())
}

fn is_about_text(error: &CallError) -> bool {
    matches!(error, CallError::Node(error) if error.cause.violations().iter().any(|found| found.keyword == "json"))
}

fn not_json(error: &serde_json::Error) -> Failure {
    Failure::internal(Phase::Check, format!("the plan is not JSON: {error}"))
}
