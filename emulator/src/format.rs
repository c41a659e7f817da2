//! The format of a clip: its size in pixels, its frames a second and its length.

use serde::{Deserialize, Serialize};

use crate::aspect::Aspect;

/// The sizes that `image_to_video` accepts, by their published names.
///
/// The names give no pixels; here the short side is 720 for HD and 1080 for `FullHD`.
static SIZES: [Named; 10] = [
    Named::new("Square HD (1:1)", 720, 720),
    Named::new("Square FullHD (1:1)", 1080, 1080),
    Named::new("Portrait HD (3:4)", 720, 960),
    Named::new("Portrait FullHD (3:4)", 1080, 1440),
    Named::new("Portrait HD (9:16)", 720, 1280),
    Named::new("Portrait FullHD (9:16)", 1080, 1920),
    Named::new("Landscape HD (4:3)", 960, 720),
    Named::new("Landscape FullHD (4:3)", 1440, 1080),
    Named::new("Landscape HD (16:9)", 1280, 720),
    Named::new("Landscape FullHD (16:9)", 1920, 1080),
];

/// A row of [`SIZES`].
#[derive(Debug, PartialEq, Eq)]
struct Named {
    name: &'static str,
    width: u32,
    height: u32,
}

impl Named {
    const fn new(name: &'static str, width: u32, height: u32) -> Self {
        Self {
            name,
            width,
            height,
        }
    }
}

/// One of the published sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub(crate) struct Size(&'static Named);

impl Size {
    /// The default size: "Landscape HD (16:9)".
    pub(crate) const DEFAULT: Self = Self(&SIZES[8]);

    /// The size with this published name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        SIZES.iter().find(|size| size.name == name).map(Self)
    }
}

impl TryFrom<String> for Size {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::named(&name).ok_or("not a published size")
    }
}

impl From<Size> for &'static str {
    fn from(size: Size) -> Self {
        size.0.name
    }
}

/// The width or height of a clip that keeps its picture's aspect, whichever is shorter.
const SHORT_SIDE: f64 = 720.0;

/// The longest side of such a clip.
const MAX_SIDE: f64 = 1920.0;

/// The shortest side of such a clip.
const MIN_SIDE: u32 = 64;

/// How the size of the frames is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Canvas {
    /// The picture's aspect: short side 720, long side at most 1920, both even.
    OfPicture,
    /// A published size; the picture is cut to its aspect.
    Size(Size),
    /// This aspect, with the sides of [`Canvas::OfPicture`]; the picture is cut to it.
    Aspect(Aspect),
}

impl Canvas {
    /// Width and height of the frames for a picture of this width and height; both are even.
    pub(crate) fn pixels(self, picture: (u32, u32)) -> (u32, u32) {
        match self {
            Self::Size(size) => (size.0.width, size.0.height),
            Self::Aspect(aspect) => fitted(aspect.into()),
            Self::OfPicture => fitted(picture),
        }
    }
}

/// The sides of a clip that keeps this aspect.
fn fitted((width, height): (u32, u32)) -> (u32, u32) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (SHORT_SIDE / width.min(height)).min(MAX_SIDE / width.max(height));
    (
        even(width * scale).max(MIN_SIDE),
        even(height * scale).max(MIN_SIDE),
    )
}

/// The nearest even number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from float to integer saturates"
)]
pub(crate) fn even(pixels: f64) -> u32 {
    (pixels / 2.0).round() as u32 * 2
}

/// Whole frames a second, 1 to 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub(crate) struct FrameRate(u8);

impl FrameRate {
    /// The frame rate of `image_to_video`.
    pub(crate) const CINEMA: Self = Self(24);

    /// The default of `image_to_video_v3`.
    pub(crate) const V3_DEFAULT: Self = Self(8);

    /// One frame a second.
    pub(crate) const SLOWEST: Self = Self(1);

    /// The frame rate of this many frames a second.
    pub(crate) fn new(hertz: u64) -> Option<Self> {
        u8::try_from(hertz)
            .ok()
            .filter(|hertz| (1..=30).contains(hertz))
            .map(Self)
    }

    /// Frames a second.
    pub(crate) fn hertz(self) -> u32 {
        u32::from(self.0)
    }
}

impl From<FrameRate> for f32 {
    fn from(rate: FrameRate) -> Self {
        Self::from(rate.0)
    }
}

impl TryFrom<u64> for FrameRate {
    type Error = &'static str;

    fn try_from(hertz: u64) -> Result<Self, Self::Error> {
        Self::new(hertz).ok_or("not a frame rate from 1 to 30")
    }
}

impl From<FrameRate> for u64 {
    fn from(rate: FrameRate) -> Self {
        Self::from(rate.0)
    }
}

/// The length of a clip in milliseconds, 4 to 30 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(crate) struct Length(u32);

impl Length {
    /// Five seconds.
    pub(crate) const FIVE_SECONDS: Self = Self(5000);

    /// The length of this many seconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a conversion from float to integer saturates"
    )]
    pub(crate) fn from_seconds(seconds: f64) -> Option<Self> {
        Self::try_from((seconds * 1000.0).round() as u32).ok()
    }

    /// The nearest number of whole frames.
    pub(crate) fn frames(self, rate: FrameRate) -> u32 {
        (self.0 * rate.hertz() + 500) / 1000
    }
}

/// Four seconds.
impl Default for Length {
    fn default() -> Self {
        Self(4000)
    }
}

impl TryFrom<u32> for Length {
    type Error = &'static str;

    fn try_from(milliseconds: u32) -> Result<Self, Self::Error> {
        Some(Self(milliseconds))
            .filter(|length| (4000..=30_000).contains(&length.0))
            .ok_or("not a length from 4 to 30 seconds")
    }
}

impl From<Length> for u32 {
    fn from(length: Length) -> Self {
        length.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_aspect_and_short_side_of_their_names() {
        for Named {
            name,
            width,
            height,
        } in &SIZES
        {
            let short = if name.contains("FullHD") { 1080 } else { 720 };
            assert_eq!(*width.min(height), short, "{name}");
            let aspect = name.split(['(', ')', ':']).collect::<Vec<_>>();
            let (across, down): (u32, u32) = (
                aspect[1].parse().expect("a number"),
                aspect[2].parse().expect("a number"),
            );
            assert_eq!(width * down, height * across, "{name}");
        }
    }

    #[test]
    fn sizes_are_those_of_the_published_schema() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../schemas/image_to_video/input.json"))
                .expect("the schema is JSON");
        let published = schema["properties"]["size"]["enum"]
            .as_array()
            .expect("an enum");
        let names: Vec<_> = SIZES.iter().map(|size| size.name).collect();
        assert_eq!(published, &names);
        assert_eq!(
            schema["properties"]["size"]["default"],
            Size::DEFAULT.0.name
        );
    }

    #[test]
    fn aspect_of_the_picture_is_kept_within_bounds() {
        let cases = [
            ((1600, 1000), (1152, 720)),
            ((1000, 1600), (720, 1152)),
            ((1, 1), (720, 720)),
            ((333, 500), (720, 1082)),
            ((4000, 1000), (1920, 480)),
            ((16_000, 10), (1920, 64)),
        ];
        for (picture, pixels) in cases {
            assert_eq!(Canvas::OfPicture.pixels(picture), pixels, "{picture:?}");
        }
    }

    #[test]
    fn frame_rates_have_bounds() {
        assert_eq!(FrameRate::new(0), None);
        assert_eq!(FrameRate::new(31), None);
        assert_eq!(FrameRate::new(30).map(FrameRate::hertz), Some(30));
    }

    #[test]
    fn length_is_a_number_of_whole_frames() {
        let frames = |seconds, hertz| {
            let rate = FrameRate::new(hertz).expect("a frame rate");
            Length::from_seconds(seconds).map(|length| length.frames(rate))
        };
        assert_eq!(Length::default().frames(FrameRate::CINEMA), 96);
        assert_eq!(frames(4.0, 1), Some(4));
        assert_eq!(frames(7.5, 24), Some(180));
        assert_eq!(frames(5.04, 10), Some(50));
        assert_eq!(frames(30.0, 30), Some(900));
        for wrong in [3.9, 30.1, 0.0, -5.0, 1e300, f64::NAN] {
            assert_eq!(frames(wrong, 24), None, "{wrong}");
        }
    }

    #[test]
    fn aspect_has_the_sides_of_hd() {
        let cases = [
            ("1:1", (720, 720)),
            ("3:2", (1080, 720)),
            ("2:3", (720, 1080)),
            ("16:9", (1280, 720)),
            ("9:16", (720, 1280)),
            ("4:3", (960, 720)),
        ];
        for (aspect, pixels) in cases {
            let canvas = Canvas::Aspect(aspect.parse().expect("an aspect"));
            assert_eq!(canvas.pixels((7, 900)), pixels, "{aspect}");
        }
    }
}
