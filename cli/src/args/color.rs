//! The option `--color`.

use std::ffi::OsString;

use clap::{ColorChoice, ValueEnum};

/// When text for people has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless an environment variable says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// What these arguments ask for, before they are parsed: help and usage errors follow it too.
pub(crate) fn requested(arguments: impl IntoIterator<Item = OsString>) -> Color {
    let mut requested = Color::Auto;
    let mut is_value = false;
    for argument in arguments {
        let Some(argument) = argument.to_str() else {
            is_value = false;
            continue;
        };
        let value = match argument.strip_prefix("--color=") {
            Some(value) => Some(value),
            None => Some(argument).filter(|_| is_value),
        };
        if let Some(color) = value.and_then(|value| Color::from_str(value, false).ok()) {
            requested = color;
        }
        is_value = argument == "--color";
        if argument == "--" {
            break;
        }
    }
    requested
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requested_colour_is_found_before_the_arguments_are_parsed() {
        let asked = |arguments: &[&str]| requested(arguments.iter().map(OsString::from));
        assert_eq!(asked(&["jobs", "--help"]), Color::Auto);
        assert_eq!(asked(&["jobs", "--color", "never", "-h"]), Color::Never);
        assert_eq!(asked(&["--color=always", "jobs"]), Color::Always);
        assert_eq!(asked(&["--color=purple", "jobs"]), Color::Auto);
        assert_eq!(asked(&["jobs", "--", "--color=always"]), Color::Auto);
        assert_eq!(asked(&["run", "always"]), Color::Auto);
    }
}
