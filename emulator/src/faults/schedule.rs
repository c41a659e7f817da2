//! Which requests a rule matches, and at which of them it is due.

use std::collections::HashMap;
use std::num::NonZeroU64;

use axum::http::Method;
use serde::Deserialize;

/// The requests that a rule matches: any method without one, any path without paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matching {
    pub(crate) method: Option<Method>,
    pub(crate) paths: Vec<PathPattern>,
}

impl Matching {
    pub(crate) fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|known| known == method)
            && (self.paths.is_empty() || self.paths.iter().any(|known| known.matches(path)))
    }
}

/// A path in which `*` and `{…}` match any one segment.
#[derive(Clone, Debug)]
pub(crate) struct PathPattern(Vec<Option<String>>);

impl PathPattern {
    /// Reads a pattern; `None` unless it begins with a slash and has no query.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let segments = text.strip_prefix('/').filter(|text| !text.contains('?'))?;
        let any = |segment: &&str| {
            *segment == "*" || (segment.starts_with('{') && segment.ends_with('}'))
        };
        let segments = segments
            .split('/')
            .map(|segment| Some(segment).filter(|text| !any(text)).map(str::to_owned));
        Some(Self(segments.collect()))
    }

    fn matches(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix('/') else {
            return false;
        };
        let mut segments = path.split('/');
        let all = self.0.iter().all(|known| {
            let segment = segments.next();
            segment.is_some_and(|segment| known.as_ref().is_none_or(|known| known == segment))
        });
        all && segments.next().is_none()
    }
}

/// How a rule groups the requests that it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CountBy {
    /// All its requests together.
    #[default]
    Rule,
    /// By path, for example the polls of each job.
    Path,
    /// By idempotency key, for example the submissions of each job.
    Key,
}

/// At which of its requests, counted from 1, a rule is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) from: u64,
    pub(crate) every: u64,
    pub(crate) times: Option<u64>,
    pub(crate) count_by: CountBy,
}

impl Schedule {
    /// The first due request is number `from`, or else number `every`.
    pub(crate) fn new(
        from: Option<NonZeroU64>,
        every: Option<NonZeroU64>,
        times: Option<NonZeroU64>,
        count_by: CountBy,
    ) -> Self {
        let every = every.map_or(1, NonZeroU64::get);
        Self {
            from: from.map_or(every, NonZeroU64::get),
            every,
            times: times.map(NonZeroU64::get),
            count_by,
        }
    }

    /// Whether the rule is due at the request of this number.
    pub(crate) fn include(self, number: u64) -> bool {
        number.checked_sub(self.from).is_some_and(|since| {
            since % self.every == 0 && self.times.is_none_or(|times| since / self.every < times)
        })
    }
}

/// Counts the requests of a rule.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    all: u64,
    separate: HashMap<String, u64>,
}

impl Counter {
    /// Counts a request and returns its number. Requests without a key are counted together.
    pub(crate) fn count(&mut self, by: CountBy, path: &str, key: Option<&str>) -> u64 {
        let counted = match by {
            CountBy::Rule => &mut self.all,
            CountBy::Path => self.separate.entry(path.to_owned()).or_default(),
            CountBy::Key => self
                .separate
                .entry(key.unwrap_or_default().to_owned())
                .or_default(),
        };
        *counted += 1;
        *counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let cases = [
            ("/v1/jobs", "/v1/jobs", true),
            ("/v1/jobs", "/v1/jobs/", false),
            ("/v1/jobs", "/v1/jobs/1", false),
            ("/v1/jobs/{}", "/v1/jobs/1", true),
            ("/v1/jobs/*", "/v1/jobs/1", true),
            ("/v1/jobs/{id}", "/v1/jobs/1/cancel", false),
            ("/v1/jobs/{id}/cancel", "/v1/jobs/1/cancel", true),
            ("/*/jobs", "/v2/jobs", true),
            ("/", "/", true),
            ("/", "/v1", false),
        ];
        for (pattern, path, expected) in cases {
            let matches = PathPattern::parse(pattern)
                .expect("a pattern")
                .matches(path);
            assert_eq!(matches, expected, "{pattern} {path}");
        }
        assert!(PathPattern::parse("v1/jobs").is_none());
        assert!(PathPattern::parse("/v1/jobs?a=b").is_none());
    }

    #[test]
    fn schedule() {
        let number = |text: Option<u64>| text.and_then(NonZeroU64::new);
        let cases = [
            (None, None, None, vec![1, 2, 3, 4, 5, 6, 7]),
            (Some(3), None, None, vec![3, 4, 5, 6, 7]),
            (None, None, Some(2), vec![1, 2]),
            (Some(2), None, Some(1), vec![2]),
            (None, Some(3), None, vec![3, 6]),
            (None, Some(3), Some(1), vec![3]),
            (Some(1), Some(3), Some(2), vec![1, 4]),
        ];
        for (from, every, times, expected) in cases {
            let schedule = Schedule::new(number(from), number(every), number(times), CountBy::Rule);
            let met: Vec<_> = (0..8)
                .filter(|request| schedule.include(*request))
                .collect();
            assert_eq!(met, expected, "{schedule:?}");
        }
    }

    #[test]
    fn requests_are_counted_by_rule_path_or_key() {
        let requests = [
            ("/a", Some("x")),
            ("/b", Some("x")),
            ("/a", None),
            ("/c", None),
        ];
        let cases = [
            (CountBy::Rule, [1, 2, 3, 4]),
            (CountBy::Path, [1, 1, 2, 1]),
            (CountBy::Key, [1, 2, 1, 2]),
        ];
        for (by, expected) in cases {
            let mut counter = Counter::default();
            let numbers = requests.map(|(path, key)| counter.count(by, path, key));
            assert_eq!(numbers, expected, "{by:?}");
        }
    }
}
