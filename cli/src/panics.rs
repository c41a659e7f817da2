//! The report of a panic. It goes through the writer of standard error: the standard library's
//! own report panics again where standard error cannot be written.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic;
use std::thread;

use super::printer::Printer;

/// Reports panics by this printer from now on.
pub(super) fn report_by(printer: &Printer) {
    let printer = printer.clone();
    panic::set_hook(Box::new(move |panicked| {
        let thread = thread::current();
        let name = thread.name().unwrap_or("<unnamed>");
        let place = panicked.location().map(ToString::to_string);
        let place = place.unwrap_or_default();
        let message = panicked.payload_as_str().unwrap_or("Box<dyn Any>");
        let mut report = format!("thread '{name}' panicked at {place}:\n{message}");
        // Only if RUST_BACKTRACE wants one.
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            report += "\nstack backtrace:\n";
            report += &backtrace.to_string();
        }
        printer.message(&report);
        // The process may end now.
        printer.end();
    }));
}

#[cfg(test)]
mod tests {
    use std::io::{Write as _, pipe};
    use std::process::{Command, Stdio};

    use super::*;

    /// Set in the process that panics: this test's binary again.
    const PANICS: &str = "TEST_PANICS";

    /// What a pipe of Linux holds.
    const PIPE: usize = 1 << 16;

    #[test]
    fn panic_waits_for_no_reader_of_standard_error() {
        if std::env::var_os(PANICS).is_some() {
            report_by(&Printer::new(false));
            assert!(thread::spawn(|| panic!("words")).join().is_err());
            // Past the harness, which may write to standard error too.
            std::process::exit(7);
        }
        // Pipes of other systems may hold less.
        if !cfg!(target_os = "linux") {
            return;
        }
        let (_unread, mut errors) = pipe().expect("a pipe");
        errors.write_all(&vec![b'.'; PIPE]).expect("a fresh pipe");
        let name = "panics::tests::panic_waits_for_no_reader_of_standard_error";
        let mut again = Command::new(std::env::current_exe().expect("this binary"));
        again
            .args(["--exact", name, "--nocapture"])
            .env(PANICS, "1");
        let ended = again.stdout(Stdio::null()).stderr(errors).status();
        assert_eq!(ended.expect("a process").code(), Some(7));
    }
}
