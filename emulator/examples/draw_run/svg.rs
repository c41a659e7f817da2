//! Draws the terminal, the input and the clip.

use std::error::Error;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};

use crate::clip::Clip;
use crate::recording::{COLUMNS, Screen};
use crate::timeline::{Row, Timeline};

/// Width and height of a character's cell.
const CELL: (f64, f64) = (7.8, 20.0);
const PADDING: f64 = 22.0;
/// Between the terminal and the pictures, and between the two pictures.
const GAP: f64 = 26.0;
/// Width and height of a picture.
const PICTURE: (f64, f64) = (256.0, 160.0);
/// Height of a picture's caption.
const CAPTION: f64 = 22.0;

/// Width and height of an embedded picture: sharp on a screen with 1.4 pixels a unit.
const EMBEDDED: (u32, u32) = (352, 220);
const INPUT_QUALITY: u8 = 75;
const FRAME_QUALITY: u8 = 50;

/// The panel has its own background, so that it is the same on light and dark pages.
const STYLE: &str = r#".b{fill:#161b22;stroke:#484f58}
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:#e6edf3;white-space:pre}
.p{fill:#3fb950}
.c{fill:#9198a1;font-size:12px}
.n{fill:none;stroke:#6e7681;stroke-dasharray:5 5}
.l{stroke:#30363d}
"#;

/// Draws a run as an SVG.
pub(crate) fn draw(
    screens: &[Screen],
    input: &RgbImage,
    clip: &Clip,
) -> Result<String, Box<dyn Error>> {
    let timeline = Timeline::new(screens, clip);
    let mut keyframes = String::new();
    let mut body = String::new();
    for row in timeline.rows(screens) {
        let attributes = timeline.attributes(row.span, &mut keyframes);
        draw_row(&mut body, &row, &attributes)?;
    }
    let left = PADDING + cells(COLUMNS)? * CELL.0 + GAP;
    let line = left - GAP / 2.0;
    let height = 2.0 * (PADDING + CAPTION + PICTURE.1) + GAP;
    writeln!(
        body,
        r#"<path class="l" d="M{line} {PADDING}V{:.1}"/>"#,
        height - PADDING
    )?;
    draw_caption(&mut body, (left, PADDING), "examples/lighthouse.jpg")?;
    let top = PADDING + CAPTION;
    draw_picture(&mut body, (left, top), input, INPUT_QUALITY, "")?;
    let top = top + PICTURE.1 + GAP;
    draw_caption(&mut body, (left, top), "clip.mp4 (practice render)")?;
    let at = (left, top + CAPTION);
    let attributes = timeline.attributes(timeline.before_clip(), &mut keyframes);
    draw_empty_picture(&mut body, at, &attributes)?;
    for (frame, span) in clip.frames.iter().zip(timeline.frames(clip)) {
        let attributes = timeline.attributes(span, &mut keyframes);
        draw_picture(&mut body, at, frame, FRAME_QUALITY, &attributes)?;
    }
    let width = left + PICTURE.0 + PADDING;
    let seconds = timeline.seconds;
    Ok(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" role="img">
<title>A run of zoetrope in a terminal: the command, its progress, and the clip that it made from the picture</title>
<style>
{STYLE}.t{{visibility:hidden;animation:{seconds:.2}s step-end infinite}}
@media (prefers-reduced-motion:reduce){{.t{{animation:none}}.e{{visibility:visible}}}}
{keyframes}</style>
<rect class="b" x=".5" y=".5" width="{:.0}" height="{:.0}" rx="10"/>
{body}</svg>
"#,
        width - 1.0,
        height - 1.0,
    ))
}

/// A row of the terminal, as wide as its cells in any font.
fn draw_row(body: &mut String, row: &Row<'_>, attributes: &str) -> Result<(), Box<dyn Error>> {
    let y = PADDING + (cells(row.index)? + 0.7) * CELL.1;
    let width = cells(row.text.chars().count())? * CELL.0;
    let escaped = escape(row.text);
    let escaped = match escaped.strip_prefix("$") {
        Some(rest) => format!(r#"<tspan class="p">$</tspan>{rest}"#),
        None => escaped,
    };
    writeln!(
        body,
        r#"<text x="{PADDING}" y="{y:.0}" textLength="{width:.1}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"{attributes}>{escaped}</text>"#
    )?;
    Ok(())
}

fn draw_caption(body: &mut String, (x, y): (f64, f64), text: &str) -> Result<(), Box<dyn Error>> {
    let y = y + 12.0;
    writeln!(
        body,
        r#"<text class="c" x="{x}" y="{y}">{}</text>"#,
        escape(text)
    )?;
    Ok(())
}

fn draw_empty_picture(
    body: &mut String,
    (x, y): (f64, f64),
    attributes: &str,
) -> Result<(), Box<dyn Error>> {
    let (width, height) = PICTURE;
    writeln!(
        body,
        r#"<g{attributes}><rect class="n" x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/></g>"#
    )?;
    Ok(())
}

fn draw_picture(
    body: &mut String,
    (x, y): (f64, f64),
    picture: &RgbImage,
    quality: u8,
    attributes: &str,
) -> Result<(), Box<dyn Error>> {
    let (width, height) = PICTURE;
    let small = resize(picture, EMBEDDED.0, EMBEDDED.1, FilterType::Triangle);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(&small)?;
    let data = BASE64_STANDARD.encode(jpeg);
    writeln!(
        body,
        r#"<image x="{x}" y="{y}" width="{width}" height="{height}"{attributes} href="data:image/jpeg;base64,{data}"/>"#
    )?;
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn cells(count: usize) -> Result<f64, std::num::TryFromIntError> {
    Ok(f64::from(u32::try_from(count)?))
}
