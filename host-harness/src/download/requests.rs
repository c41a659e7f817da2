//! The requests of a download: one, or as many as it takes until the file is complete.

use http::StatusCode;

use super::error::DownloadError;
use super::files::Received;
use super::part::{Part, Taken};
use super::range::{ContentRange, length_of_whole};
use super::transfer::{Transfer, is_of_unknown_format};
use crate::egress::{ContentDecoder, FetchError, Reply, ReplyLost, Wanted};
use crate::structure::Ending;

/// Most requests of one attempt: a server may send a clip in pieces of 64 KiB.
const REQUESTS: u32 = 4096;

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
    /// The end of the reply, if it is announced.
    end: Option<u64>,
}

/// How far a reply has brought the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The file is complete.
    Whole,
    /// The bytes up to the position are there; the file has more.
    More,
    /// All bytes of the reply are there, and no length says whether the file has more. `is_ended`:
    /// the reply itself has an end, which does not depend on the connection.
    Open { is_ended: bool },
    /// The reply carries nothing that continues the file.
    Nothing,
    /// The bytes do not fit the existing ones.
    Differs,
}

/// What earlier replies of one attempt said.
#[derive(Default)]
struct Seen {
    replies: u32,
    /// Length of the file.
    total: Option<u64>,
    /// Whether a reply did not say how long the file is.
    is_open: bool,
    /// Whether a request for a range was answered with that range.
    has_range: bool,
}

impl Seen {
    /// Notes a reply that announces this length of the file. `false` if an earlier one announced
    /// another.
    fn is_same_file(&mut self, total: Option<u64>) -> bool {
        self.replies += 1;
        self.is_open |= total.is_none();
        let before = self.total;
        self.total = total.or(before);
        total.is_none_or(|total| before.is_none_or(|before| before == total))
    }
}

impl Transfer<'_> {
    /// Resumes the part, or restarts it. It restarts at most once, so that a server whose
    /// bytes differ each time does not cause an endless loop.
    pub(super) async fn whole(
        &self,
        part: &mut Part,
        progress: &mut impl FnMut(Received),
    ) -> Result<(), DownloadError> {
        let good = part.bytes() <= self.wanted.limit && self.is_possible(part.header()).is_ok();
        if good && part.position() > 0 && self.attempt(part, progress).await? {
            return Ok(());
        }
        if part.position() > 0 {
            part.restart().await?;
        }
        if self.attempt(part, progress).await? {
            return Ok(());
        }
        Err(self.incomplete("the replies do not fit together"))
    }

    /// Requests and takes the bytes from the part's position on, until the file is complete.
    /// `false` if they do not fit the existing ones.
    ///
    /// A reply without the file's length may have been cut anywhere. Further requests then ask for
    /// more, until the server says that there is none (status 416). If it says something else, the
    /// structure of the file decides.
    async fn attempt(
        &self,
        part: &mut Part,
        progress: &mut impl FnMut(Received),
    ) -> Result<bool, DownloadError> {
        let mut seen = Seen::default();
        let mut came = self.request(part, &mut seen, progress).await?;
        for _ in 0..REQUESTS {
            match came {
                // A length that another reply announced may be that of half a clip.
                Progress::Whole if seen.is_open && !self.is_announced(part) => {
                    return match self.ending(part).await? {
                        Ending::Cut(why) => Err(self.is_cut(&why)),
                        Ending::Whole | Ending::Unknown => Ok(true),
                    };
                }
                Progress::Whole => return Ok(true),
                Progress::Differs | Progress::Nothing => return Ok(false),
                // Its digest says more than another reply.
                Progress::Open { .. } if self.is_announced(part) => return Ok(true),
                Progress::Open { is_ended: true } => match self.ending(part).await? {
                    Ending::Whole | Ending::Unknown => return Ok(true),
                    Ending::Cut(_) => {}
                },
                Progress::More | Progress::Open { .. } => {}
            }
            let before = part.position();
            if before == 0 {
                return Err(self.incomplete("no byte of it came"));
            }
            let next = self.request(part, &mut seen, progress).await;
            let has_more = came == Progress::More;
            came = match next {
                Err(DownloadError::Fetch(_)) if !has_more => Progress::Nothing,
                next => next?,
            };
            let is_stuck =
                matches!(came, Progress::More | Progress::Open { .. }) && part.position() == before;
            if is_stuck || came == Progress::Nothing {
                return if has_more {
                    Err(self.incomplete("the server does not send the rest"))
                } else {
                    self.by_structure(part, &seen).await.map(|()| true)
                };
            }
        }
        Err(self.incomplete("it came in too many pieces"))
    }

    /// One request from the part's position on.
    async fn request(
        &self,
        part: &mut Part,
        seen: &mut Seen,
        progress: &mut impl FnMut(Received),
    ) -> Result<Progress, DownloadError> {
        let from = part.position();
        let reply = self.egress.fetch(Wanted {
            url: self.url.clone(),
            addresses: self.addresses(),
            credential: self.credential(),
            from,
        });
        let reply = reply.await?;
        if reply.parts.status == StatusCode::RANGE_NOT_SATISFIABLE {
            return self.at_end(part, &reply, seen).await;
        }
        let Some(mut carried) = self.carried(&reply, from)? else {
            return Ok(Progress::Nothing);
        };
        let extent = carried.extent;
        if seen.replies > 0 && extent.start == 0 {
            // The whole file again, and not what was asked for.
            return Ok(Progress::Nothing);
        }
        if !seen.is_same_file(carried.total) {
            return Ok(Progress::Differs);
        }
        seen.has_range |= from > 0 && reply.parts.status == StatusCode::PARTIAL_CONTENT;
        // An earlier reply may have announced it.
        let total = seen.total;
        carried.total = total;
        if extent.start == 0 {
            part.restart().await?;
        }
        // A file shorter than the existing bytes is another file.
        if total.is_some_and(|total| total < part.bytes()) {
            return Ok(Progress::Differs);
        }
        if total
            .or(extent.end)
            .is_some_and(|end| end > self.wanted.limit)
        {
            return Err(self.too_long());
        }
        self.receive(part, reply, carried, progress).await
    }

    /// Takes the bytes of a reply that continues the part.
    async fn receive(
        &self,
        part: &mut Part,
        mut reply: Reply,
        carried: Carried,
        progress: &mut impl FnMut(Received),
    ) -> Result<Progress, DownloadError> {
        let Carried {
            mut decoder,
            extent,
            total,
        } = carried;
        let idle = self.egress.limits().idle;
        let is_ended = reply.has_end();
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
                    return Ok(Progress::Differs);
                }
                let bytes = part.bytes();
                progress(Received { bytes, total });
            }
        }
        if let Some(decoder) = decoder {
            // The encoding has an end of its own, also that of half a clip.
            decoder.finish().map_err(|lost| self.broken(lost))?;
            return Ok(Progress::Open { is_ended: true });
        }
        if let Some(end) = extent.end.filter(|end| *end != part.position()) {
            return Err(self.of_another_length(extent.start, end, part.position()));
        }
        Ok(match total {
            Some(total) if total == part.position() => Progress::Whole,
            Some(_) => Progress::More,
            // Of a range, only the end of the range is known.
            None if extent.end.is_some() => Progress::Open { is_ended: false },
            None => Progress::Open { is_ended },
        })
    }

    /// What a 416 says about a part whose position it was asked for.
    async fn at_end(
        &self,
        part: &mut Part,
        reply: &Reply,
        seen: &Seen,
    ) -> Result<Progress, DownloadError> {
        // Bytes of the part were not compared, or are too many.
        if seen.replies == 0 || part.bytes() != part.position() {
            return Ok(Progress::Differs);
        }
        let announced = length_of_whole(&reply.parts.headers);
        if announced.is_some_and(|total| total < part.position()) {
            return Ok(Progress::Differs);
        }
        let totals = [announced, seen.total];
        if totals
            .iter()
            .flatten()
            .any(|total| *total != part.position())
        {
            return Ok(Progress::Nothing);
        }
        if totals.iter().any(Option::is_some) {
            return Ok(Progress::Whole);
        }
        Ok(match self.ending(part).await? {
            Ending::Whole => Progress::Whole,
            // Some servers answer so to any range.
            Ending::Unknown if seen.has_range => Progress::Whole,
            Ending::Unknown | Ending::Cut(_) => Progress::Nothing,
        })
    }

    /// Whether the part has the digest that the provider announced.
    fn is_announced(&self, part: &Part) -> bool {
        let announced = self.wanted.sha256;
        announced.is_some_and(|text| text.eq_ignore_ascii_case(&part.sha256().to_string()))
    }

    /// Succeeds if the structure of the file says that it is complete, and no digest contradicts.
    async fn by_structure(&self, part: &mut Part, seen: &Seen) -> Result<(), DownloadError> {
        if part.bytes() != part.position() {
            return Err(self.incomplete("fewer bytes came than before"));
        }
        if seen.total.is_some_and(|total| total != part.position()) {
            return Err(self.incomplete("the server does not send the rest"));
        }
        match self.ending(part).await? {
            Ending::Whole if self.wanted.sha256.is_none() => Ok(()),
            Ending::Whole => Err(self.incomplete("it does not have the announced SHA-256")),
            Ending::Cut(why) => Err(self.is_cut(&why)),
            Ending::Unknown => Err(self.incomplete(&format!(
                "the reply has no length, nor has the file, which may be whole: what came is kept \
                 as `{}`",
                self.wanted.part.display()
            ))),
        }
    }

    fn is_cut(&self, why: &str) -> DownloadError {
        self.incomplete(&format!("the file {why}"))
    }

    async fn ending(&self, part: &mut Part) -> Result<Ending, DownloadError> {
        if is_of_unknown_format(part.header()) {
            return Ok(Ending::Unknown);
        }
        let media_type = self.recognised(part.header())?;
        part.ending(media_type).await
    }

    fn incomplete(&self, why: &str) -> DownloadError {
        DownloadError::Incomplete {
            url: self.url.to_string(),
            why: why.to_owned(),
        }
    }

    /// What `reply` carries of the file. `None` if it does not continue at `from`.
    fn carried(&self, reply: &Reply, from: u64) -> Result<Option<Carried>, DownloadError> {
        let headers = &reply.parts.headers;
        let is_partial = reply.parts.status == StatusCode::PARTIAL_CONTENT;
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
                Some(range) => (from, Some(range.last + 1), range.total),
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
            Taken::Header => self.is_possible(part.header()).map(|()| true),
            Taken::More => Ok(true),
            Taken::Differs => Ok(false),
        }
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
}
