//! The files of a result: those that were inside the provider's reply, and the names of those
//! after the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;

use super::resolved_job::ResolvedJob;
use crate::contract::MediaKind;
use crate::download::{self, Unfinished};
use crate::driver::event::Event;
use crate::egress::Attachments;
use crate::file_type::{self, FileType};
use crate::json;
use crate::ledger::{Job, Media, Target};
use crate::media::file_url;

/// Most bytes of a `data:` URL that a component returns; its text is bounded before.
const DATA_URL: u64 = 1 << 20;

/// The URL of a file that was inside a reply and is not in hand any more.
pub(super) const IN_REPLY: &str = Attachments::GONE;

/// The files that were inside a reply, by their number in the result.
#[derive(Default)]
pub(super) struct InHand(BTreeMap<usize, Bytes>);

impl InHand {
    /// Takes the files of a success out of the attachments of its call. In the event, the `file:`
    /// URLs of their final names stand in their place.
    pub(super) fn of(event: &mut Event, job: &Job, resolved_job: &ResolvedJob) -> Self {
        let Event::Succeeded {
            output,
            media: Some(media),
            ..
        } = event
        else {
            return Self::default();
        };
        let mut others = std::mem::take(&mut media.others);
        let mut found = Found {
            job,
            resolved_job,
            in_hand: Self::default(),
            renamed: Vec::new(),
        };
        let all = std::iter::once(&mut *media).chain(&mut others);
        for (number, medium) in all.enumerate() {
            found.take(number, medium);
        }
        media.others = others;
        if let (false, Ok(mut document)) = (found.renamed.is_empty(), json::parse(output)) {
            rename(&mut document, &found.renamed);
            *output = document.to_string();
        }
        found.in_hand
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of a file, which are handed out once.
    pub(super) fn take(&mut self, number: usize) -> Option<Bytes> {
        self.0.remove(&number)
    }
}

struct Found<'a> {
    job: &'a Job,
    resolved_job: &'a ResolvedJob,
    in_hand: InHand,
    /// URLs of the reply, and what stands in their place.
    renamed: Vec<(String, String)>,
}

impl Found<'_> {
    /// Takes the file of a medium, if one of its places was inside the reply. A file of another
    /// kind is taken only if there is no other place, so that the error can say so.
    fn take(&mut self, number: usize, medium: &mut Media) {
        let kind = kind_of(medium, self.resolved_job);
        let mut others = std::mem::take(&mut medium.alternatives);
        let first = Attachments::is_one(&medium.url).then(|| self.bytes(&medium.url));
        let inside = others.extract_if(.., |place| Attachments::is_one(&place.url));
        let inside: Vec<_> = inside.map(|place| self.bytes(&place.url)).collect();
        let all = || first.iter().chain(&inside).flatten();
        let fits = all().find(|bytes| download::is_of_kind(kind, bytes));
        let is_alone = first.is_some() && others.is_empty();
        let bytes = fits.or_else(|| all().next().filter(|_| is_alone)).cloned();
        if first.is_some() {
            let given = medium.url.clone();
            match &bytes {
                Some(bytes) => {
                    let path = path_of(self.job, number, media_type(bytes));
                    medium.url = file_url::of(&path);
                    medium.needs_credential = false;
                }
                None if others.is_empty() => medium.url = IN_REPLY.into(),
                None => *medium = others.remove(0),
            }
            self.renamed.push((given, medium.url.clone()));
        }
        medium.alternatives = others;
        if let Some(bytes) = bytes {
            self.in_hand.0.insert(number, bytes);
        }
    }

    fn bytes(&self, url: &str) -> Option<Bytes> {
        let attachment = match Attachments::number(url) {
            Some(number) => self.resolved_job.context.attachments().take(number)?,
            None => Attachments::of_data_url(url, DATA_URL).ok()?,
        };
        Some(attachment.bytes)
    }
}

fn rename(document: &mut Value, renamed: &[(String, String)]) {
    match document {
        Value::String(text) => {
            if let Some((_, url)) = renamed.iter().find(|(given, _)| given == text) {
                text.clone_from(url);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        Value::Object(fields) => fields.values_mut().for_each(|value| rename(value, renamed)),
        _ => {}
    }
}

/// The kind that the node declares for a medium, else that of its first one.
pub(super) fn kind_of(media: &Media, resolved_job: &ResolvedJob) -> MediaKind {
    let mut declared = resolved_job.node.output_media.iter();
    let first = declared.clone().next();
    let field = declared.find(|field| field.pointer == media.pointer);
    field.or(first).map_or(MediaKind::Video, |field| field.kind)
}

fn media_type(bytes: &[u8]) -> &'static str {
    match file_type::kind(&bytes[..bytes.len().min(file_type::HEADER)]) {
        FileType::Image(media_type) | FileType::Video(media_type) => media_type,
        _ => "application/octet-stream",
    }
}

/// The places of the unfinished file of this number in a job's result. `clips`: the folder of the
/// data directory for results.
pub(super) fn places_of(job: &Job, number: usize, clips: &Path) -> Unfinished {
    let target = job.target.numbered(number);
    let (Target::File(path) | Target::Stem(path)) = target;
    Unfinished::of(&path, &job.spec.id, clips)
}

/// The unfinished file of this number, where it is or can be written.
pub(super) fn part_of(job: &Job, number: usize, clips: &Path) -> PathBuf {
    places_of(job, number, clips).into_part()
}

/// The final path for the file of this number and type.
pub(super) fn path_of(job: &Job, number: usize, media_type: &str) -> PathBuf {
    job.target.unused_path_of(number, media_type)
}
