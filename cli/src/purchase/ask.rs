//! Questions to the user on a terminal.

use std::io::{self, IsTerminal as _};

use tokio::task::spawn_blocking;

use crate::interrupts::Interrupts;
use crate::printer::Printer;

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    /// Also an empty line, and the end of the input.
    No,
    /// Ctrl-C, or the request to end.
    Interrupted,
}

/// Whether a question can be asked: a person reads standard error and types on standard input.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that is answered by yes or no.
pub(crate) async fn ask(printer: &Printer, question: &str, interrupts: &mut Interrupts) -> Answer {
    printer.question(&format!("{question} [y/N] "));
    // A thread that still reads does not keep the process.
    let line = spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        line = line => match line {
            Ok(Ok(line)) if is_yes(&line) => Answer::Yes,
            _ => Answer::No,
        },
        _ = interrupts.next() => Answer::Interrupted,
    }
}

fn is_yes(line: &str) -> bool {
    let word = line.trim();
    word.eq_ignore_ascii_case("y") || word.eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_of_consent_is_a_yes() {
        for line in ["y\n", "Y", " yes \r\n", "YES"] {
            assert!(is_yes(line), "{line:?}");
        }
        for line in ["", "\n", "n", "no", "yep", "ja", "y y"] {
            assert!(!is_yes(line), "{line:?}");
        }
    }
}
