//! Parsers of option values.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use zoetrope_host::contract;
use zoetrope_host::driver::now;
use zoetrope_host::ledger::{Millis, State};

/// How strictly to read an input.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Profile {
    /// By the published JSON Schema and the node's rules
    Strict,
    /// With the conversions of the node's pydantic model, such as "20" for 20
    Lax,
}

impl From<Profile> for contract::Profile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Strict => Self::Strict,
            Profile::Lax => Self::Lax,
        }
    }
}

/// The source of an input document. It has no `Debug`, since the document may hold a prompt.
#[derive(Clone)]
pub(crate) enum InputSource {
    /// A file; `-` is standard input.
    File(PathBuf),
    /// The document itself.
    Inline(String),
}

/// Parses [`InputSource`]; never fails. A text that starts like a JSON document is one, one that
/// starts with `@` names a file, and every other one is a path.
#[derive(Clone)]
pub(super) struct InputParser;

impl clap::builder::TypedValueParser for InputParser {
    type Value = InputSource;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        text: &OsStr,
    ) -> Result<InputSource, clap::Error> {
        let path = text
            .to_str()
            .map(|text| text.strip_prefix('@').unwrap_or(text));
        let is_document = |text: &str| {
            let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
            text.starts_with(['{', '[', '"'])
        };
        Ok(match path {
            Some(document) if is_document(document) => InputSource::Inline(document.to_owned()),
            Some(path) => InputSource::File(path.into()),
            None => InputSource::File(text.into()),
        })
    }
}

/// One `--set KEY=VALUE`. It has no `Debug`, since the value may be a prompt.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Parses a [`Setting`]. Its errors do not repeat the text, which may be a prompt.
#[derive(Clone)]
pub(super) struct SettingParser;

impl clap::builder::TypedValueParser for SettingParser {
    type Value = Setting;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        text: &OsStr,
    ) -> Result<Setting, clap::Error> {
        let setting = text.to_str().and_then(|text| text.split_once('='));
        match setting {
            Some((key, value)) if !key.is_empty() => Ok(Setting {
                key: key.into(),
                value: value.into(),
            }),
            _ => {
                let message = "--set: expected KEY=VALUE\n";
                let error = clap::Error::raw(clap::error::ErrorKind::ValueValidation, message);
                Err(error.with_cmd(command))
            }
        }
    }
}

pub(super) fn key(text: &str) -> Result<String, &'static str> {
    let legal = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if legal {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 255 visible ASCII characters")
    }
}

/// A duration with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "expected a duration such as 90s, 30m or 30d")
}

/// A time: `2d` ago, a date (UTC), or a time with its zone.
pub(super) fn since(text: &str) -> Result<Millis, &'static str> {
    const EXPECTED: &str = "expected a duration such as 2d or 12h, or a date such as 2026-11-01";
    if let Ok(age) = duration(text) {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        return Ok(now().saturating_sub(age));
    }
    let day = text.parse::<Date>().map_err(|_| EXPECTED);
    let start = day.and_then(|day| day.to_zoned(TimeZone::UTC).map_err(|_| EXPECTED));
    // A date with a time is one as well.
    let time = match text.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) => start?.timestamp(),
    };
    Ok(time.as_millisecond())
}

/// A number of jobs; `None`: all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListLimit(pub(crate) Option<usize>);

pub(super) fn list_limit(text: &str) -> Result<ListLimit, &'static str> {
    match text.parse() {
        _ if text == "all" => Ok(ListLimit(None)),
        Ok(count) if count > 0 => Ok(ListLimit(Some(count))),
        _ => Err("expected a number from 1, or all"),
    }
}

pub(super) fn state(text: &str) -> Result<State, String> {
    let known = State::ALL.into_iter().find(|state| state.as_str() == text);
    known.ok_or_else(|| {
        let names: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_duration_a_date_or_a_time() {
        let day = since("2026-11-01").expect("a date");
        assert_eq!(since("2026-11-01T00:00:00Z"), Ok(day));
        assert_eq!(since("2026-11-01T02:00:00+02:00"), Ok(day));
        let hour = since("2d").expect("a duration") - since("49h").expect("a duration");
        assert!((3_500_000..3_700_000).contains(&hour), "{hour}");
        for wrong in ["yesterday", "2026-13-01", "", "2"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn duration_has_a_unit_and_an_error_has_examples() {
        assert_eq!(duration("90s"), duration("1m 30s"));
        for wrong in ["x", "30", ""] {
            let error = duration(wrong).expect_err(wrong);
            assert_eq!(error, "expected a duration such as 90s, 30m or 30d");
        }
    }

    #[test]
    fn limit_is_a_number_or_all() {
        assert_eq!(list_limit("5"), Ok(ListLimit(Some(5))));
        assert_eq!(list_limit("all"), Ok(ListLimit(None)));
        for wrong in ["0", "-1", "many", ""] {
            assert!(list_limit(wrong).is_err(), "{wrong}");
        }
    }
}
