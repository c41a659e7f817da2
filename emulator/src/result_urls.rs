//! The URLs of clips. A job has one, until a fault expires it and a poll gives a new one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;

use crate::job::JobId;

/// The path below which clips are served.
pub(crate) const PATH: &str = "/v1/clips/";

/// The name of a clip: `<job>.mp4`, or `<job>.v<n>.mp4` for its n-th new URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClipName {
    pub(crate) job: JobId,
    version: u32,
}

impl ClipName {
    /// Reads the last segment of a clip's path.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".mp4")?;
        let (job, version) = match stem.split_once(".v") {
            Some((job, version)) => (job, version.parse().ok()?),
            None => (stem, 0),
        };
        let job = job.parse().ok()?;
        Some(Self { job, version })
    }

    /// Reads a whole path.
    pub(crate) fn in_path(path: &str) -> Option<Self> {
        Self::parse(path.strip_prefix(PATH)?)
    }
}

/// The state of a job's URLs, once the first one has expired.
struct ResultUrl {
    /// The version in replies.
    current: u32,
    /// The status of that version, if it has expired.
    expired: Option<StatusCode>,
    /// The status of earlier versions.
    former: StatusCode,
}

/// The expired URLs and their replacements. They are not stored: after a restart all are valid.
#[derive(Default)]
pub(crate) struct ResultUrls(Mutex<HashMap<JobId, ResultUrl>>);

impl ResultUrls {
    /// The path of a job's clip in replies.
    pub(crate) fn path(&self, job: JobId) -> String {
        match self.with(|result_urls| result_urls.get(&job).map_or(0, |url| url.current)) {
            0 => format!("{PATH}{job}.mp4"),
            version => format!("{PATH}{job}.v{version}.mp4"),
        }
    }

    /// Expires a URL; its replies have this status.
    pub(crate) fn expire(&self, name: ClipName, status: StatusCode) {
        self.with(|result_urls| {
            let url = result_urls.entry(name.job).or_insert(ResultUrl {
                current: name.version,
                expired: None,
                former: status,
            });
            if url.current == name.version {
                url.expired = Some(status);
            }
        });
    }

    /// Gives a job a new URL if its last one has expired.
    pub(crate) fn renew(&self, job: JobId) {
        self.with(|result_urls| {
            if let Some(url) = result_urls.get_mut(&job)
                && let Some(status) = url.expired.take()
            {
                url.current += 1;
                url.former = status;
            }
        });
    }

    /// The status of an expired URL; `None` for a valid one.
    pub(crate) fn expired(&self, name: ClipName) -> Option<StatusCode> {
        self.with(|result_urls| {
            let url = result_urls.get(&name.job)?;
            if name.version < url.current {
                Some(url.former)
            } else {
                url.expired
            }
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<JobId, ResultUrl>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn expired_url_is_replaced_by_the_next_poll() {
        let (result_urls, job) = (ResultUrls::default(), Uuid::new_v4());
        let name =
            |result_urls: &ResultUrls| ClipName::in_path(&result_urls.path(job)).expect("a name");
        let first = name(&result_urls);
        assert_eq!(
            first,
            ClipName::parse(&format!("{job}.mp4")).expect("a name")
        );
        result_urls.renew(job);
        assert_eq!(
            (name(&result_urls), result_urls.expired(first)),
            (first, None)
        );

        result_urls.expire(first, StatusCode::FORBIDDEN);
        assert_eq!(name(&result_urls), first, "no poll yet");
        assert_eq!(result_urls.expired(first), Some(StatusCode::FORBIDDEN));
        result_urls.renew(job);
        let second = name(&result_urls);
        assert_ne!(second, first);
        assert_eq!(result_urls.expired(first), Some(StatusCode::FORBIDDEN));
        assert_eq!(result_urls.expired(second), None);
        result_urls.expire(first, StatusCode::NOT_FOUND);
        assert_eq!(
            result_urls.expired(second),
            None,
            "the first has expired already"
        );
        result_urls.renew(job);
        assert_eq!(name(&result_urls), second);
    }

    #[test]
    fn names_of_clips() {
        let job = Uuid::new_v4();
        for wrong in ["", "a.mp4", ".mp4", ".v1.mp4"] {
            assert_eq!(ClipName::parse(wrong), None, "{wrong}");
        }
        for wrong in ["", ".v1", ".v.mp4", ".vx.mp4", ".v-1.mp4", ".mov"] {
            assert_eq!(ClipName::parse(&format!("{job}{wrong}")), None, "{wrong}");
        }
    }
}
