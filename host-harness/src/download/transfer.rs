//! A download into an unfinished file: requests, resumption and checks.

use std::path::Path;

use super::error::DownloadError;
use super::files::{Fetched, Received};
use super::part::{Part, Taken, remove, unverified_of};
use super::range::ContentRange;
use crate::connections::OpenConnection;
use crate::contract::MediaKind;
use crate::egress::{
    AddressRule, ContentDecoder, Egress, FetchAddresses, FetchError, Reply, ReplyLost, Wanted,
};
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
        Ok(fetched) => match part.sync().await {
            Ok(()) => {
                remove(&unverified_of(wanted.part));
                Ok(fetched)
            }
            Err(source) => {
                // The system may have discarded the data that it could not write, and reports that
                // only once: this file is never continued. It may be all that there is, though.
                part.set_aside();
                let kept = unverified_of(wanted.part);
                Err(DownloadError::Unsynced { kept, source })
            }
        },
        Err(error) => {
            part.flush().await?;
            if matches!(error, DownloadError::Digest { .. }) {
                // It may be whole, and a wrong digest be all that the provider has.
                part.set_aside();
            } else if error.invalidates_the_part() || part.bytes() == 0 {
                part.discard();
            }
            Err(error)
        }
    }
}

/// What a reply carries of the file.
struct Carried {
    decoder: Option<ContentDecoder>,
    extent: Extent,
    /// Length of the file, if the server announced it.
    total: Option<u64>,
}

/// The bytes of the file that a reply carries.
#[derive(Clone, Copy)]
struct Extent {
    /// Offset of the first one.
    start: u64,
    /// The end of the file or, without a total, of the reply.
    end: Option<u64>,
}

/// One call of [`fetch`].
struct Transfer<'a> {
    egress: &'a Egress,
    wanted: &'a Download<'a>,
    url: FetchUrl,
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
    /// Resumes the part, or restarts it. It restarts at most once, so that a server whose
    /// bytes differ each time does not cause an endless loop.
    async fn whole(
        &self,
        part: &mut Part,
        progress: &mut impl FnMut(Received),
    ) -> Result<(), DownloadError> {
        let good = part.bytes() <= self.wanted.limit && self.recognised(part.header()).is_ok();
        if good && part.position() > 0 && self.attempt(part, progress).await? {
            return Ok(());
        }
        if part.position() > 0 {
            part.restart().await?;
        }
        self.attempt(part, progress).await.map(drop)
    }

    /// Requests and takes the bytes from the part's position on. `false` if they do not fit
    /// the existing ones, which cannot happen at position 0.
    async fn attempt(
        &self,
        part: &mut Part,
        progress: &mut impl FnMut(Received),
    ) -> Result<bool, DownloadError> {
        let from = part.position();
        let reply = self.egress.fetch(Wanted {
            url: self.url.clone(),
            addresses: self.addresses(),
            credential: self.credential(),
            from,
        });
        let mut reply = match reply.await {
            Err(FetchError::Status { status: 416, .. }) if from > 0 => return Ok(false),
            reply => reply?,
        };
        let Some(carried) = self.carried(&reply, from)? else {
            return Ok(false);
        };
        let Carried {
            mut decoder,
            extent,
            total,
        } = carried;
        if extent.start == 0 {
            part.restart().await?;
        }
        // A file shorter than the existing bytes is another file.
        if extent.end.is_some_and(|end| end < part.bytes()) {
            return Ok(false);
        }
        if extent.end.is_some_and(|end| end > self.wanted.limit) {
            return Err(self.too_long());
        }
        let idle = self.egress.limits().idle;
        while let Some(bytes) = reply.chunk(idle).await.map_err(|lost| self.broken(lost))? {
            let mut rest = &bytes[..];
            loop {
                let piece = match &mut decoder {
                    None => std::mem::take(&mut rest),
                    Some(decoder) => {
                        let next = decoder.next(&mut rest);
                        next.map_err(|lost| self.broken(lost))?.unwrap_or(&[])
                    }
                };
                if piece.is_empty() {
                    break;
                }
                if !self.take(part, piece, extent).await? {
                    return Ok(false);
                }
                let bytes = part.bytes();
                progress(Received { bytes, total });
            }
        }
        if let Some(decoder) = decoder {
            decoder.finish().map_err(|lost| self.broken(lost))?;
        }
        match extent.end.filter(|end| *end != part.position()) {
            Some(end) => Err(self.of_another_length(extent.start, end, part.position())),
            None => Ok(true),
        }
    }

    fn addresses(&self) -> FetchAddresses<'_> {
        match self.wanted.connection {
            Some(open) => FetchAddresses::of_connection(open.connection()),
            None => FetchAddresses::of_rule(AddressRule::PUBLIC),
        }
    }

    fn credential(&self) -> Option<&OpenConnection> {
        let connection = self.wanted.connection;
        connection.filter(|_| self.wanted.needs_credential)
    }

    /// What `reply` carries of the file. `None` if it does not continue at `from`.
    fn carried(&self, reply: &Reply, from: u64) -> Result<Option<Carried>, DownloadError> {
        let headers = &reply.parts.headers;
        let is_partial = reply.parts.status == http::StatusCode::PARTIAL_CONTENT;
        let decoder = match ContentDecoder::of(headers, self.wanted.limit) {
            // The range is one of the encoded bytes.
            Ok(Some(_)) | Err(_) if is_partial => return Ok(None),
            Ok(decoder) => decoder,
            Err(unknown) => {
                let url = self.url.to_string();
                let source = unknown.into();
                return Err(FetchError::Egress { url, source }.into());
            }
        };
        let (start, end, total) = if is_partial {
            match ContentRange::of(headers).filter(|range| range.first == from) {
                Some(range) => (
                    from,
                    Some(range.total.unwrap_or(range.last + 1)),
                    range.total,
                ),
                None => return Ok(None),
            }
        } else {
            // The announced length of an encoded body is not that of the file.
            let announced = reply.announced().filter(|_| decoder.is_none());
            (0, announced, announced)
        };
        Ok(Some(Carried {
            decoder,
            extent: Extent { start, end },
            total,
        }))
    }

    /// Takes the next bytes of the file. `false` if they differ from the existing ones.
    async fn take(
        &self,
        part: &mut Part,
        bytes: &[u8],
        extent: Extent,
    ) -> Result<bool, DownloadError> {
        let after = part.position() + bytes.len() as u64;
        if after > self.wanted.limit {
            return Err(self.too_long());
        }
        if let Some(end) = extent.end.filter(|end| after > *end) {
            return Err(self.of_another_length(extent.start, end, after));
        }
        match part.take(bytes).await? {
            // A page instead of a clip is detected before it is complete.
            Taken::Header => self.recognised(part.header()).map(|_| true),
            Taken::More => Ok(true),
            Taken::Differs => Ok(false),
        }
    }

    /// Checks kind and digest of the complete file.
    fn checked(&self, part: &Part) -> Result<Fetched, DownloadError> {
        let media_type = self.recognised(part.header())?;
        let sha256 = part.sha256();
        let announced = self.wanted.sha256;
        if announced.is_some_and(|text| !text.eq_ignore_ascii_case(&sha256.to_string())) {
            return Err(DownloadError::Digest {
                url: self.url.to_string(),
                kept: unverified_of(self.wanted.part),
            });
        }
        Ok(Fetched {
            bytes: part.position(),
            sha256,
            media_type,
        })
    }

    fn recognised(&self, header: &[u8]) -> Result<&'static str, DownloadError> {
        recognised(self.wanted.kind, header, || self.url.to_string())
    }

    fn broken(&self, source: ReplyLost) -> DownloadError {
        if matches!(source, ReplyLost::BodyTooLong { .. }) {
            return self.too_long();
        }
        DownloadError::Broken {
            url: self.url.to_string(),
            source,
        }
    }

    fn of_another_length(&self, start: u64, announced: u64, actual: u64) -> DownloadError {
        self.broken(ReplyLost::Length {
            announced: announced - start,
            actual: actual - start,
        })
    }

    fn too_long(&self) -> DownloadError {
        DownloadError::TooLong {
            url: self.url.to_string(),
            limit: self.wanted.limit,
        }
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
            expected: match expected {
                MediaKind::Image => "a picture",
                MediaKind::Video => "a video",
            },
            what: came.to_string(),
        }),
    }
}
