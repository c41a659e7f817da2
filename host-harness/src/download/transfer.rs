//! A download into an unfinished file, and the checks of the complete file.

use std::path::Path;

use super::aside::{remove_unverified, set_aside};
use super::error::DownloadError;
use super::files::{Fetched, Received};
use super::part::Part;
use crate::connections::OpenConnection;
use crate::contract::MediaKind;
use crate::egress::{AddressRule, Egress, FetchAddresses, FetchError};
use crate::file_type::{self, FileType};
use crate::net::FetchUrl;

/// Default length limit of a download, in bytes.
pub const MAX_BYTES: u64 = 2 << 30;

/// What to download, and to which unfinished file.
pub struct Download<'a> {
    /// The clip's or picture's URL. A relative one is resolved against the connection's base URL.
    pub url: &'a str,
    /// The expected kind of file.
    pub kind: MediaKind,
    /// The connection that it is a result of. Without one, it may have public addresses only. With
    /// one, also those of the connection's host and port, and private ones at the connection's
    /// [`result_origins`](crate::connections::Connection::result_origins).
    pub connection: Option<&'a OpenConnection>,
    /// Whether the credential of the connection is sent, which only URLs below its base URL get.
    pub needs_credential: bool,
    /// Its SHA-256 in hexadecimal, if the provider announced it.
    pub sha256: Option<&'a str>,
    /// The unfinished file, created or resumed; see [`part_of`](super::part_of).
    pub part: &'a Path,
    /// Its length limit in bytes; [`MAX_BYTES`] is the default.
    pub limit: u64,
}

/// Downloads a clip or picture to its unfinished file, or resumes it. `progress` is called
/// after every piece; its bytes start over if the download does.
///
/// When it returns, the file is complete and checked, and survives a power cut.
/// [`finalize`](super::finalize()) then gives it its final name.
///
/// # Errors
///
/// When the file cannot be fetched completely, is of another kind, or cannot be written;
/// [`DownloadError::failure`] classifies the error. The bytes received are kept, unless they
/// can never become the file (another kind, or too long). A complete file of another digest than
/// the announced one is kept under the name that the error has.
pub async fn fetch(
    egress: &Egress,
    wanted: &Download<'_>,
    mut progress: impl FnMut(Received),
) -> Result<Fetched, DownloadError> {
    let url = url_of(wanted)?;
    tracing::info!(%url, "the download begins");
    let mut part = Part::open(wanted.part).await?;
    let transfer = Transfer {
        egress,
        wanted,
        url,
    };
    let outcome = match transfer.whole(&mut part, &mut progress).await {
        Ok(()) => transfer.checked(&part),
        Err(error) => Err(error),
    };
    let (bytes, whole) = (part.bytes(), outcome.is_ok());
    tracing::info!(bytes, whole, "the download ended");
    match outcome {
        Ok(fetched) => {
            part.sync().await?;
            remove_unverified(wanted.part);
            Ok(fetched)
        }
        Err(mut error) => {
            part.flush().await?;
            if let DownloadError::Digest { kept, .. } | DownloadError::UnknownFormat { kept, .. } =
                &mut error
            {
                // It may be whole, and a wrong digest be all that the provider has.
                let path = kept.clone();
                if let Ok(renamed) = tokio::task::spawn_blocking(move || set_aside(&path)).await {
                    *kept = renamed;
                }
            } else if !part.is_stale() && (error.invalidates_the_part() || part.bytes() == 0) {
                part.discard();
            }
            Err(error)
        }
    }
}

/// One call of [`fetch`].
pub(super) struct Transfer<'a> {
    pub(super) egress: &'a Egress,
    pub(super) wanted: &'a Download<'a>,
    pub(super) url: FetchUrl,
}

/// The URL as it is sent.
fn url_of(wanted: &Download<'_>) -> Result<FetchUrl, FetchError> {
    let Some(connection) = wanted.connection else {
        return Ok(FetchUrl::parse(wanted.url)?);
    };
    let base = FetchUrl::parse(&format!("{}/", connection.base_url()))?;
    Ok(base.join(wanted.url)?)
}

impl Transfer<'_> {
    pub(super) fn addresses(&self) -> FetchAddresses<'_> {
        match self.wanted.connection {
            Some(open) => FetchAddresses::of_connection(open.connection()),
            None => FetchAddresses::of_rule(AddressRule::PUBLIC),
        }
    }

    pub(super) fn credential(&self) -> Option<&OpenConnection> {
        let connection = self.wanted.connection;
        connection.filter(|_| self.wanted.needs_credential)
    }

    /// Checks kind and digest of the complete file.
    fn checked(&self, part: &Part) -> Result<Fetched, DownloadError> {
        if is_of_unknown_format(part.header()) {
            return Err(DownloadError::UnknownFormat {
                url: self.url.to_string(),
                expected: expected(self.wanted.kind),
                kept: self.wanted.part.to_owned(),
            });
        }
        let media_type = self.recognised(part.header())?;
        let sha256 = part.sha256();
        let announced = self.wanted.sha256;
        if announced.is_some_and(|text| !text.eq_ignore_ascii_case(&sha256.to_string())) {
            return Err(DownloadError::Digest {
                url: self.url.to_string(),
                kept: self.wanted.part.to_owned(),
            });
        }
        Ok(Fetched {
            bytes: part.position(),
            sha256,
            media_type,
        })
    }

    pub(super) fn recognised(&self, header: &[u8]) -> Result<&'static str, DownloadError> {
        recognised(self.wanted.kind, header, || self.url.to_string())
    }

    /// Checks that a file that begins with `header` may be the wanted one.
    pub(super) fn is_possible(&self, header: &[u8]) -> Result<(), DownloadError> {
        if is_of_unknown_format(header) {
            return Ok(());
        }
        self.recognised(header).map(|_| ())
    }

    pub(super) fn too_long(&self) -> DownloadError {
        DownloadError::TooLong {
            url: self.url.to_string(),
            limit: self.wanted.limit,
        }
    }
}

/// Whether a file may be a picture or clip of a format that is not known here: it is no text.
pub(super) fn is_of_unknown_format(header: &[u8]) -> bool {
    let is_text = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    file_type::kind(header) == FileType::Other && !header.iter().all(is_text)
}

fn expected(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "a picture",
        MediaKind::Video => "a video",
    }
}

/// The media type of a file that begins with `header`, if it is of the expected kind. `url`: what
/// an error names as its place.
pub(super) fn recognised(
    expected: MediaKind,
    header: &[u8],
    url: impl FnOnce() -> String,
) -> Result<&'static str, DownloadError> {
    match (expected, file_type::kind(header)) {
        (MediaKind::Image, FileType::Image(media_type))
        | (MediaKind::Video, FileType::Video(media_type)) => Ok(media_type),
        // It moves, and may have been paid for.
        (MediaKind::Video, FileType::Image(media_type)) if file_type::is_animated(header) => {
            Ok(media_type)
        }
        (_, came) => Err(DownloadError::WrongKind {
            url: url(),
            expected: self::expected(expected),
            what: came.to_string(),
        }),
    }
}
