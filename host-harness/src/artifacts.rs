//! Artifacts: files that a provider stores under an id. They are pulled to files and uploaded
//! from files, over a connection. No call costs money.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::component::{CallContext, CallError, Pack, with_file_length};
use crate::contract::{Artifact, LocalFile, Location, MediaKind};
use crate::digest::Sha256Digest;
use crate::download::{
    self, Download, DownloadError, DownloadFailure, Fetched, MAX_BYTES, check_target, part_of,
};
use crate::egress::EgressError;
use crate::ledger::Target;
use crate::media::{MediaError, Picture};

/// Why an artifact was not pulled or uploaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The component's error, or a call that failed.
    #[error("the artifact cannot be used")]
    Call(#[from] CallError),
    /// The context has no connection.
    #[error("artifacts need a connection")]
    NoConnection,
    /// The local file cannot be used.
    #[error("the file cannot be uploaded")]
    File(#[from] MediaError),
    /// The upload failed.
    #[error("the file could not be uploaded")]
    Upload(#[source] EgressError),
    /// The download failed, or the file cannot be written.
    #[error("the artifact cannot be downloaded")]
    Download(#[from] DownloadError),
}

/// A pulled artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct Pulled {
    /// The provider's description of it.
    pub artifact: Artifact,
    /// The complete file.
    pub file: Fetched,
    /// Where it is.
    pub path: PathBuf,
}

/// The provider's description of an artifact.
///
/// # Errors
///
/// [`ArtifactError::Call`].
pub async fn find(
    pack: &Pack,
    context: &CallContext,
    category: &str,
    id: &str,
) -> Result<Artifact, ArtifactError> {
    Ok(pack.find_artifact(context, category, id).await?)
}

/// Downloads an artifact to `target`, from the first of its places that has the file. The
/// extension of a [`Target::Stem`] is that of the content. An existing file is replaced if
/// `force` is set.
///
/// # Errors
///
/// When the connection is missing, the file cannot be fetched completely, is neither a picture
/// nor a clip, or cannot be written.
pub async fn pull(
    context: &CallContext,
    category: &str,
    artifact: Artifact,
    target: &Target,
    force: bool,
) -> Result<Pulled, ArtifactError> {
    // The provider's word; the content may be of another type.
    let likely = artifact.media_type.as_deref().unwrap_or("video/mp4");
    check_target(&target.path_of(likely), force).map_err(DownloadError::from)?;
    let (Target::File(name) | Target::Stem(name)) = target;
    let first = Location {
        url: artifact.url.clone(),
        needs_credential: artifact.needs_credential,
    };
    // The part of one artifact is never continued by another one.
    let id = Sha256Digest::from(Sha256::digest(format!("{category} {}", artifact.id)));
    let part = part_of(name, &id.to_string()[..16]);
    let mut failed = None;
    for place in std::iter::once(&first).chain(&artifact.alternatives) {
        match fetch(context, &artifact, place, &part).await {
            Ok(file) => {
                let path = target.path_of(file.media_type);
                let (part, to, digest) = (part.clone(), path.clone(), file.sha256);
                finalize(part, to, digest, force).await?;
                return Ok(Pulled {
                    artifact,
                    file,
                    path,
                });
            }
            Err(ArtifactError::Download(error))
                if error.failure() != DownloadFailure::Permanent =>
            {
                failed.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(failed.map_or(ArtifactError::NoConnection, Into::into))
}

async fn fetch(
    context: &CallContext,
    artifact: &Artifact,
    place: &Location,
    part: &Path,
) -> Result<Fetched, ArtifactError> {
    let (Some(egress), Some(connection)) = (context.egress(), context.connection()) else {
        return Err(ArtifactError::NoConnection);
    };
    let is_image = |media_type: &str| media_type.starts_with("image/");
    let kinds: &[MediaKind] = match artifact.media_type.as_deref() {
        Some(media_type) if is_image(media_type) => &[MediaKind::Image],
        Some(media_type) if media_type.starts_with("video/") => &[MediaKind::Video],
        _ => &[MediaKind::Video, MediaKind::Image],
    };
    let mut fetched = Err(ArtifactError::NoConnection);
    for kind in kinds {
        let wanted = Download {
            url: &place.url,
            kind: *kind,
            connection: Some(connection.as_ref()),
            needs_credential: place.needs_credential,
            sha256: artifact.sha256.as_deref(),
            part,
            limit: MAX_BYTES,
        };
        fetched = download::fetch(egress, &wanted, |_| {})
            .await
            .map_err(ArtifactError::Download);
        if !matches!(
            fetched,
            Err(ArtifactError::Download(DownloadError::WrongKind { .. }))
        ) {
            break;
        }
    }
    fetched
}

/// Gives the file its name, on a blocking thread: its digest is computed again.
async fn finalize(
    part: PathBuf,
    target: PathBuf,
    digest: Sha256Digest,
    force: bool,
) -> Result<(), DownloadError> {
    let path = target.clone();
    let named =
        tokio::task::spawn_blocking(move || download::finalize(&part, &target, &digest, force));
    named.await.unwrap_or_else(|error| {
        let source = std::io::Error::other(error);
        Err(DownloadError::Write { path, source })
    })
}

/// Uploads a local picture as an artifact with this role.
///
/// # Errors
///
/// When the connection is missing, the file is not a picture, or the component or the provider
/// refuses it.
pub async fn upload(
    pack: &Pack,
    context: &CallContext,
    category: &str,
    picture: &Picture,
    role: &str,
) -> Result<Artifact, ArtifactError> {
    let (Some(egress), Some(connection)) = (context.egress(), context.connection()) else {
        return Err(ArtifactError::NoConnection);
    };
    let file = LocalFile {
        media_type: picture.media_type().to_owned(),
        byte_length: picture.byte_length(),
        file_name: picture.file_name().to_owned(),
    };
    let plan = pack.plan_artifact_upload(context, category, &file, role);
    let plan = plan.await?;
    // A command of the user, and no part of a job: each one uploads once.
    let is_recorded = std::future::ready(true);
    let reply = egress.upload(connection, pack.quota(), &plan, picture.part(), is_recorded);
    let reply = reply.await.map_err(ArtifactError::Upload)?;
    let artifact = pack.artifact_uploaded(context, category, reply.status, &reply.body);
    let length = picture.byte_length();
    let artifact = artifact
        .await
        .map_err(|error| with_file_length(error, reply.status, length))?;
    Ok(artifact)
}
