//! When each part of the animation is shown.

use std::fmt::Write as _;

use crate::clip::Clip;
use crate::recording::Screen;

/// How long the command is shown before its output begins.
const COMMAND_SECONDS: f64 = 0.7;
/// A longer run is played faster.
const MAX_RUN_SECONDS: f64 = 3.0;
/// Between the end of the run and the first frame of the clip.
const BEFORE_CLIP_SECONDS: f64 = 0.2;
/// How long the last frame stays.
const LAST_FRAME_SECONDS: f64 = 0.8;

/// From when to when a part is shown, in seconds of the loop.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// A row of the terminal that stays the same for a time.
pub(crate) struct Row<'a> {
    pub(crate) index: usize,
    pub(crate) text: &'a str,
    pub(crate) span: Span,
}

pub(crate) struct Timeline {
    screen_starts: Vec<f64>,
    clip_start: f64,
    frame_seconds: f64,
    /// The length of the loop.
    pub(crate) seconds: f64,
}

impl Timeline {
    pub(crate) fn new(screens: &[Screen], clip: &Clip) -> Self {
        let run = screens.last().map_or(0.0, |screen| screen.seconds);
        let speed = (run / MAX_RUN_SECONDS).max(1.0);
        let starts = screens.iter().enumerate().map(|(index, screen)| {
            if index == 0 {
                0.0
            } else {
                COMMAND_SECONDS + screen.seconds / speed
            }
        });
        let clip_start = COMMAND_SECONDS + run / speed + BEFORE_CLIP_SECONDS;
        let clip_seconds = clip.frames.iter().map(|_| clip.frame_seconds).sum::<f64>();
        Self {
            screen_starts: starts.collect(),
            clip_start,
            frame_seconds: clip.frame_seconds,
            seconds: clip_start + clip_seconds + LAST_FRAME_SECONDS,
        }
    }

    /// The rows of the terminal, each for as long as its text stays the same.
    pub(crate) fn rows<'a>(&self, screens: &'a [Screen]) -> Vec<Row<'a>> {
        let mut rows: Vec<Row<'a>> = Vec::new();
        let height = screens.iter().map(|screen| screen.rows.len()).max();
        for index in 0..height.unwrap_or(0) {
            for (number, screen) in screens.iter().enumerate() {
                let text = screen.rows.get(index).map_or("", String::as_str);
                let to = self.screen_starts.get(number + 1).copied();
                let span = Span {
                    from: self.screen_starts[number],
                    to: to.unwrap_or(self.seconds),
                };
                match rows.last_mut() {
                    Some(last) if last.index == index && last.text == text => {
                        last.span.to = span.to;
                    }
                    _ => rows.push(Row { index, text, span }),
                }
            }
        }
        rows.retain(|row| !row.text.is_empty());
        rows
    }

    /// When each frame of the clip is shown; the last one stays to the end.
    pub(crate) fn frames(&self, clip: &Clip) -> Vec<Span> {
        let mut from = self.clip_start;
        let mut spans: Vec<_> = clip
            .frames
            .iter()
            .map(|_| {
                let span = Span {
                    from,
                    to: from + self.frame_seconds,
                };
                from = span.to;
                span
            })
            .collect();
        if let Some(last) = spans.last_mut() {
            last.to = self.seconds;
        }
        spans
    }

    /// The span when no frame of the clip is shown.
    pub(crate) fn before_clip(&self) -> Span {
        Span {
            from: 0.0,
            to: self.clip_start,
        }
    }

    /// The attributes of an element that is shown in a span, and the keyframes that they name. An
    /// element that is shown at the loop's end is all that is shown where motion is not wanted.
    pub(crate) fn attributes(&self, span: Span, keyframes: &mut String) -> String {
        let is_last = span.to >= self.seconds;
        if is_last && span.from <= 0.0 {
            return String::new();
        }
        let name = format!("k{}", keyframes.lines().count());
        let percent = |seconds: f64| seconds / self.seconds * 100.0;
        let _ = write!(keyframes, "@keyframes {name}{{");
        if span.from > 0.0 {
            let from = percent(span.from);
            let _ = write!(
                keyframes,
                "0%{{visibility:hidden}}{from:.2}%{{visibility:visible}}"
            );
        } else {
            keyframes.push_str("0%{visibility:visible}");
        }
        // The last keyframe lasts to the end of the loop.
        let _ = if is_last {
            writeln!(keyframes, "100%{{visibility:visible}}}}")
        } else {
            let to = percent(span.to);
            writeln!(keyframes, "{to:.2}%,100%{{visibility:hidden}}}}")
        };
        let class = if is_last { "t e" } else { "t" };
        format!(" class=\"{class}\" style=\"animation-name:{name}\"")
    }
}
