//! The camera path: the camera's pose in every frame of a clip.
//!
//! Every pose stays inside the picture.

use crate::camera::{Camera, Pan, Roll, Tilt, Zoom};

/// The camera's pose in one frame, in pixels of the fitted picture.
///
/// The pixel at `(dx, dy)` from the middle of the frame shows the picture at
/// `(x, y) + scale * rotation * (dx, dy)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pose {
    /// The picture's column in the middle of the frame.
    pub(crate) x: f64,
    /// The picture's row in the middle of the frame.
    pub(crate) y: f64,
    /// Pixels of the picture for one pixel of the frame.
    pub(crate) scale: f64,
    /// The angle in radians by which the view is turned.
    pub(crate) angle: f64,
}

/// The path of a camera over one fitted picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CameraPath {
    picture: (f64, f64),
    frame: (f64, f64),
    zoom: (f64, f64),
    pan: (f64, f64),
    angle: f64,
    /// The scale at zoom 1: the largest that fits into the picture at the path's largest angle.
    widest: f64,
}

/// Width of the border that is kept for the neighbours read by bilinear and chroma sampling.
const BORDER: f64 = 2.0;

/// A roll goes from minus to plus this angle. At the renderer's oversize it stays sharp.
const ROLL_DEGREES: f64 = 8.0;

impl CameraPath {
    /// The path over a picture. Sizes are in pixels, width first.
    pub(crate) fn new(camera: Camera, picture: (u32, u32), frame: (u32, u32)) -> Self {
        let moves_sideways = camera.pan.is_some() || camera.tilt.is_some();
        // Sideways moves need space beside the view, so they start closer than the widest view.
        let zoom = match (camera.zoom, moves_sideways) {
            (Some(Zoom::In), false) => (1.0, 1.22),
            (Some(Zoom::Out), false) => (1.22, 1.0),
            (Some(Zoom::In), true) => (1.1, 1.28),
            (Some(Zoom::Out), true) => (1.28, 1.1),
            (None, true) => (1.2, 1.2),
            (None, false) if camera.roll.is_some() => (1.0, 1.0),
            (None, false) => (1.0, 1.1),
        };
        let pan_x = match camera.pan {
            Some(Pan::Left) => -1.0,
            Some(Pan::Right) => 1.0,
            None => 0.0,
        };
        let pan_y = match camera.tilt {
            Some(Tilt::Up) => -1.0,
            Some(Tilt::Down) => 1.0,
            None => 0.0,
        };
        // A view that turns one way makes its content turn the other way.
        let angle = match camera.roll {
            Some(Roll::Clockwise) => -ROLL_DEGREES.to_radians(),
            Some(Roll::Counterclockwise) => ROLL_DEGREES.to_radians(),
            None => 0.0,
        };
        let picture = (f64::from(picture.0), f64::from(picture.1));
        let frame = (f64::from(frame.0), f64::from(frame.1));
        let needed = extent(frame, 1.0, angle);
        let widest = f64::min(
            (picture.0 / 2.0 - BORDER) / needed.0,
            (picture.1 / 2.0 - BORDER) / needed.1,
        );
        Self {
            picture,
            frame,
            zoom,
            pan: (pan_x, pan_y),
            angle,
            widest,
        }
    }

    /// The pose at a moment of the clip, from 0 (first frame) to 1 (last frame).
    pub(crate) fn pose(&self, moment: f64) -> Pose {
        let eased = ease(moment);
        let along = 2.0 * eased - 1.0;
        // Exponential, so that the speed looks constant: each frame enlarges by the same factor.
        let zoom = self.zoom.0 * (self.zoom.1 / self.zoom.0).powf(eased);
        let scale = self.widest / zoom;
        let angle = self.angle * along;
        let view = extent(self.frame, scale, angle);
        let room_x = (self.picture.0 / 2.0 - BORDER - view.0).max(0.0);
        let room_y = (self.picture.1 / 2.0 - BORDER - view.1).max(0.0);
        Pose {
            x: self.picture.0 / 2.0 + self.pan.0 * along * room_x,
            y: self.picture.1 / 2.0 + self.pan.1 * along * room_y,
            scale,
            angle,
        }
    }
}

/// Half the width and height of the upright rectangle around a scaled and turned frame.
fn extent(frame: (f64, f64), scale: f64, angle: f64) -> (f64, f64) {
    let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
    (
        scale * (frame.0 * cos + frame.1 * sin) / 2.0,
        scale * (frame.0 * sin + frame.1 * cos) / 2.0,
    )
}

/// Slow at both ends, quick in the middle.
fn ease(moment: f64) -> f64 {
    let moment = moment.clamp(0.0, 1.0);
    moment * moment * (3.0 - 2.0 * moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_camera() -> Vec<Camera> {
        let mut cameras = Vec::new();
        for zoom in [None, Some(Zoom::In), Some(Zoom::Out)] {
            for pan in [None, Some(Pan::Left), Some(Pan::Right)] {
                for tilt in [None, Some(Tilt::Up), Some(Tilt::Down)] {
                    for roll in [None, Some(Roll::Clockwise), Some(Roll::Counterclockwise)] {
                        cameras.push(Camera {
                            zoom,
                            pan,
                            tilt,
                            roll,
                        });
                    }
                }
            }
        }
        cameras
    }

    #[test]
    fn no_pose_looks_outside_the_picture() {
        let sizes = [
            ((1600, 900), (1280, 720)),
            ((1350, 2400), (1080, 1920)),
            ((900, 900), (720, 720)),
            ((2400, 80), (1920, 64)),
        ];
        for camera in every_camera() {
            for (picture, frame) in sizes {
                let camera_path = CameraPath::new(camera, picture, frame);
                for step in 0..=48 {
                    let pose = camera_path.pose(f64::from(step) / 48.0);
                    let view = extent(camera_path.frame, pose.scale, pose.angle);
                    for (at, half, side) in [
                        (pose.x, view.0, camera_path.picture.0),
                        (pose.y, view.1, camera_path.picture.1),
                    ] {
                        let inside = BORDER - 1e-6..=side - BORDER + 1e-6;
                        assert!(
                            inside.contains(&(at - half)),
                            "{camera:?} {picture:?} {pose:?}"
                        );
                        assert!(
                            inside.contains(&(at + half)),
                            "{camera:?} {picture:?} {pose:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn camera_moves_in_the_direction_of_the_motion_word() {
        let ends = |prompt| {
            let camera_path =
                CameraPath::new(Camera::from_prompt(prompt), (1600, 900), (1280, 720));
            (camera_path.pose(0.0), camera_path.pose(1.0))
        };
        let (first, last) = ends("");
        assert!(last.scale < first.scale, "the default pushes in");
        let (first, last) = ends("zoom out");
        assert!(last.scale > first.scale);
        let (first, last) = ends("pan left");
        assert!(last.x < first.x && same(last.y, first.y));
        let (first, last) = ends("pan right");
        assert!(last.x > first.x);
        let (first, last) = ends("tilt up");
        assert!(last.y < first.y && same(last.x, first.x));
        let (first, last) = ends("rotate clockwise");
        assert!(last.angle < first.angle);
    }

    fn same(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }
}
