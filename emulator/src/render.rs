//! The renderer: a picture, a camera and a format become an MP4 with H.264.
//!
//! The same picture, camera and format give the same bytes: one encoder thread, no clock.

use std::ops::ControlFlow;

use image::RgbImage;
use muxide::api::{Metadata, MuxerBuilder, VideoCodec};
use openh264::OpenH264API;
use openh264::encoder::{
    Complexity, Encoder, EncoderConfig, FrameType, IntraFramePeriod, RateControlMode, VuiConfig,
};

use crate::camera::Camera;
use crate::film::{Film, Frame};
use crate::format::{Canvas, FrameRate, even};
use crate::picture::{self, PictureError};
use crate::shot::Shot;

/// The title inside every clip.
pub(crate) const TITLE: &str = "Practice render by Zoetrope, not made by an AI model";

/// The picture is fitted to this many times the frame, so that the closest view is still sharp.
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

/// A picture that is ready to be filmed.
pub(crate) struct Scene {
    film: Film,
    /// Width and height of the fitted picture.
    picture: (u32, u32),
    /// Width and height of the frames.
    frame: (u32, u32),
}

impl Scene {
    /// Fits a picture to the canvas.
    pub(crate) fn new(picture: &RgbImage, canvas: Canvas) -> Result<Self, PictureError> {
        let frame = canvas.pixels(picture.dimensions());
        let fitted = (
            even(f64::from(frame.0) * OVERSIZE),
            even(f64::from(frame.1) * OVERSIZE),
        );
        let film = Film::new(&picture::cover(picture, fitted.0, fitted.1)?);
        Ok(Self {
            film,
            picture: fitted,
            frame,
        })
    }

    /// Films the clip; `progress` hears of every finished frame and can stop the work.
    pub(crate) fn render(
        &self,
        frame_rate: FrameRate,
        camera: Camera,
        mut progress: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, RenderError> {
        let shot = Shot::new(camera, self.picture, self.frame);
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
        let last = frame_rate.frames() - 1;
        for index in 0..=last {
            self.film
                .expose(&shot.pose(f64::from(index) / f64::from(last)), &mut frame);
            let bits = encoder.encode(&frame)?;
            let is_key = bits.frame_type() == FrameType::IDR;
            muxer.write_video(presentation(index, frame_rate), &bits.to_vec(), is_key)?;
            if progress(index + 1).is_break() {
                return Err(RenderError::Stopped);
            }
        }
        muxer.finish_in_place()?;
        Ok(muxer.into_writer())
    }
}

/// Constant quality, every frame kept, one thread: the bytes depend on the frames alone.
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
/// The muxer gives the last frame as long as the one before it. Where the frame rate does not
/// divide the ticks, that would miss the clip's end by one, so the one before takes up the
/// difference.
fn presentation(index: u32, frame_rate: FrameRate) -> f64 {
    let hertz = frame_rate.hertz();
    let frames = frame_rate.frames();
    let tick = |index: u32| (index * TICKS + hertz / 2) / hertz;
    let tick = if index + 2 == frames {
        2 * tick(frames - 1) - tick(frames)
    } else {
        tick(index)
    };
    f64::from(tick) / f64::from(TICKS)
}
