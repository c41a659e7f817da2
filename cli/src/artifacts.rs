//! `zoetrope artifacts`: pulls and uploads a provider's stored files.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value};
use zoetrope_host::artifacts::{self, ArtifactError};
use zoetrope_host::component::{CallContext, CallError};
use zoetrope_host::contract::{Artifact, Charge, NodeType};
use zoetrope_host::download::DownloadError;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::jobs::NextStep;
use zoetrope_host::ledger::Target;
use zoetrope_host::media::Picture;
use zoetrope_host::sanitize::{escaped_path, sentence};

use super::args::artifacts::{Artifacts, Command, Pull, Upload};
use super::configuration::PRACTICE;
use super::context::Context;
use super::out_path::absolute;
use super::picture_notes;
use super::report::{Failure, Phase, outcome, unwritten};

impl Artifacts {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Pull(command) => command.run(context).await,
            Command::Upload(command) => command.run(context).await,
        }
    }
}

impl Pull {
    async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let store = Store::open(context, self.connection.as_deref()).await?;
        let pack = context.pack().await?;
        let found = artifacts::find(pack, &store.context, &store.category, &self.id).await;
        let artifact = found.map_err(|error| store.failed(error))?;
        let target = match &self.out {
            Some(out) => Target::File(absolute(out)?),
            None => Target::Stem(absolute(&default_stem(&artifact))?),
        };
        let (call, category) = (&store.context, &store.category);
        let pulled = artifacts::pull(call, category, artifact, &target, self.force).await;
        let pulled = pulled.map_err(|error| store.failed(error))?;
        let (file, path) = (&pulled.file, &pulled.path);
        context.note_all(picture_notes::misnamed(path, file.media_type));
        let mut answer = described(&pulled.artifact, &store);
        outcome::put_path(&mut answer, "file", Some(path));
        answer.insert("media_type".into(), file.media_type.into());
        answer.insert("bytes".into(), file.bytes.into());
        answer.insert("sha256".into(), file.sha256.to_string().into());
        // An answer that no one reads is not lost: the same command again would refuse the file.
        context.printer().has_jobs();
        let written = context.answer_files(&Value::Object(answer), std::slice::from_ref(path));
        unwritten::end(written, context.printer(), |error| {
            let message = format!("the artifact is downloaded, but {error}");
            Failure::internal(Phase::Download, message)
                .charged(Charge::No)
                .of_unwritten(vec![format!("file: {}", escaped_path(path))])
                .then("No further action: the artifact is in the file".into())
        })
    }
}

impl Upload {
    async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let picture = Picture::open(&self.file);
        let picture = picture.map_err(|error| {
            let next = "Name a picture file that exists and can be read, then run again (nothing was sent)";
            Failure::usage(chain(&error)).then(next.into())
        })?;
        context.note_all(picture_notes::damage(&picture));
        let store = Store::open(context, self.connection.as_deref()).await?;
        let (pack, call) = (context.pack().await?, &store.context);
        let uploaded = artifacts::upload(pack, call, &store.category, &picture, &self.role).await;
        let artifact = uploaded.map_err(|error| store.failed(error))?;
        let answer = described(&artifact, &store);
        // An answer that no one reads is not lost: the same command again would upload once more.
        context.printer().has_jobs();
        let id = sentence(&artifact.id);
        let written = context.answer(&Value::Object(answer), &id);
        unwritten::end(written, context.printer(), |error| {
            let message = format!("the picture is uploaded, but {error}");
            Failure::internal(Phase::Upload, message)
                .charged(Charge::No)
                .of_unwritten(vec![format!("artifact: {id}")])
                .then(format!(
                    "Use it as the source of a run: --set source_artifact_id={id}"
                ))
        })
    }
}

/// An open connection to a provider that has artifacts.
struct Store {
    node: String,
    category: String,
    connection: String,
    context: CallContext,
}

impl Store {
    /// The store of the named connection, else of the first category that has one.
    async fn open(context: &Context, id: Option<&str>) -> Result<Self, Failure> {
        let pack = context.pack().await?;
        let categories = pack.artifact_categories(&CallContext::offline()).await;
        let categories = categories.map_err(|error| Failure::of_call(error, Phase::Setup))?;
        let category_of = |node: &NodeType| {
            let requirement = node.connection.as_ref()?;
            Some(requirement.category.clone())
        };
        let has_artifacts = |node: &NodeType| {
            category_of(node).is_some_and(|category| categories.contains(&category))
        };
        let config = match id {
            Some(PRACTICE) => context.config().await?,
            _ => context.configuration().of_connections().await?,
        };
        let chosen = id.and_then(|id| config.connection(id));
        let configured = chosen.map(|connection| connection.category());
        let nodes = context.node_types().await?;
        let node = nodes.into_iter().filter(has_artifacts).find(|node| {
            configured.is_none_or(|category| category_of(node).as_deref() == Some(category))
        });
        let Some(node) = node else {
            let message = match (id, configured) {
                (Some(id), Some(_)) => {
                    format!("the provider of connection `{id}` has no artifacts")
                }
                _ => "this pack has no artifacts".to_owned(),
            };
            let next = match categories.as_slice() {
                [] => "Name another --component".to_owned(),
                names => format!(
                    "Choose a connection of the category {} with --connection",
                    names.join(" or ")
                ),
            };
            let failure = Failure::new(ErrorKind::Unsupported, Phase::Setup, message);
            return Err(failure.then(next));
        };
        let connection = context.connection_id(&node, id).await?;
        let opened = context.open_for(&node, &connection).await?;
        Ok(Self {
            node: node.name.clone(),
            category: category_of(&node).unwrap_or_default(),
            connection,
            context: opened,
        })
    }

    /// The failure of a call over its connection.
    fn failed(&self, error: ArtifactError) -> Failure {
        failure(error).of_node_type(&self.node, &self.connection)
    }
}

/// The fields of an artifact in an answer.
fn described(artifact: &Artifact, store: &Store) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("ok".into(), true.into());
    fields.insert("artifact".into(), artifact.id.as_str().into());
    if let Some(id) = &artifact.media_id {
        fields.insert("media_id".into(), id.as_str().into());
    }
    fields.insert("connection".into(), store.connection.as_str().into());
    fields.insert("charged".into(), Charge::No.as_str().into());
    fields
}

/// The id as a file name without extension. The provider's own name of the file is not trusted.
fn default_stem(artifact: &Artifact) -> PathBuf {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => letter,
        _ => '_',
    };
    let name: String = artifact.id.chars().take(100).map(plain).collect();
    name.into()
}

fn failure(error: ArtifactError) -> Failure {
    let failure = match error {
        ArtifactError::Download(DownloadError::Target(error)) => {
            let step = NextStep::of_target(&error);
            return Failure::usage(chain(&error)).then_step(step, "");
        }
        ArtifactError::Call(CallError::Node(error))
            if matches!(
                error.cause.kind(),
                ErrorKind::Unsupported | ErrorKind::JobLost
            ) =>
        {
            let next = "Use another id or another --connection (nothing is charged)";
            let failure = Failure::of_node(&error, Phase::Setup).charged(Charge::No);
            return failure.then(next.into());
        }
        ArtifactError::Call(error) => Failure::of_call(error, Phase::Setup),
        ArtifactError::File(error) => Failure::usage(chain(&error)),
        ArtifactError::Upload(error) => {
            Failure::new(ErrorKind::Unavailable, Phase::Upload, chain(&error))
        }
        ArtifactError::Download(error) => {
            Failure::new(ErrorKind::DownloadFailed, Phase::Download, chain(&error))
        }
        other => Failure::internal(Phase::Setup, chain(&other)),
    };
    let next = "Fix the cause, then run the same command again (nothing is charged)";
    failure.charged(Charge::No).then(next.into())
}
