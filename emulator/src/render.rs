//! Renders an MP4 with H.264 from a picture, a camera and a format.
//!
//! The same input gives the same bytes: there is one encoder thread and no clock.

use std::ops::ControlFlow;

use image::{Rgb, RgbImage};
use muxide::api::{Metadata, MuxerBuilder, VideoCodec};
use openh264::OpenH264API;
use openh264::encoder::{
    Complexity, Encoder, EncoderConfig, FrameType, IntraFramePeriod, RateControlMode, VuiConfig,
};

use crate::camera::Camera;
use crate::camera_path::CameraPath;
use crate::format::{Canvas, FrameRate, Length, even};
use crate::picture::{self, PictureError};
use crate::render_request::Clip;
use crate::sampler::{Frame, Sampler};
use crate::title::TITLE;

/// The picture is scaled to this many times the frame, so that the closest view is sharp.
const OVERSIZE: f64 = 1.25;

/// Why a clip could not be rendered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("the frames cannot be encoded")]
    Encode(#[from] openh264::Error),
    #[error("the clip cannot be written as MP4")]
    Mux(#[from] muxide::api::MuxerError),
    #[error("the rendering was stopped")]
    Stopped,
}

/// A fitted picture, converted for sampling.
pub(crate) struct Scene {
    sampler: Sampler,
    /// Width and height of the fitted picture.
    picture: (u32, u32),
    /// Width and height of the frames.
    frame: (u32, u32),
}

impl Scene {
    /// Fits a picture to the canvas.
    pub(crate) fn new(picture: &RgbImage, canvas: Canvas) -> Result<Self, PictureError> {
        Self::framed(picture, canvas.pixels(picture.dimensions()))
    }

    /// Fits a picture to a frame of an even width and height.
    fn framed(picture: &RgbImage, frame: (u32, u32)) -> Result<Self, PictureError> {
        let fitted = (
            even(f64::from(frame.0) * OVERSIZE),
            even(f64::from(frame.1) * OVERSIZE),
        );
        let sampler = Sampler::new(&picture::cover(picture, fitted.0, fitted.1)?);
        Ok(Self {
            sampler,
            picture: fitted,
            frame,
        })
    }

    /// Renders the clip. `progress` is called after every frame and can stop the rendering.
    pub(crate) fn render(
        &self,
        clip: &Clip,
        mut progress: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, RenderError> {
        let (frame_rate, frames) = (clip.frame_rate, clip.frames());
        let camera_path = CameraPath::new(clip.camera, self.picture, self.frame);
        let mut encoder =
            Encoder::with_api_config(OpenH264API::from_source(), encoder(frame_rate))?;
        let (width, height) = self.frame;
        let mut muxer = MuxerBuilder::new(Vec::new())
            .video(
                VideoCodec::H264,
                width,
                height,
                f64::from(frame_rate.hertz()),
            )
            .with_metadata(Metadata::new().with_title(TITLE))
            .with_fast_start(true)
            .build()?;
        let mut frame = Frame::new(width, height);
        let last = frames - 1;
        for index in 0..=last {
            self.sampler.sample_frame(
                &camera_path.pose(f64::from(index) / f64::from(last)),
                &mut frame,
            );
            let bits = encoder.encode(&frame)?;
            let is_key = bits.frame_type() == FrameType::IDR;
            muxer.write_video(
                presentation(index, frames, frame_rate),
                &bits.to_vec(),
                is_key,
            )?;
            if progress(index + 1).is_break() {
                return Err(RenderError::Stopped);
            }
        }
        muxer.finish_in_place()?;
        Ok(muxer.into_writer())
    }
}

/// The clip of the instant mode: four small frames.
pub(crate) fn instant_clip() -> Result<Vec<u8>, RenderError> {
    let frame = (160, 90);
    let picture = RgbImage::from_fn(frame.0, frame.1, |x, y| {
        let shade = |part: u32, whole: u32| u8::try_from(part * 255 / whole).unwrap_or(u8::MAX);
        Rgb([shade(x, frame.0), 90, shade(y, frame.1)])
    });
    let scene = Scene::framed(&picture, frame)?;
    let clip = Clip {
        canvas: Canvas::OfPicture,
        frame_rate: FrameRate::SLOWEST,
        length_ms: Length::default(),
        camera: Camera::default(),
    };
    scene.render(&clip, |_| ControlFlow::Continue(()))
}

/// Constant quality, no skipped frames, one thread: the bytes depend on the frames alone.
fn encoder(frame_rate: FrameRate) -> EncoderConfig {
    let hertz = frame_rate.hertz();
    EncoderConfig::new()
        .max_frame_rate(openh264::encoder::FrameRate::from_hz(f32::from(frame_rate)))
        .rate_control_mode(RateControlMode::Off)
        .complexity(Complexity::Low)
        .skip_frames(false)
        .scene_change_detect(false)
        .adaptive_quantization(false)
        .background_detection(false)
        .intra_frame_period(IntraFramePeriod::from_num_frames(hertz * 2))
        .num_threads(1)
        .vui(VuiConfig::bt709())
}

/// The muxer's ticks a second.
const TICKS: u32 = 90_000;

/// When a frame is shown, in seconds, on a tick of the muxer.
///
/// The muxer gives the last frame the duration of the one before it. If the frame rate does not
/// divide the ticks, the clip would end one tick off, so the frame before takes the difference.
fn presentation(index: u32, frames: u32, frame_rate: FrameRate) -> f64 {
    let hertz = frame_rate.hertz();
    let tick = |index: u32| (index * TICKS + hertz / 2) / hertz;
    let tick = if index + 2 == frames {
        2 * tick(frames - 1) - tick(frames)
    } else {
        tick(index)
    };
    f64::from(tick) / f64::from(TICKS)
}

#[cfg(test)]
#[path = "../tests/practice/support/frames.rs"]
mod frames;
#[cfg(test)]
#[path = "../tests/practice/support/mp4.rs"]
mod mp4;

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::frames::decode;
    use super::mp4::Clip as Mp4;
    use super::*;
    use crate::format::Size;

    fn checkered(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let tile = u8::try_from((x / 40 + y / 40) % 2).unwrap_or(0);
            Rgb([
                tile * 200,
                255 - tile * 90,
                u8::try_from(x * 255 / width).unwrap_or(0),
            ])
        })
    }

    fn clip(frame_rate: FrameRate, prompt: &str) -> Clip {
        Clip {
            canvas: Canvas::OfPicture,
            frame_rate,
            length_ms: Length::default(),
            camera: Camera::from_prompt(prompt),
        }
    }

    fn rendered(canvas: Canvas, hertz: u64, prompt: &str) -> Vec<u8> {
        let scene = Scene::new(&checkered(800, 600), canvas).expect("a scene");
        let frame_rate = FrameRate::new(hertz).expect("a frame rate");
        scene
            .render(&clip(frame_rate, prompt), |_| ControlFlow::Continue(()))
            .expect("a clip")
    }

    #[test]
    fn clip_lasts_four_seconds_at_every_frame_rate() {
        for hertz in 1..=30 {
            let scene = Scene::new(&checkered(16, 1600), Canvas::OfPicture).expect("a scene");
            let frame_rate = FrameRate::new(hertz).expect("a frame rate");
            let file = scene
                .render(&clip(frame_rate, ""), |_| ControlFlow::Continue(()))
                .expect("a clip");
            let clip = Mp4::read(&file);
            assert_eq!(clip.size, (64, 1920));
            assert!(clip.is_fast_start);
            assert_eq!(
                clip.samples.len(),
                4 * frame_rate.hertz() as usize,
                "{hertz}"
            );
            assert_eq!(clip.durations.len(), clip.samples.len(), "{hertz}");
            assert_eq!(
                clip.durations.iter().sum::<u32>(),
                4 * clip.timescale,
                "{hertz}"
            );
        }
    }

    #[test]
    fn clip_has_the_requested_length() {
        for (seconds, hertz, frames) in [(5.0, 7, 35), (7.5, 24, 180), (30.0, 1, 30)] {
            let scene = Scene::new(&checkered(16, 1600), Canvas::OfPicture).expect("a scene");
            let clip = Clip {
                length_ms: Length::from_seconds(seconds).expect("a length"),
                ..clip(FrameRate::new(hertz).expect("a frame rate"), "")
            };
            let file = scene.render(&clip, |_| ControlFlow::Continue(()));
            let clip = Mp4::read(&file.expect("a clip"));
            assert_eq!(clip.samples.len(), frames);
            let ticks = f64::from(clip.durations.iter().sum::<u32>());
            assert!((ticks / f64::from(clip.timescale) - seconds).abs() < 1e-4);
        }
    }

    #[test]
    fn every_frame_decodes_and_the_picture_moves() {
        for prompt in ["", "pan left", "tilt up", "pull out", "rotate"] {
            let file = rendered(Canvas::OfPicture, 2, prompt);
            let clip = Mp4::read(&file);
            assert_eq!(clip.size, (960, 720));
            let frames = decode(&clip, &file);
            assert_eq!(frames.len(), 8);
            let moves = frames
                .windows(2)
                .all(|pair| difference(&pair[0], &pair[1]) > 0.2);
            assert!(moves, "{prompt}");
        }
    }

    #[test]
    fn first_frame_shows_the_picture() {
        let picture = RgbImage::from_pixel(400, 300, Rgb([200, 30, 60]));
        let scene = Scene::new(&picture, Canvas::Size(Size::DEFAULT)).expect("a scene");
        let rate = FrameRate::new(1).expect("a frame rate");
        let file = scene
            .render(&clip(rate, ""), |_| ControlFlow::Continue(()))
            .expect("a clip");
        let clip = Mp4::read(&file);
        assert_eq!(clip.size, (1280, 720));
        // 16 + 219/255 * (0.2126 * 200 + 0.7152 * 30 + 0.0722 * 60)
        let luma = 75;
        for frame in decode(&clip, &file) {
            assert!(frame.iter().all(|sample| sample.abs_diff(luma) <= 2));
        }
    }

    #[test]
    fn same_input_gives_the_same_bytes() {
        let clip = rendered(Canvas::OfPicture, 3, "rotate and zoom out");
        assert!(clip == rendered(Canvas::OfPicture, 3, "rotate and zoom out"));
        assert!(clip != rendered(Canvas::OfPicture, 3, "rotate"));
    }

    #[test]
    fn clip_has_the_practice_title() {
        let clip = rendered(Canvas::OfPicture, 1, "");
        assert!(
            clip.windows(TITLE.len())
                .any(|part| part == TITLE.as_bytes())
        );
    }

    #[test]
    fn rendering_can_be_stopped() {
        let scene = Scene::new(&checkered(80, 60), Canvas::OfPicture).expect("a scene");
        let mut seen = 0;
        let stopped = scene.render(&clip(FrameRate::CINEMA, ""), |frames| {
            seen = frames;
            if frames == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(matches!(stopped, Err(RenderError::Stopped)));
        assert_eq!(seen, 2);
    }

    /// The mean difference of two frames' luma.
    fn difference(one: &[u8], other: &[u8]) -> f64 {
        let pairs = one.iter().zip(other);
        let sum: f64 = pairs
            .map(|(one, other)| f64::from(one.abs_diff(*other)))
            .sum();
        sum / f64::from(u32::try_from(one.len()).unwrap_or(u32::MAX))
    }
}
