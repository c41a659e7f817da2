//! Parsers of option values.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::ValueEnum;
use zoetrope_host::contract;
use zoetrope_host::ledger::State;

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

pub(super) fn state(text: &str) -> Result<State, String> {
    let known = State::ALL.into_iter().find(|state| state.as_str() == text);
    known.ok_or_else(|| {
        let names: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("expected one of {}", names.join(", "))
    })
}
