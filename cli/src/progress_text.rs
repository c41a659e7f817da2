//! The text of a progress bar for a width: what does not fit is left out, and a line is never longer
//! than the width.

use std::fmt::Write as _;
use std::time::Duration;

use textwrap::core::display_width;

/// The lengths of the bar, from the longest; 0: without one.
const BARS: [usize; 3] = [24, 12, 0];

/// What a bar shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Content {
    /// The state in words: forms of the same, from the longest. The last one is cut if it is too
    /// long.
    pub(super) texts: Vec<String>,
    /// 0 to 1.
    pub(super) fraction: Option<f32>,
}

/// The line for this many columns, less two for the turning figure.
pub(super) fn compose(content: &Content, elapsed: Duration, columns: usize) -> String {
    let columns = columns.saturating_sub(2);
    let ends: Vec<_> = BARS
        .iter()
        .map(|length| end(content.fraction, *length, elapsed))
        .chain([String::new()])
        .collect();
    for text in &content.texts {
        for end in &ends {
            if display_width(text) + display_width(end) <= columns {
                return format!("{text}{end}");
            }
        }
    }
    let Some(last) = content.texts.last() else {
        return String::new();
    };
    // The time stays where at least as much of the text does, but never in place of counts and money.
    let mut ends = ends.iter().filter(|_| content.texts.len() == 1);
    let end = ends.find(|end| display_width(end) * 4 <= columns);
    let end = end.map_or("", String::as_str);
    let text = cut(last, columns.saturating_sub(display_width(end)));
    format!("{text}{end}")
}

/// `" [=====>      ] 45% 12s"`.
fn end(fraction: Option<f32>, length: usize, elapsed: Duration) -> String {
    let mut end = String::new();
    if let Some(fraction) = fraction {
        if length > 0 {
            let _ = write!(end, " [{}]", bar(fraction, length));
        }
        let _ = write!(end, " {}%", percent(fraction));
    }
    format!("{end} {}", short_time(elapsed))
}

fn bar(fraction: f32, length: usize) -> String {
    let full = length * usize::from(percent(fraction)) / 100;
    let head = if full < length { ">" } else { "" };
    let bar = format!("{}{head}", "=".repeat(full));
    format!("{bar:length$}")
}

/// 100 for the whole alone.
pub(super) fn percent(fraction: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    let percent = (fraction.clamp(0.0, 1.0) * 100.0).floor() as u8;
    percent
}

/// `34s`, `2m05s`, `1h02m`.
fn short_time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// The beginning of a text that is longer than this many columns.
fn cut(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut beginning = String::new();
    let mut width = 0;
    for letter in text.chars() {
        width += display_width(letter.encode_utf8(&mut [0; 4]));
        if width + 1 > columns {
            break;
        }
        beginning.push(letter);
    }
    if columns > 0 {
        beginning.push('…');
    }
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs() -> Content {
        Content {
            texts: vec![
                "12 of 40 done, 3 running, 25 waiting, $1.92".into(),
                "12/40 done, 3 run, 25 wait, $1.92".into(),
            ],
            fraction: Some(0.3),
        }
    }

    fn line(content: &Content, columns: usize) -> String {
        compose(content, Duration::from_secs(72), columns)
    }

    #[test]
    fn no_line_is_longer_than_its_width() {
        let message = "provider 作品を生成しています ".repeat(9);
        for content in [
            jobs(),
            Content {
                texts: vec![format!("running: {message}")],
                fraction: Some(1.0),
            },
            Content {
                texts: vec![message],
                fraction: None,
            },
            Content::default(),
        ] {
            for columns in 2..250 {
                let line = line(&content, columns);
                assert!(display_width(&line) + 2 <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn narrow_line_keeps_the_words_and_leaves_the_bar_out() {
        let wide =
            "12 of 40 done, 3 running, 25 waiting, $1.92 [=======>                ] 30% 1m12s";
        assert_eq!(line(&jobs(), 120), wide);
        let narrower = "12 of 40 done, 3 running, 25 waiting, $1.92 [===>        ] 30% 1m12s";
        assert_eq!(line(&jobs(), 79), narrower);
        assert_eq!(line(&jobs(), 39), "12/40 done, 3 run, 25 wait, $1.92");
        assert_eq!(line(&jobs(), 22), "12/40 done, 3 run, …");
    }

    #[test]
    fn money_is_cut_after_everything_else() {
        let content = Content {
            texts: vec![
                "12 of 40 done, 1 failed, 3 running, 24 waiting, $1.92".into(),
                "12/40 done, 1 fail, 3 run, 24 wait, $1.92".into(),
                "12/40 done, 1 fail, $1.92".into(),
            ],
            fraction: Some(0.3),
        };
        let text = compose(&content, Duration::from_secs(9), 39);
        assert_eq!(text, "12/40 done, 1 fail, $1.92 30% 9s");
        let text = compose(&content, Duration::from_secs(9), 28);
        assert_eq!(text, "12/40 done, 1 fail, $1.92");
        let text = compose(&content, Duration::from_secs(9), 24);
        assert_eq!(text, "12/40 done, 1 fail, $…");
    }

    #[test]
    fn long_message_is_cut_and_the_time_stays() {
        let content = Content {
            texts: vec![format!("running: {}", "word ".repeat(60))],
            fraction: Some(0.456),
        };
        let line = line(&content, 80);
        assert!(line.starts_with("running: word word"), "{line}");
        assert!(line.ends_with("… 45% 1m12s"), "{line}");
    }

    #[test]
    fn times_and_percentages_are_short_and_only_the_whole_is_all() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m00s"), (3_725, "1h02m")] {
            assert_eq!(short_time(Duration::from_secs(seconds)), text);
        }
        assert_eq!(
            [0.0, 0.999, 1.0, 2.0, -1.0].map(percent),
            [0, 99, 100, 100, 0]
        );
        assert_eq!(bar(1.0, 4), "====");
        assert_eq!(bar(0.0, 4), ">   ");
    }
}
