//! The practice provider: a real HTTP server that renders real clips, without any model.
//!
//! It stands where a paid video provider stands, so that a workflow can be tried on a desk: it
//! takes the jobs of `image_to_video` and `image_to_video_v3`, moves a virtual camera over the
//! picture as the prompt's motion words say, and serves four seconds of H.264 in an MP4. It says in
//! every reply, page and clip that this is a practice render, not an AI model.
//!
//! The wire is `jobs`, the plain protocol of Zoetrope's `PixelML` connection:
//!
//! - `POST /v1/jobs` with `{"action", "input"}` and an optional `Idempotency-Key`: 201 with the
//!   job; 200 with the same job for the same key and body; 409 for the same key and another body;
//!   429 with `Retry-After` when too many jobs are queued.
//! - `GET /v1/jobs/{id}`: `{"id", "status", "progress", "message", "poll_after_ms"?, "output"?,
//!   "error"?, "charged"?}`; the status is `queued`, `running`, `succeeded`, `failed` or
//!   `cancelled`. `charged` is there once the job has ended: true for a clip, false otherwise.
//! - `POST /v1/jobs/{id}/cancel`: 200 once it is cancelled for good, 409 when it ended otherwise.
//! - `POST /v1/files` (multipart part `file`): `{"url"}`; `GET` on that URL gives it back.
//! - `GET /v1/clips/{id}.mp4`: the clip, with ranges.
//! - `GET /v1/practice/account`: what really happened, as [`Account`] in JSON; not part of the wire.
//!
//! Errors are `{"error": {"code", "message"}}`. Everything but files and clips needs
//! `Authorization: Bearer` with [`Practice::api_key`].
//!
//! A practice render follows the prompt's motion words, the picture, the model's size and the frame
//! rate. `negative_prompt`, `prompt_optimizer`, `steps` and `guidance_scale` have no effect. The
//! same input gives the same bytes.
//!
//! Jobs, pictures and clips live in the data directory and survive `kill -9`: a job is on disk
//! before its submission is answered, and what had not ended is rendered again by the next process,
//! on whatever port.
//!
//! It behaves well unless it is told not to: [`Settings::faults`] makes it delay, refuse, lose and
//! garble replies, and [`Practice::account`] then says what was made and charged. For load tests
//! [`Settings::instant`] leaves the rendering out.
//!
//! ```no_run
//! use zoetrope_emulator::{Practice, Settings};
//!
//! # async fn example() -> Result<(), zoetrope_emulator::PracticeError> {
//! let practice = Practice::start(Settings::new("/tmp/practice")).await?;
//! println!("{} with the key {}", practice.base_url(), practice.api_key());
//! practice.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - `settings`, `practice`, `shared`, `protocol`, `error`: the public surface
//! - `server`, `upload`, `download`, `range`, `links`, `refusal`: HTTP; `line`: the connections
//!   under it
//! - `wires`: the protocols
//! - `faults`: what goes wrong on demand; `account`, `polls`: what really happened
//! - `order`, `input`, `format`, `aspect`, `files`: what a submission says, read once
//! - `jobs`: the state machine; `journal`, `directory`: what is on disk
//! - `studio`: runs the jobs
//! - `picture`, `camera`, `shot`, `film`, `render`: from a picture to a clip

#![deny(missing_docs)]

mod account;
mod aspect;
mod camera;
mod directory;
mod download;
mod error;
mod faults;
mod files;
mod film;
mod format;
#[cfg(test)]
mod fuzz;
mod input;
mod jobs;
mod journal;
mod line;
mod links;
mod look;
mod order;
mod picture;
mod polls;
mod practice;
mod protocol;
mod range;
mod redraw;
mod refusal;
mod render;
mod server;
mod settings;
mod shared;
mod shot;
mod studio;
mod upload;
mod wires;

pub use account::{Account, JobAccount, Totals};
pub use error::PracticeError;
pub use faults::{FaultScript, FaultScriptError};
pub use practice::Practice;
pub use protocol::Protocol;
pub use settings::{FetchPicture, Settings};
pub use shared::SharedPractice;
