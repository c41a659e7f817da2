//! Prints progress: one line with a bar on a terminal, else a plain line now and then.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use zoetrope_host::sanitize::line;

use super::bar_target::BarTarget;
use super::printer::Printer;

/// The progress after which another plain line is printed, if the last one is old enough.
const LINE_STEP: f32 = 0.1;

/// The shortest time between plain lines of one stage.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The time after which another plain line is printed in any case.
const MAX_INTERVAL: Duration = Duration::from_secs(15);

/// The most redraws of the bar in a second.
const REDRAWS: u8 = 20;

/// The number of steps of the bar.
const STEPS: u64 = 1000;

/// The progress line of a command.
pub(super) struct TerminalLine {
    /// Made at the first progress, on a terminal.
    bar: Option<ProgressBar>,
    printer: Printer,
    started: Instant,
    last: Option<Line>,
}

/// The last plain line.
struct Line {
    stage: String,
    fraction: Option<f32>,
    at: Instant,
}

impl TerminalLine {
    pub(super) fn new(printer: Printer) -> Self {
        Self {
            bar: None,
            printer,
            started: Instant::now(),
            last: None,
        }
    }

    /// Shows the stage, its progress from 0 to 1, and a message.
    pub(super) fn show(&mut self, stage: &str, fraction: Option<f32>, message: Option<&str>) {
        let message = message
            .map(|message| format!(": {}", line(message)))
            .unwrap_or_default();
        if self.bar.is_none() && stderr().is_terminal() {
            self.bar = Some(bar(&self.printer));
        }
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{stage}{message}"));
            if let Some(fraction) = fraction {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and 1000"
                )]
                bar.set_position((fraction.clamp(0.0, 1.0) * 1000.0) as u64);
            }
        } else if self.is_line_due(stage, fraction) {
            let percent = fraction
                .map(|fraction| format!(" {:.0} %", fraction * 100.0))
                .unwrap_or_default();
            let seconds = self.started.elapsed().as_secs();
            self.printer
                .message(&format!("{stage}{percent} ({seconds} s){message}"));
            self.last = Some(Line {
                stage: stage.to_owned(),
                fraction,
                at: Instant::now(),
            });
        }
    }

    /// Shows the progress of a download.
    pub(super) fn downloading(&mut self, bytes: u64, total: Option<u64>) {
        #[expect(clippy::cast_precision_loss, reason = "for a percentage")]
        let fraction = total
            .filter(|total| *total > 0)
            .map(|total| bytes as f32 / total as f32);
        let size = format!("{}", HumanBytes(bytes));
        self.show("downloading", fraction, Some(&size));
    }

    fn is_line_due(&self, stage: &str, fraction: Option<f32>) -> bool {
        self.last.as_ref().is_none_or(|last| {
            last.stage != stage
                || last.at.elapsed() >= MAX_INTERVAL
                || last.at.elapsed() >= MIN_INTERVAL
                    && matches!((last.fraction, fraction), (Some(before), Some(now)) if now - before >= LINE_STEP)
        })
    }

    /// Prints a message on a line above the bar.
    pub(super) fn message(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.printer.message(line)),
            None => self.printer.message(line),
        }
    }

    /// Removes the bar.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(printer: &Printer) -> ProgressBar {
    let template = "{spinner} {msg} [{bar:24}] {percent}% {elapsed}";
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let target = BarTarget::new(printer.messages().clone());
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(target), REDRAWS);
    let bar = ProgressBar::with_draw_target(Some(STEPS), target);
    let bar = bar.with_style(style.progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

impl Drop for TerminalLine {
    fn drop(&mut self) {
        self.end();
    }
}
