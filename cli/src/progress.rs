//! What a person sees of a run: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::printer::Printer;

/// A plain line is repeated after this fraction, but not within the shorter time; and
/// after the longer time in any case.
const LINE_STEP: f32 = 0.1;
const LINE_REST: Duration = Duration::from_secs(1);
const LINE_PAUSE: Duration = Duration::from_secs(15);

/// How many steps the bar has.
const STEPS: u64 = 1000;

pub(super) struct Progress {
    /// Made when there is something to show on a terminal.
    bar: Option<ProgressBar>,
    printer: Printer,
    begun: Instant,
    last: Option<Line>,
}

struct Line {
    stage: String,
    fraction: Option<f32>,
    at: Instant,
}

impl Progress {
    pub(super) fn new(printer: Printer) -> Self {
        Self {
            bar: None,
            printer,
            begun: Instant::now(),
            last: None,
        }
    }

    /// The run is at `stage`, that far, and the provider says so.
    pub(super) fn at(&mut self, stage: &str, fraction: Option<f32>, message: Option<&str>) {
        let said = message
            .map(|message| format!(": {message}"))
            .unwrap_or_default();
        if self.bar.is_none() && stderr().is_terminal() {
            self.bar = Some(bar());
        }
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{stage}{said}"));
            if let Some(fraction) = fraction {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and 1000"
                )]
                bar.set_position((fraction.clamp(0.0, 1.0) * 1000.0) as u64);
            }
        } else if self.is_news(stage, fraction) {
            let percent = fraction
                .map(|fraction| format!(" {:.0} %", fraction * 100.0))
                .unwrap_or_default();
            let seconds = self.begun.elapsed().as_secs();
            self.printer
                .message(&format!("{stage}{percent} ({seconds} s){said}"));
            self.last = Some(Line {
                stage: stage.to_owned(),
                fraction,
                at: Instant::now(),
            });
        }
    }

    /// The download is that far.
    pub(super) fn downloading(&mut self, bytes: u64, total: Option<u64>) {
        #[expect(clippy::cast_precision_loss, reason = "for a percentage")]
        let fraction = total
            .filter(|total| *total > 0)
            .map(|total| bytes as f32 / total as f32);
        let size = format!("{}", HumanBytes(bytes));
        self.at("downloading", fraction, Some(&size));
    }

    fn is_news(&self, stage: &str, fraction: Option<f32>) -> bool {
        self.last.as_ref().is_none_or(|last| {
            last.stage != stage
                || last.at.elapsed() >= LINE_PAUSE
                || last.at.elapsed() >= LINE_REST
                    && matches!((last.fraction, fraction), (Some(before), Some(now)) if now - before >= LINE_STEP)
        })
    }

    /// A line that stays, above the bar.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.printer.message(line)),
            None => self.printer.message(line),
        }
    }

    /// Clears the bar, so that what follows stands alone.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let template = "{spinner} {msg} [{bar:24}] {percent}% {elapsed}";
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(STEPS).with_style(style.progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
