//! The terminal: width, colour and encoding.

use std::env;
use std::io::{IsTerminal as _, stderr, stdout};

use super::check::Check;

const NAME: &str = "terminal";

/// The variables that decide the encoding, in their order.
const LOCALE: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

pub(super) fn check() -> Check {
    let variable = |name: &str| {
        let value = env::var(name).ok().filter(|value| !value.is_empty())?;
        // Only what a terminal or a locale is named: other values are of no use here.
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        value.chars().all(is_name).then_some(value)
    };
    of(
        stdout().is_terminal(),
        stderr().is_terminal(),
        columns(),
        variable,
    )
}

fn of(
    output: bool,
    errors: bool,
    columns: Option<u16>,
    variable: impl Fn(&str) -> Option<String>,
) -> Check {
    let kind = variable("TERM");
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = errors && !no_color && kind.as_deref() != Some("dumb");
    let encoding = LOCALE.into_iter().find_map(&variable);
    let utf8 = cfg!(any(windows, target_os = "macos"))
        || encoding.as_deref().is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            name.ends_with("utf-8") || name.ends_with("utf8")
        });
    let mut parts = Vec::new();
    match (errors, columns) {
        (true, Some(columns)) => parts.push(format!("{columns} columns")),
        (true, None) => parts.push("unknown width".into()),
        (false, _) => parts.push("standard error is no terminal".into()),
    }
    parts.push(
        kind.as_deref()
            .map_or("no TERM".into(), |kind| format!("TERM {kind}")),
    );
    parts.push(if colour { "colour" } else { "no colour" }.into());
    parts.push(if utf8 { "UTF-8" } else { "not UTF-8" }.into());
    Check::ok(NAME, parts.join(", "))
        .with("stdout", output)
        .with("stderr", errors)
        .with("columns", columns)
        .with("term", kind)
        .with("colour", colour)
        .with("locale", encoding)
        .with("utf8", utf8)
}

#[cfg(unix)]
fn columns() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(stderr()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

#[cfg(not(unix))]
fn columns() -> Option<u16> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::home::Home;

    #[test]
    fn terminal_is_described_by_its_width_and_variables() {
        let variables = |name: &str| match name {
            "TERM" => Some("dumb".to_owned()),
            "LANG" => Some("de_CH.UTF-8".to_owned()),
            _ => None,
        };
        let document = of(true, true, Some(40), variables).document(&Home::none());
        assert_eq!(document["text"], "40 columns, TERM dumb, no colour, UTF-8");
        assert_eq!(document["columns"], 40);
        let piped = of(false, false, None, |_| None).document(&Home::none());
        assert_eq!(
            (&piped["colour"], &piped["term"]),
            (&false.into(), &serde_json::Value::Null)
        );
    }
}
