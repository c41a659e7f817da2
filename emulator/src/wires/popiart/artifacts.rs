//! Artifacts: uploaded pictures and results of jobs.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use axum::Json;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::super::lookup::{job_id, view};
use super::envelope::{Wrapped, wrapped};
use crate::download;
use crate::files::{self, FileName};
use crate::job::{Ending, JobId, Phase};
use crate::picture::Kind;
use crate::protocol::Protocol;
use crate::rejection::Rejection;
use crate::state::Server;
use crate::upload;

/// The name of an artifact: `art_<kind>_<sha256>` or `art_<job>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ArtifactId {
    /// An uploaded picture. Two uploads of the same bytes are one artifact.
    Upload(FileName),
    /// The result of a job.
    Result(JobId),
}

/// The error of a text that is not an artifact's name.
#[derive(Debug, thiserror::Error)]
#[error("not the name of an artifact")]
pub(crate) struct NotAnArtifact;

impl FromStr for ArtifactId {
    type Err = NotAnArtifact;

    fn from_str(text: &str) -> Result<Self, NotAnArtifact> {
        let name = text.strip_prefix("art_").ok_or(NotAnArtifact)?;
        let read = match name.split_once('_') {
            Some((kind, digest)) => Kind::from_extension(kind)
                .and_then(|kind| FileName::new(digest, kind))
                .map(Self::Upload),
            None => name.parse().ok().map(Self::Result),
        };
        // A job's id has several written forms, an artifact's has one.
        read.filter(|id| id.to_string() == text)
            .ok_or(NotAnArtifact)
    }
}

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload(name) => {
                write!(f, "art_{}_{}", name.kind().extension(), name.digest())
            }
            Self::Result(job) => write!(f, "art_{}", job.simple()),
        }
    }
}

/// The description of an artifact.
#[derive(Serialize)]
pub(super) struct Artifact {
    id: String,
    filename: String,
    content_type: &'static str,
    size_bytes: u64,
    sha256: String,
    /// Pictures have a stable URL; clips need the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

/// An artifact in the store.
enum Stored {
    Picture(FileName),
    /// A clip: its job, path and digest.
    Clip(JobId, PathBuf, String),
}

impl Stored {
    fn find(server: &Server, id: &ArtifactId) -> Option<Self> {
        let job = match id {
            ArtifactId::Upload(name) => return Some(Self::Picture(name.clone())),
            ArtifactId::Result(job) => *job,
        };
        view(server, job, Protocol::PopiArt).ok()?;
        let picture = server.render_queue.picture_of(job).map(Self::Picture);
        picture.or_else(|| {
            let (path, sha256) = server.render_queue.clip(job)?;
            Some(Self::Clip(job, path, sha256))
        })
    }

    fn path(&self, server: &Server) -> PathBuf {
        match self {
            Self::Picture(name) => server.render_queue.file(name),
            Self::Clip(_, path, _) => path.clone(),
        }
    }

    fn content_type(&self) -> &'static str {
        match self {
            Self::Picture(name) => name.kind().media_type(),
            Self::Clip(..) => "video/mp4",
        }
    }

    fn sha256(&self) -> &str {
        match self {
            Self::Picture(name) => name.digest(),
            Self::Clip(_, _, sha256) => sha256,
        }
    }
}

/// The picture of an artifact, if it is one.
pub(super) fn picture(server: &Server, id: &str) -> Option<FileName> {
    match Stored::find(server, &id.parse().ok()?)? {
        Stored::Picture(name) => Some(name).filter(|name| server.render_queue.file(name).exists()),
        Stored::Clip(..) => None,
    }
}

async fn artifact(
    server: &Server,
    headers: &HeaderMap,
    id: &ArtifactId,
) -> Result<Artifact, Rejection> {
    let stored = Stored::find(server, id).ok_or_else(unknown_artifact)?;
    let metadata = tokio::fs::metadata(stored.path(server)).await;
    let size_bytes = metadata.map_err(|_| unknown_artifact())?.len();
    let (filename, url, media_id) = match &stored {
        Stored::Picture(name) => {
            let url = format!("{}{}{name}", server.base_url(headers), files::PATH);
            let media_id = format!("media_{}", name.digest());
            (name.to_string(), Some(url), Some(media_id))
        }
        Stored::Clip(job, ..) => (format!("{job}.mp4"), None, None),
    };
    let job_id = match id {
        ArtifactId::Upload(_) => None,
        ArtifactId::Result(job) => Some(*job),
    };
    Ok(Artifact {
        id: id.to_string(),
        filename,
        content_type: stored.content_type(),
        size_bytes,
        sha256: stored.sha256().to_owned(),
        url,
        media_id,
        job_id,
    })
}

#[derive(Serialize)]
pub(super) struct Items {
    items: Vec<Artifact>,
}

/// `GET /jobs/{id}/artifacts`
pub(super) async fn of_job(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Wrapped<Items>>, Rejection> {
    let id = job_id(&id)?;
    let view = view(&server, id, Protocol::PopiArt)?;
    let mut items = Vec::new();
    if matches!(view.phase, Phase::Ended(Ending::Succeeded { .. })) {
        items.push(artifact(&server, &headers, &ArtifactId::Result(id)).await?);
    }
    Ok(wrapped(Items { items }))
}

/// `GET /artifacts/{id}`
pub(super) async fn describe(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Wrapped<Artifact>>, Rejection> {
    let id = id.parse().map_err(|_| unknown_artifact())?;
    artifact(&server, &headers, &id).await.map(wrapped)
}

/// `GET /artifacts/{id}/content`
pub(super) async fn content(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let id = id.parse().map_err(|_| unknown_artifact())?;
    let stored = Stored::find(&server, &id).ok_or_else(unknown_artifact)?;
    let (path, kind) = (stored.path(&server), stored.content_type());
    download::send(&path, kind, stored.sha256(), &headers).await
}

/// `POST /artifacts/upload`
pub(super) async fn upload(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Wrapped<Artifact>>), Rejection> {
    let id = ArtifactId::Upload(upload::store(&server, form).await?);
    let artifact = artifact(&server, &headers, &id).await?;
    Ok((StatusCode::CREATED, wrapped(artifact)))
}

fn unknown_artifact() -> Rejection {
    let message = "no artifact has this id";
    Rejection::new(StatusCode::NOT_FOUND, "unknown_artifact", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifact_id_has_one_written_form() {
        let (job, digest) = ("0f".repeat(16), "0f".repeat(32));
        for name in [format!("art_{job}"), format!("art_webp_{digest}")] {
            let id: ArtifactId = name.parse().expect("a name");
            assert_eq!(id.to_string(), name);
        }
        for wrong in [
            String::new(),
            job.clone(),
            format!("art_{}", job.to_uppercase()),
            format!("art_{{{job}}}"),
            format!("art_gif_{digest}"),
            format!("art_png_{job}"),
            format!("art_png_../{}", &digest[3..]),
        ] {
            assert!(wrong.parse::<ArtifactId>().is_err(), "{wrong}");
        }
    }
}
