//! From acceptance to the file. Nothing here can cost money.

use std::path::PathBuf;

use tokio::time::Instant;
use zoetrope_host::call::CallContext;
use zoetrope_host::contract::{MediaKind, NodeType, ResultMedia, Success};
use zoetrope_host::download::{Download, DownloadError, Downloaded, LONGEST, download};
use zoetrope_host::egress::{AddressRule, FetchError};
use zoetrope_host::pack::Pack;

use super::{Begun, Run};
use crate::cli::failure::{Failure, Phase, with_causes};
use crate::cli::progress::Progress;
use crate::cli::setup::Setup;
use crate::cli::ticket_file::Job;
use crate::cli::wait;

/// How often a download is begun before the run gives up; the job stays resumable.
const DOWNLOADS: u32 = 4;

impl Run {
    /// From acceptance to the file.
    #[expect(
        clippy::too_many_arguments,
        reason = "the driver of a later version holds these as a row"
    )]
    pub(super) async fn finish(
        &self,
        setup: &Setup,
        pack: &Pack,
        node: &NodeType,
        context: CallContext,
        job: &mut Job,
        begun: Begun,
        deadline: Instant,
        progress: &mut Progress,
    ) -> Result<(Success, Downloaded), Failure> {
        let wanted = job.connection.clone();
        let reconnect = async || setup.connect(node, Some(&wanted)).await;
        let mut success = match begun {
            Begun::Finished(success) => success,
            Begun::Waiting { hint } => {
                progress.at("submitted", None, job.provider_job_id.as_deref());
                wait::wait(pack, context, &reconnect, job, hint, deadline, progress).await?
            }
        };
        let mut attempt = 0;
        loop {
            let charge = success.settlement.charge;
            let missing = |failure: Failure| failure.before_the_clip(charge);
            let context = reconnect().await.map_err(missing)?;
            match self
                .fetch(setup, node, &context, job, &success, progress)
                .await
            {
                Ok(file) => return Ok((success, file)),
                Err(error) => {
                    attempt += 1;
                    if attempt == DOWNLOADS
                        || matches!(
                            error,
                            DownloadError::Target(_) | DownloadError::Write { .. }
                        )
                    {
                        let message =
                            format!("the clip is not on the disk yet: {}", with_causes(&error));
                        return Err(Failure::new("download_failed", Phase::Download, message)
                            .charged(success.settlement.charge));
                    }
                    wait::pause(attempt).await;
                    // The URL may have expired or moved: the ticket gives a fresh one.
                    let again =
                        wait::wait(pack, context, &reconnect, job, None, deadline, progress);
                    success = again.await.map_err(missing)?;
                }
            }
        }
    }

    async fn fetch(
        &self,
        setup: &Setup,
        node: &NodeType,
        context: &CallContext,
        job: &Job,
        success: &Success,
        progress: &mut Progress,
    ) -> Result<Downloaded, DownloadError> {
        let media = success.media.first().ok_or(FetchError::Url)?;
        let kind = node
            .output_media
            .iter()
            .find(|field| field.pointer == media.pointer);
        let kind = kind.map_or(MediaKind::Video, |field| field.kind);
        let target = match &job.out {
            Some(out) => out.clone(),
            None => clips(setup, job, &extension(media, kind)),
        };
        let connection = context.connection();
        let wanted = Download {
            url: &media.url,
            kind,
            rule: connection.map_or(AddressRule::PUBLIC, |open| {
                AddressRule::of_media(open.base_url().origin())
            }),
            credential: connection
                .filter(|_| media.needs_credential)
                .map(AsRef::as_ref),
            sha256: media.sha256.as_deref(),
            target: &target,
            force: self.force,
            limit: LONGEST,
        };
        download(setup.egress(), &wanted, |received| {
            progress.downloading(received.bytes, received.total);
        })
        .await
    }
}

fn clips(setup: &Setup, job: &Job, extension: &str) -> PathBuf {
    let folder = setup.data_dir().unwrap_or_default().join("clips");
    folder.join(format!("{}.{extension}", job.id))
}

/// As the provider says, or the URL, or what is usual.
fn extension(media: &ResultMedia, kind: MediaKind) -> String {
    let usual = match kind {
        MediaKind::Video => "mp4",
        MediaKind::Image => "png",
    };
    let known = ["mp4", "webm", "mov", "png", "jpg", "jpeg", "webp", "gif"];
    let told = media
        .media_type
        .as_deref()
        .and_then(|media_type| media_type.rsplit('/').next());
    let path = media.url.split(['?', '#']).next().unwrap_or_default();
    let written = path.rsplit('.').next();
    told.into_iter()
        .chain(written)
        .find(|name| known.contains(name))
        .unwrap_or(usual)
        .to_owned()
}
