//! Prints progress: one line with a bar on a terminal, else a plain line now and then.

use std::io::{IsTerminal as _, stdout};
use std::time::{Duration, Instant};

use indicatif::HumanBytes;
use zoetrope_host::sanitize::line;

use super::bar::Bar;
use super::printer::Printer;
use super::progress_text::{Content, percent};

/// The shortest time between plain lines of one stage.
const MIN_INTERVAL: Duration = Duration::from_secs(5);

/// The time after which a plain line is printed although nothing has changed.
const MAX_INTERVAL: Duration = Duration::from_secs(30);

/// The progress line of a command.
pub(super) struct TerminalLine {
    /// Made at the first progress, on a terminal.
    bar: Option<Bar>,
    printer: Printer,
    started: Instant,
    lines: Lines,
    /// The largest part so far: progress never goes back.
    fraction: Option<f32>,
    /// The most bytes of the present download, and their total.
    received: (u64, Option<u64>),
}

impl TerminalLine {
    pub(super) fn new(printer: Printer) -> Self {
        Self {
            bar: None,
            printer,
            started: Instant::now(),
            lines: Lines::default(),
            fraction: None,
            received: (0, None),
        }
    }

    /// Shows the stage, its progress from 0 to 1, and a message.
    pub(super) fn show(&mut self, stage: &str, fraction: Option<f32>, message: Option<&str>) {
        let message = message
            .map(|message| format!(": {}", line(message)))
            .unwrap_or_default();
        if let Some(fraction) = fraction {
            self.fraction = Some(higher(self.fraction, fraction));
        }
        let texts = vec![format!("{stage}{message}")];
        let fraction = self.fraction;
        let part = fraction.map(|fraction| format!(" {} %", percent(fraction)));
        let seconds = self.started.elapsed().as_secs();
        let plain = format!("{stage}{} ({seconds} s){message}", part.unwrap_or_default());
        self.put(stage, Content { texts, fraction }, &plain);
    }

    /// Shows that a step is tried again after this error.
    pub(super) fn show_again(&mut self, error: &str) {
        let text = format!("trying again after: {}", line(error));
        let plain = self.timed(&text);
        let (texts, fraction) = (vec![text], self.fraction);
        self.put("trying again", Content { texts, fraction }, &plain);
    }

    /// Shows the counts of many jobs, in forms from the longest.
    pub(super) fn show_counts(&mut self, texts: Vec<String>, fraction: f32) {
        self.fraction = Some(higher(self.fraction, fraction));
        let plain = texts.first().map(|text| self.timed(text));
        let fraction = self.fraction;
        self.put("", Content { texts, fraction }, &plain.unwrap_or_default());
    }

    /// Shows the progress of a download.
    pub(super) fn downloading(&mut self, bytes: u64, total: Option<u64>) {
        self.received = advanced(self.received, bytes, total);
        let (bytes, total) = self.received;
        let total = total.map(|total| format!(" of {}", HumanBytes(total)));
        let size = format!("{}{}", HumanBytes(bytes), total.unwrap_or_default());
        let texts = vec![format!("downloading: {size}")];
        let plain = self.timed(&format!("downloading {size}"));
        let fraction = None;
        self.put("downloading", Content { texts, fraction }, &plain);
    }

    /// The last state, which is printed as a plain line unless it was the last one.
    pub(super) fn finish(&mut self, text: &str) {
        if !self.printer.is_quiet() && !self.can_draw() && self.lines.is_new(text) {
            self.printer.message(&self.timed(text));
        }
        self.end();
    }

    /// Whether a bar can be drawn. Events on the same terminal would write over it.
    fn can_draw(&self) -> bool {
        Bar::is_possible() && !(self.printer.has_events() && stdout().is_terminal())
    }

    fn timed(&self, text: &str) -> String {
        format!("{text} ({} s)", self.started.elapsed().as_secs())
    }

    fn put(&mut self, stage: &str, content: Content, plain: &str) {
        if self.printer.is_quiet() {
            return;
        }
        match &self.bar {
            Some(bar) => bar.set(content),
            None if self.can_draw() => {
                let output = self.printer.messages().clone();
                self.bar = Bar::start(output, self.started, content);
            }
            None => {
                let text = content.texts.first().map_or("", String::as_str);
                let content = (text, content.fraction);
                if self.lines.is_due(stage, content, Instant::now()) {
                    self.printer.message(plain);
                }
            }
        }
    }

    /// Prints a message above the bar.
    pub(super) fn message(&self, line: &str) {
        self.printer.message(line);
    }

    /// The same for a message that `--quiet` leaves out.
    pub(super) fn info(&self, line: &str) {
        self.printer.info(line);
    }

    /// Removes the bar.
    pub(super) fn end(&mut self) {
        self.bar = None;
    }
}

/// The part, and never less than before.
pub(super) fn higher(before: Option<f32>, fraction: f32) -> f32 {
    let fraction = fraction.clamp(0.0, 1.0);
    before.map_or(fraction, |before| before.max(fraction))
}

/// The bytes of a download and their total after an update. A download that begins again does not go
/// back, unless its file has another length: it is another file then.
pub(super) fn advanced(
    (most, of): (u64, Option<u64>),
    bytes: u64,
    total: Option<u64>,
) -> (u64, Option<u64>) {
    let is_same = total.is_none() || of.is_none() || total == of;
    let bytes = if is_same { bytes.max(most) } else { bytes };
    (bytes, total.or(of))
}

/// The plain lines so far.
#[derive(Default)]
struct Lines {
    /// The last one of each stage, the latest one at the end.
    of_stages: Vec<PlainLine>,
}

struct PlainLine {
    stage: String,
    text: String,
    percent: Option<u8>,
    at: Instant,
}

impl Lines {
    /// Whether a line of this text and progress is due, which is printed then. A change of the stage
    /// is due at once, but two stages that alternate are not.
    fn is_due(&mut self, stage: &str, (text, fraction): (&str, Option<f32>), now: Instant) -> bool {
        let percent = fraction.map(percent);
        let known = self.of_stages.iter().find(|known| known.stage == stage);
        let is_due = known.is_none_or(|known| {
            let age = now.saturating_duration_since(known.at);
            let is_new = known.text != text || known.percent != percent;
            age >= MAX_INTERVAL || age >= MIN_INTERVAL && (is_new || self.is_new_stage(stage))
        });
        if is_due {
            self.of_stages.retain(|known| known.stage != stage);
            self.of_stages.push(PlainLine {
                stage: stage.to_owned(),
                text: text.to_owned(),
                percent,
                at: now,
            });
        }
        is_due
    }

    fn is_new_stage(&self, stage: &str) -> bool {
        self.of_stages.last().is_none_or(|last| last.stage != stage)
    }

    /// Whether this text is not that of the last line.
    fn is_new(&self, text: &str) -> bool {
        self.of_stages.last().is_none_or(|last| last.text != text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn plain_line_is_printed_at_a_new_stage_and_every_few_seconds() {
        let mut lines = Lines::default();
        let start = Instant::now();
        assert!(lines.is_due("queued", ("queued", None), start));
        assert!(lines.is_due("running", ("running", Some(0.1)), start));
        for seconds in 1..5 {
            let fraction = Some(0.1 * f32::from(u8::try_from(seconds).expect("small")));
            assert!(!lines.is_due("running", ("running", fraction), start + SECOND * seconds));
        }
        assert!(lines.is_due("running", ("running", Some(0.9)), start + SECOND * 5));
        // Nothing has changed.
        assert!(!lines.is_due("running", ("running", Some(0.9)), start + SECOND * 20));
        assert!(lines.is_due("running", ("running", Some(0.9)), start + SECOND * 35));
    }

    #[test]
    fn stages_that_alternate_are_not_printed_each_time() {
        let mut lines = Lines::default();
        let start = Instant::now();
        let stages = ["running", "trying again"];
        let printed = (0..100_u32).filter(|turn| {
            let stage = stages[usize::try_from(turn % 2).expect("small")];
            lines.is_due(stage, (stage, None), start + SECOND * *turn / 10)
        });
        assert_eq!(printed.count(), 4, "in ten seconds");
    }

    #[test]
    fn final_state_is_new_unless_it_was_printed_last() {
        let mut lines = Lines::default();
        assert!(lines.is_new("2 of 2 done"));
        lines.is_due("", ("1 of 2 done", None), Instant::now());
        assert!(lines.is_new("2 of 2 done"));
        assert!(!lines.is_new("1 of 2 done"));
    }

    #[test]
    fn progress_never_goes_back() {
        let fractions = [0.2, 0.6, 0.3, 0.9, 0.0];
        let shown: Vec<_> = fractions
            .iter()
            .scan(None, |before, fraction| {
                *before = Some(higher(*before, *fraction));
                *before
            })
            .collect();
        assert_eq!(shown, [0.2, 0.6, 0.6, 0.9, 0.9]);
    }

    #[test]
    fn download_that_begins_again_does_not_go_back_and_another_file_begins_at_its_start() {
        let mut state = (0, None);
        let updates = [
            (10, Some(100), (10, Some(100))),
            (80, Some(100), (80, Some(100))),
            (5, Some(100), (80, Some(100))),
            (7, None, (80, Some(100))),
            (3, Some(40), (3, Some(40))),
        ];
        for (bytes, total, expected) in updates {
            state = advanced(state, bytes, total);
            assert_eq!(state, expected);
        }
    }
}
