//! Parsers of option values.

use std::str::FromStr;

use clap::ValueEnum;
use zoetrope_host::contract;
use zoetrope_host::ledger::State;

/// How strictly to read an input.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Profile {
    /// By the published JSON Schema
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

/// One `--set KEY=VALUE`. It has no `Debug`, since the value may be a prompt.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self {
                key: key.into(),
                value: value.into(),
            }),
            _ => Err("expected KEY=VALUE".into()),
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
