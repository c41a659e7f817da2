//! Colours and styles of text for people.
//!
//! A [`StyledText`] keeps text and styles apart until it is written: the text is sanitized first,
//! so that no text from outside brings a style of its own.

use std::ffi::OsString;
use std::io::IsTerminal;

use zoetrope_host::sanitize::sanitize;

use super::args::Color;

/// The style of a piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    /// A heading, or the part that matters.
    Strong,
    /// Details.
    Faint,
    /// It went well.
    Good,
    /// It is being worked on.
    Active,
    /// It needs a look.
    Attention,
    /// It failed.
    Bad,
}

impl Style {
    /// The parameters of its SGR sequence: the eight colours that every terminal has.
    fn sgr(self) -> Option<&'static str> {
        Some(match self {
            Self::Plain => return None,
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Active => "36",
            Self::Attention => "33",
            Self::Bad => "31",
        })
    }
}

/// Text whose parts have styles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StyledText(Vec<(Style, String)>);

/// The words before a message, and their styles.
const LABELS: [(&str, Style); 3] = [
    ("error:", Style::Bad),
    ("warning:", Style::Attention),
    ("note:", Style::Active),
];

impl StyledText {
    /// A message: the word before it has a style.
    pub(crate) fn message(message: &str) -> Self {
        let labelled = LABELS.iter().find_map(|(label, style)| {
            let rest = message.strip_prefix(label)?;
            Some((*style, *label, rest))
        });
        let mut text = Self::default();
        match labelled {
            Some((style, label, rest)) => text.push(style, label).plain(rest),
            None => text.plain(message),
        };
        text
    }

    /// Adds a piece without a style.
    pub(crate) fn plain(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Style::Plain, text)
    }

    /// Adds a piece.
    pub(crate) fn push(&mut self, style: Style, text: impl Into<String>) -> &mut Self {
        self.0.push((style, text.into()));
        self
    }

    /// The text without harmful characters; with its styles, if `colored`.
    pub(crate) fn rendered(&self, colored: bool) -> String {
        let mut rendered = String::new();
        for (style, text) in &self.0 {
            let text = sanitize(text);
            match style.sgr().filter(|_| colored && !text.is_empty()) {
                None => rendered.push_str(&text),
                Some(sgr) => {
                    rendered.push_str("\u{1b}[");
                    rendered.push_str(sgr);
                    rendered.push('m');
                    rendered.push_str(&text);
                    rendered.push_str("\u{1b}[0m");
                }
            }
        }
        rendered
    }
}

/// Whether a stream of this process gets colours.
pub(crate) fn is_colored(color: Color, stream: &impl IsTerminal) -> bool {
    decide(color, stream.is_terminal(), |name| std::env::var_os(name)) && is_understood()
}

/// `--color`, then `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb` and `CLICOLOR=0`, then whether the stream is
/// a terminal: the order of clap, whose help follows the same settings.
fn decide(color: Color, is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let is = |name, value: &str| variable(name).is_some_and(|set| set == value);
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto if is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") => true,
        Color::Auto => {
            is_terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb") && has_term(&variable)
        }
    }
}

/// Whether the type of the terminal is known. Windows does not set it.
fn has_term(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    cfg!(windows) || variable("TERM").is_some()
}

/// Whether the terminal understands the sequences: consoles of Windows are told to.
fn is_understood() -> bool {
    #[cfg(windows)]
    return anstyle_query::windows::enable_ansi_colors().unwrap_or(true);
    #[cfg(not(windows))]
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(color: Color, is_terminal: bool, variables: &[(&str, &str)]) -> bool {
        decide(color, is_terminal, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn colours_follow_option_then_variables_then_terminal() {
        const XTERM: (&str, &str) = ("TERM", "xterm-256color");
        const NO_COLOR: (&str, &str) = ("NO_COLOR", "1");
        const FORCE: (&str, &str) = ("CLICOLOR_FORCE", "1");
        let auto = |is_terminal, variables: &[_]| decided(Color::Auto, is_terminal, variables);
        assert!(auto(true, &[XTERM]));
        assert!(!auto(false, &[XTERM]), "no terminal");
        assert!(!auto(true, &[("TERM", "dumb")]));
        assert!(!auto(true, &[XTERM, NO_COLOR]));
        assert!(auto(true, &[XTERM, ("NO_COLOR", "")]), "an empty one");
        assert!(!auto(true, &[XTERM, ("CLICOLOR", "0")]));
        assert!(auto(false, &[FORCE]));
        assert!(!auto(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!auto(true, &[XTERM, NO_COLOR, FORCE]));
        assert_eq!(auto(true, &[]), cfg!(windows));
        assert!(decided(Color::Always, false, &[NO_COLOR, ("TERM", "dumb")]));
        assert!(!decided(Color::Never, true, &[XTERM, FORCE]));
    }

    #[test]
    fn word_before_a_message_has_a_colour() {
        let colored = |message| StyledText::message(message).rendered(true);
        assert_eq!(colored("error: a"), "\u{1b}[31merror:\u{1b}[0m a");
        assert_eq!(colored("Still waiting"), "Still waiting");
        let plain = StyledText::message("error: a").rendered(false);
        assert_eq!(plain, "error: a");
    }

    #[test]
    fn text_from_outside_brings_no_style() {
        let mut text = StyledText::default();
        text.push(Style::Bad, "failed\u{1b}[2J")
            .plain(" a\u{1b}[0m\n");
        let plain = "failed\u{fffd}[2J a\u{fffd}[0m\n";
        assert_eq!(text.rendered(false), plain);
        let colored = "\u{1b}[31mfailed\u{fffd}[2J\u{1b}[0m a\u{fffd}[0m\n";
        assert_eq!(text.rendered(true), colored);
    }
}
