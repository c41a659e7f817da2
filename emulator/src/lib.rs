//! The practice provider: a real HTTP server that renders real clips and pictures, without any
//! model.
//!
//! It stands where a paid video provider stands, so that a workflow can be tried on a desk: it
//! moves a virtual camera over a picture as the prompt's motion words say, and serves H.264 in an
//! MP4; or it gives the picture another look, as the words for styles say, and serves a PNG. It
//! says in every reply, page, clip and picture that this is a practice render, not an AI model.
//!
//! It speaks three protocols ([`Protocol`]), each as the provider's own pages and clients have it.
//! One key is good for all: `Authorization: Bearer` with [`Practice::api_key`]. A job is known to
//! its protocol alone. Everybody can get:
//!
//! - `GET /v1/clips/{id}.mp4`: a clip, with ranges; not one of `PopiArt`'s.
//! - `GET /v1/files/{sha256}.{kind}`: a picture, uploaded or made.
//!
//! Whoever has the key can ask `GET /v1/practice/billing` what really happened: an [`Billing`] in
//! JSON.
//!
//! # `PixelML`: the `jobs` wire
//!
//! - `POST /v1/jobs` with `{"action", "input"}` and an optional `Idempotency-Key`: 201 with the
//!   job; 200 with the same job for the same key and body; 409 for the same key and another body;
//!   429 with `Retry-After` when too many jobs are queued. The actions are `image_to_video` and
//!   `image_to_video_v3`, whose clips last four seconds.
//! - `GET /v1/jobs/{id}`: `{"id", "status", "progress", "message", "poll_after_ms"?, "output"?,
//!   "error"?, "charged"?}`; the status is `queued`, `running`, `succeeded`, `failed` or
//!   `cancelled`. `charged` is there once the job has ended: true for a clip, false otherwise.
//! - `POST /v1/jobs/{id}/cancel`: 200 once it is cancelled for good, 409 when it ended otherwise.
//! - `POST /v1/files` (multipart part `file`): `{"url"}`; `GET` on that URL gives it back.
//!
//! Errors are `{"error": {"code", "message"}}`.
//!
//! # `ShortAPI`
//!
//! - `POST /api/v1/job/create` with `{"model", "args": {"prompt", "image", "aspect_ratio"?},
//!   "callback_url"?}`: `{"code": 0, "data": {"job_id", "amount"}, "job_id"}`. The picture is a URL or base64
//!   without a prefix. The clip lasts four seconds, and its short side has 720 pixels. A callback
//!   is never called, and each submission makes a job.
//! - `GET /api/v1/job/query?id={id}`: `{"code": 0, "data": {"job_id", "status", "amount",
//!   "result"?: {"videos": [{"url"}]}, "refunded"?, "error"?}}`; the status is 0 (queued),
//!   1 (running), 2 (done) or 3 (failed, and refunded).
//!
//! Errors are `{"code", "info"}` with HTTP 200: 400 for what is wrong in a request, 404, 413, 429.
//! A wrong key is 401 in HTTP too, and so are the server's own faults.
//!
//! # `PopiArt`
//!
//! Below `/popiart/v1`, and wrapped in `{"ok": true, "data"}`:
//!
//! - `POST /jobs` with `{"skill_id", "input", "idempotency_key"?}`: 201 with the job; the key as
//!   above. The skills are `popiskill-video-image2video-basic-v1` (a clip of 5 to 30 seconds) and
//!   `popiskill-image-img2img-basic-v1` (a picture, of 16 to 2048 pixels a side if `size` asks).
//! - `GET /jobs/{id}`: `{"job_id", "status", "skill_id", "model_id", "input", "created_at",
//!   "started_at", "finished_at", "artifact_ids", "error"?}`; the status is `pending`, `running`,
//!   `done`, `failed` or `cancelled`. `started_at` is null where an earlier process ended the job.
//! - `POST /jobs/{id}/cancel`: as above.
//! - `GET /jobs/{id}/artifacts`: `{"items": […]}`, each as `GET /artifacts/{id}` tells it:
//!   `{"id", "filename", "content_type", "size_bytes", "sha256", "url"?, "media_id"?, "job_id"?}`.
//!   A picture has a URL, a clip has none.
//! - `GET /artifacts/{id}/content`: its bytes, with ranges.
//! - `POST /artifacts/upload` (multipart part `file`): 201 with the artifact, named by its digest.
//!
//! Errors are `{"ok": false, "error": {"code", "message", "details"}}`: 422 for an input that is
//! refused.
//!
//! # Practice renders
//!
//! A clip follows the motion words of `prompt` (and of `camera_motion`, before it), the picture, the
//! size, the frame rate and the length. A picture follows `style`, then `prompt`, by the words of
//! watercolor, sketch, noir, sepia, pastel, poster and dream, as far as `strength` says. All else
//! steers a model and has no effect: `negative_prompt`, `prompt_optimizer`, `steps`,
//! `guidance_scale`, `motion_intensity`, `seed`, `notes`. The same input gives the same bytes.
//!
//! Jobs, pictures and clips live in the data directory and survive `kill -9`: a job is on disk
//! before its submission is answered, and what had not ended is rendered again by the next process,
//! on whatever port.
//!
//! It behaves well unless it is told not to: [`Settings::faults`] makes it delay, refuse, lose and
//! garble replies, and [`Practice::billing`] then says what was made and charged. For load tests
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
//! - `server`: the routes; `wires`: the protocols; `state`, `upload`, `download`, `range`, `result_urls`,
//!   `rejection`: what they have in common; `line`: the connections under it
//! - `faults`: what goes wrong on demand; `billing`, `concurrent_polls`: what really happened
//! - `render_request`, `input`, `format`, `aspect`, `files`: what a submission says, read once
//! - `job`: one job as it is kept and shown; `jobs`: the state machine; `journal`, `data_dir`: what
//!   is on disk
//! - `render_queue`: runs the jobs; in it `store`: jobs and journal in step, `work`: one rendering
//! - `picture`, `camera`, `camera_path`, `sampler`, `render`: from a picture to a clip
//! - `filter`, `redraw`: from a picture to another one; `title`: the notice in all results

#![deny(missing_docs)]

mod aspect;
mod billing;
mod camera;
mod camera_path;
mod concurrent_polls;
mod connection;
mod data_dir;
mod download;
mod error;
mod faults;
mod files;
mod filter;
mod format;
#[cfg(test)]
mod fuzz;
mod input;
mod job;
mod jobs;
mod journal;
mod picture;
mod practice;
mod protocol;
mod range;
mod redraw;
mod rejection;
mod render;
mod render_queue;
mod render_request;
mod result_urls;
mod sampler;
mod server;
mod settings;
mod shared_server;
mod state;
mod title;
mod upload;
mod wires;

pub use billing::{Billing, JobBill, Totals};
pub use error::PracticeError;
pub use faults::{FaultScript, FaultScriptError};
pub use practice::Practice;
pub use protocol::Protocol;
pub use settings::{FetchPicture, Settings};
pub use shared_server::SharedPractice;
