//! The URLs of clips: one for each job, until a fault lets it die and a poll gives a fresh one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;

use crate::job::JobId;

/// Where clips are served.
pub(crate) const PATH: &str = "/v1/clips/";

/// A clip by name: `<job>.mp4`, or `<job>.v<n>.mp4` for its n-th fresh URL.
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

/// What is known of a job's URLs; nothing for a job whose first one is good.
struct ResultUrl {
    /// The version that replies name.
    current: u32,
    /// What that version answers, when it is dead.
    death: Option<StatusCode>,
    /// What versions before it answer.
    former: StatusCode,
}

/// The URLs that died and those that replaced them. A restart forgets them: all are good then.
#[derive(Default)]
pub(crate) struct ResultUrls(Mutex<HashMap<JobId, ResultUrl>>);

impl ResultUrls {
    /// The path of a job's clip, as a reply names it.
    pub(crate) fn path(&self, job: JobId) -> String {
        match self.with(|result_urls| result_urls.get(&job).map_or(0, |link| link.current)) {
            0 => format!("{PATH}{job}.mp4"),
            version => format!("{PATH}{job}.v{version}.mp4"),
        }
    }

    /// Lets a URL die: from now on it answers this status.
    pub(crate) fn kill(&self, name: ClipName, status: StatusCode) {
        self.with(|result_urls| {
            let link = result_urls.entry(name.job).or_insert(ResultUrl {
                current: name.version,
                death: None,
                former: status,
            });
            if link.current == name.version {
                link.death = Some(status);
            }
        });
    }

    /// Gives a job a fresh URL if its last one is dead.
    pub(crate) fn renew(&self, job: JobId) {
        self.with(|result_urls| {
            if let Some(link) = result_urls.get_mut(&job)
                && let Some(status) = link.death.take()
            {
                link.current += 1;
                link.former = status;
            }
        });
    }

    /// What a dead URL answers; nothing for a good one.
    pub(crate) fn death(&self, name: ClipName) -> Option<StatusCode> {
        self.with(|result_urls| {
            let link = result_urls.get(&name.job)?;
            if name.version < link.current {
                Some(link.former)
            } else {
                link.death
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
    fn a_dead_url_is_replaced_by_the_next_poll() {
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
            (name(&result_urls), result_urls.death(first)),
            (first, None)
        );

        result_urls.kill(first, StatusCode::FORBIDDEN);
        assert_eq!(name(&result_urls), first, "nobody has polled");
        assert_eq!(result_urls.death(first), Some(StatusCode::FORBIDDEN));
        result_urls.renew(job);
        let second = name(&result_urls);
        assert_ne!(second, first);
        assert_eq!(result_urls.death(first), Some(StatusCode::FORBIDDEN));
        assert_eq!(result_urls.death(second), None);
        result_urls.kill(first, StatusCode::NOT_FOUND);
        assert_eq!(result_urls.death(second), None, "the first is dead already");
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
