//! The filters that a practice render applies to a picture.
//!
//! [`STYLE_WORDS`] lists all style words.

use image::{Rgb, RgbImage, imageops};
use serde::{Deserialize, Serialize};

use crate::camera::words;

/// A filter. The journal stores its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Filter {
    /// Washes of few colours with soft edges.
    Watercolor,
    /// Dark lines on paper.
    Sketch,
    /// Black and white, with hard shadows.
    Noir,
    /// Brown and faded.
    Sepia,
    /// Light and soft.
    Pastel,
    /// Few, saturated colours.
    Poster,
    /// Out of focus, and glowing.
    Dream,
    /// Warm lights and cool shadows, for a text without style words.
    #[default]
    Film,
}

/// The style words, matched case-insensitively as whole words. The first one in a text is used.
const STYLE_WORDS: [(Filter, &[&str]); 7] = [
    (
        Filter::Watercolor,
        &[
            "watercolor",
            "watercolour",
            "aquarelle",
            "painting",
            "painted",
        ],
    ),
    (
        Filter::Sketch,
        &["sketch", "pencil", "line", "lines", "drawing", "ink"],
    ),
    (
        Filter::Noir,
        &["noir", "black and white", "monochrome", "grayscale"],
    ),
    (Filter::Sepia, &["sepia", "vintage", "retro"]),
    (Filter::Pastel, &["pastel", "pastels"]),
    (Filter::Poster, &["neon", "pop", "poster", "cyberpunk"]),
    (
        Filter::Dream,
        &["dream", "dreamy", "blur", "blurred", "misty"],
    ),
];

impl Filter {
    /// The filter of the first style word in a text.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let words = words(text);
        let begins_with = |at: usize, phrase: &str| {
            let mut rest = words[at..].iter();
            let mut phrase = phrase.split(' ');
            phrase.all(|word| rest.next().is_some_and(|next| next == word))
        };
        (0..words.len()).find_map(|at| {
            let mut rows = STYLE_WORDS.iter();
            let row = rows.find(|(_, phrases)| phrases.iter().any(|one| begins_with(at, one)))?;
            Some(row.0)
        })
    }

    /// The filtered picture, of the same size.
    pub(crate) fn of(self, picture: &RgbImage) -> RgbImage {
        match self {
            Self::Watercolor => watercolor(picture),
            Self::Sketch => sketch(picture),
            Self::Noir => imageops::contrast(&in_grey(picture), 35.0),
            Self::Sepia => map_values(in_grey(picture), |grey, part| match part {
                0 => 40.0 + grey * 0.82,
                1 => 26.0 + grey * 0.74,
                _ => 12.0 + grey * 0.58,
            }),
            Self::Pastel => map_values(blur(picture, 0.0015), |value, _| 118.0 + value * 0.52),
            Self::Poster => map_values(saturated(picture, 1.9), |value, _| step(value, 4.0)),
            Self::Dream => dream(picture),
            Self::Film => map_values(picture.clone(), |value, part| {
                let curve = (value - 128.0) * 1.3 + 128.0;
                match part {
                    0 => curve + (value - 110.0) * 0.16,
                    1 => curve,
                    _ => curve + (110.0 - value) * 0.22,
                }
            }),
        }
    }
}

fn watercolor(picture: &RgbImage) -> RgbImage {
    let washes = map_values(saturated(&blur(picture, 0.0025), 1.25), |value, _| {
        step(value, 7.0)
    });
    map_values(blur(&washes, 0.001), |value, _| 38.0 + value * 0.84)
}

/// A picture divided by its own blurred version is white except for its lines.
fn sketch(picture: &RgbImage) -> RgbImage {
    let grey = in_grey(picture);
    let around = blur(&grey, 0.006);
    let mut lines = grey;
    for (pixel, around) in lines.pixels_mut().zip(around.pixels()) {
        let share = f32::from(pixel.0[0]) / f32::from(around.0[0].max(1));
        let paper = byte(246.0 * share.min(1.0).powi(3));
        pixel.0 = [paper, paper, paper.saturating_sub(6)];
    }
    lines
}

fn dream(picture: &RgbImage) -> RgbImage {
    let mut glow = blur(picture, 0.02);
    for (pixel, sharp) in glow.pixels_mut().zip(picture.pixels()) {
        for (value, sharp) in pixel.0.iter_mut().zip(sharp.0) {
            // Screen blending.
            let dark = (255.0 - f32::from(*value)) * (255.0 - f32::from(sharp) * 0.35) / 255.0;
            *value = byte(255.0 - dark);
        }
    }
    glow
}

/// Blurs a picture over a share of its longer side.
#[expect(
    clippy::cast_precision_loss,
    reason = "sides are far below 2^24 pixels"
)]
fn blur(picture: &RgbImage, share: f32) -> RgbImage {
    let side = picture.width().max(picture.height()) as f32;
    imageops::fast_blur(picture, (side * share).max(0.6))
}

fn in_grey(picture: &RgbImage) -> RgbImage {
    imageops::colorops::grayscale_with_type(picture)
}

/// Increases the saturation of a picture.
fn saturated(picture: &RgbImage, factor: f32) -> RgbImage {
    let mut saturated = picture.clone();
    for (pixel, grey) in saturated.pixels_mut().zip(in_grey(picture).pixels()) {
        let grey = f32::from(grey.0[0]);
        pixel.0 = pixel
            .0
            .map(|value| byte(grey + (f32::from(value) - grey) * factor));
    }
    saturated
}

/// Changes each value. The second argument of `change` is 0 for red, 1 for green, 2 for blue.
fn map_values(mut picture: RgbImage, change: impl Fn(f32, usize) -> f32) -> RgbImage {
    for Rgb(pixel) in picture.pixels_mut() {
        for (part, value) in pixel.iter_mut().enumerate() {
            *value = byte(change(f32::from(*value), part));
        }
    }
    picture
}

/// The nearest of `steps` equally spaced values.
fn step(value: f32, steps: f32) -> f32 {
    let width = 255.0 / (steps - 1.0);
    (value / width).round() * width
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from float to integer saturates"
)]
fn byte(value: f32) -> u8 {
    value.round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Filter; 8] = [
        Filter::Watercolor,
        Filter::Sketch,
        Filter::Noir,
        Filter::Sepia,
        Filter::Pastel,
        Filter::Poster,
        Filter::Dream,
        Filter::Film,
    ];

    fn picture() -> RgbImage {
        RgbImage::from_fn(64, 48, |x, y| {
            let tile = u8::try_from((x / 8 + y / 8) % 2).unwrap_or(0);
            Rgb([tile * 200, 90, u8::try_from(x * 3).unwrap_or(0)])
        })
    }

    #[test]
    fn every_style_word_of_the_table_is_recognized() {
        for (filter, phrases) in STYLE_WORDS {
            for phrase in phrases {
                let text = format!("a {} of it", phrase.to_uppercase());
                assert_eq!(Filter::named(&text), Some(filter), "{text}");
            }
        }
    }

    #[test]
    fn texts_give_the_expected_filter() {
        let cases = [
            ("", None),
            ("a black cat", None),
            ("outlined", None),
            ("soft pastel", Some(Filter::Pastel)),
            (
                "convert this into a watercolor illustration",
                Some(Filter::Watercolor),
            ),
            ("pencil-sketch, then watercolor", Some(Filter::Sketch)),
            ("Black-and-white", Some(Filter::Noir)),
        ];
        for (text, filter) in cases {
            assert_eq!(Filter::named(text), filter, "{text}");
        }
    }

    #[test]
    fn every_filter_gives_a_different_picture() {
        let looks = ALL.map(|filter| filter.of(&picture()));
        for (index, one) in looks.iter().enumerate() {
            assert_eq!(one.dimensions(), (64, 48));
            assert!(*one != picture(), "{:?}", ALL[index]);
            assert!(
                looks[..index].iter().all(|other| other != one),
                "{:?}",
                ALL[index]
            );
        }
        for filter in [Filter::Noir, Filter::Sepia] {
            let pixels = filter.of(&picture());
            // One tone: red is nowhere below green, nor green below blue.
            assert!(
                pixels
                    .pixels()
                    .all(|pixel| pixel.0.is_sorted_by(|a, b| a >= b))
            );
        }
        let tiny = RgbImage::from_pixel(1, 1, Rgb([9, 99, 199]));
        for filter in ALL {
            assert_eq!(filter.of(&tiny).dimensions(), (1, 1));
        }
    }
}
