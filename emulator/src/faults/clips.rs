//! The clips in a JSON reply, and other forms of their URLs.
//!
//! A clip is a URL of this provider in any field. `PopiArt` names clips by artifacts alone: an
//! artifact that is a clip, and a job that has one, get a field `url`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::job::JobId;
use crate::result_urls::{self, ClipName, ResultUrls};

/// Finds the file of a job's clip, and its digest.
pub(crate) type FindClip = Arc<dyn Fn(JobId) -> Option<(PathBuf, String)> + Send + Sync>;

/// Another form of a clip in a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClipForm {
    Relative(RelativeUrl),
    Inline(InlineClip),
    /// A list of this many URLs of the clip.
    Several(usize),
}

/// The form of a relative URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RelativeUrl {
    /// An absolute path.
    Path,
    /// The last segment alone.
    Name,
    /// A URL without its scheme.
    Scheme,
}

/// The form of a clip inside the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InlineClip {
    /// A `data:` URL with base64.
    DataUrl,
    Base64,
}

/// The clips of the provider, for the replies to one request.
pub(crate) struct Clips<'a> {
    pub(crate) find: &'a FindClip,
    pub(crate) result_urls: &'a ResultUrls,
    /// The host by which the client reached the provider.
    pub(crate) host: &'a str,
}

impl Clips<'_> {
    /// The values for the clips of a reply, by their jobs. A clip that cannot be read has none.
    pub(crate) async fn values(&self, reply: &Value, form: ClipForm) -> HashMap<JobId, Value> {
        let mut values = HashMap::new();
        for job in jobs_in(reply) {
            let value = match form {
                ClipForm::Relative(form) => Some(self.relative_url(job, form).into()),
                ClipForm::Inline(form) => self.inline(job, form).await.map(Value::from),
                ClipForm::Several(count) => Some(self.several(job, count)),
            };
            values.extend(value.map(|value| (job, value)));
        }
        values
    }

    /// The job's URL and further ones of the same clip.
    fn several(&self, job: JobId, count: usize) -> Value {
        let first = self.result_urls.path(job);
        let more = (1..count).map(|number| format!("{}{job}.v{number}.mp4", result_urls::PATH));
        let paths = std::iter::once(first).chain(more);
        let urls = paths.map(|path| format!("http://{}{path}", self.host).into());
        Value::Array(urls.collect())
    }

    fn relative_url(&self, job: JobId, form: RelativeUrl) -> String {
        let path = self.result_urls.path(job);
        let name = path.rsplit('/').next().unwrap_or_default();
        match form {
            RelativeUrl::Path => format!("/files/{name}"),
            RelativeUrl::Name => name.to_owned(),
            RelativeUrl::Scheme => format!("//{}{path}", self.host),
        }
    }

    async fn inline(&self, job: JobId, form: InlineClip) -> Option<String> {
        let (path, _) = (self.find)(job)?;
        let base64 = STANDARD.encode(tokio::fs::read(path).await.ok()?);
        Some(match form {
            InlineClip::DataUrl => format!("data:video/mp4;base64,{base64}"),
            InlineClip::Base64 => base64,
        })
    }
}

/// The jobs whose clips a reply names.
fn jobs_in(value: &Value) -> Vec<JobId> {
    match value {
        Value::String(text) => clip_of_url(text).into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(jobs_in).collect(),
        Value::Object(fields) => {
            let inner = fields.values().flat_map(jobs_in);
            without_url(fields).into_iter().chain(inner).collect()
        }
        _ => Vec::new(),
    }
}

/// Writes the values in the places of the clips.
pub(super) fn replace(value: &mut Value, values: &HashMap<JobId, Value>) {
    if values.is_empty() {
        return;
    }
    match value {
        Value::String(text) => {
            if let Some(other) = clip_of_url(text).and_then(|job| values.get(&job)) {
                value.clone_from(other);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, values)),
        Value::Object(fields) => {
            let clip = without_url(fields);
            fields.values_mut().for_each(|value| replace(value, values));
            if let Some(other) = clip.and_then(|job| values.get(&job)) {
                fields.insert("url".to_owned(), other.clone());
            }
        }
        _ => {}
    }
}

/// The job of a clip's URL.
fn clip_of_url(text: &str) -> Option<JobId> {
    let rest = text.strip_prefix("http://")?;
    let path = rest.get(rest.find('/')?..)?;
    ClipName::in_path(path).map(|name| name.job)
}

/// The job of an artifact that is a clip without a URL, or of the document of a job with one.
fn without_url(fields: &Map<String, Value>) -> Option<JobId> {
    if fields.contains_key("url") {
        return None;
    }
    let text = |name| fields.get(name).and_then(Value::as_str);
    let has_artifact = || Some(!fields.get("artifact_ids")?.as_array()?.is_empty());
    if text("content_type") == Some("video/mp4") {
        text("id")?.strip_prefix("art_")?.parse().ok()
    } else if text("skill_id")?.contains("-video-") && has_artifact()? {
        text("job_id")?.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn clips_are_found_and_replaced_in_the_replies_of_every_protocol() {
        let job = Uuid::new_v4();
        let url = format!("http://127.0.0.1:1/v1/clips/{job}.mp4");
        let artifact = format!("art_{}", job.simple());
        let input = json!({"image": "http://127.0.0.1:1/v1/files/a.png"});
        let values = HashMap::from([(job, json!("x.mp4"))]);
        for (mut reply, place) in [
            (
                json!({"input": input, "output": {"video": url}}),
                "/output/video",
            ),
            (
                json!({"data": {"result": {"videos": [{"url": url}]}}}),
                "/data/result/videos/0/url",
            ),
            (json!({"data": [url]}), "/data/0"),
            (
                json!({"data": {"id": artifact, "content_type": "video/mp4"}}),
                "/data/url",
            ),
            (
                json!({"data": {"items": [{"id": artifact, "content_type": "video/mp4"}]}}),
                "/data/items/0/url",
            ),
            (
                json!({"data": {
                    "job_id": job, "skill_id": "popiskill-video-a", "artifact_ids": [artifact],
                }}),
                "/data/url",
            ),
        ] {
            assert_eq!(jobs_in(&reply), [job], "{reply}");
            replace(&mut reply, &values);
            assert_eq!(reply.pointer(place), Some(&json!("x.mp4")), "{reply}");
        }
        for mut other in [
            json!({"data": {"id": artifact, "content_type": "image/png"}}),
            json!({"job_id": job, "skill_id": "popiskill-video-a", "artifact_ids": []}),
            json!({"job_id": job, "skill_id": "popiskill-image-a", "artifact_ids": [artifact]}),
        ] {
            let same = other.clone();
            replace(&mut other, &values);
            assert_eq!(other, same);
        }
    }

    #[test]
    fn relative_urls_have_three_forms_and_several_urls_differ() {
        let job = Uuid::new_v4();
        let find: FindClip = Arc::new(|_| None);
        let clips = Clips {
            find: &find,
            result_urls: &ResultUrls::default(),
            host: "127.0.0.1:4",
        };
        for (form, expected) in [
            (RelativeUrl::Path, format!("/files/{job}.mp4")),
            (RelativeUrl::Name, format!("{job}.mp4")),
            (
                RelativeUrl::Scheme,
                format!("//127.0.0.1:4/v1/clips/{job}.mp4"),
            ),
        ] {
            assert_eq!(clips.relative_url(job, form), expected);
        }
        let url = |name: String| format!("http://127.0.0.1:4/v1/clips/{name}.mp4");
        let urls = [url(job.to_string()), url(format!("{job}.v1"))];
        assert_eq!(clips.several(job, 2), json!(urls));
    }
}
