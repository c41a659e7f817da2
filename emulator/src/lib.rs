//! The practice provider: a real HTTP server that renders clips and pictures without an AI model.
//!
//! It replaces a paid video provider, so that a workflow can be tested offline and without cost.
//! For a clip it moves a virtual camera over a picture by the prompt's motion words, and serves
//! H.264 in an MP4. For a picture it applies a filter by the style words, and serves a PNG. Every
//! reply, page, clip and picture is marked as a practice render, not made by an AI model.
//!
//! It implements four protocols ([`Protocol`]) as the providers' own pages and clients have them.
//! One key is valid for all: `Authorization: Bearer` with [`Practice::api_key`]. A job exists only
//! for the protocol of its submission. These need no key:
//!
//! - `GET /v1/clips/{id}.mp4`: a clip, with ranges, except those of `PopiArt`.
//! - `GET /v1/files/{sha256}.{kind}`: a picture, uploaded or rendered.
//!
//! `GET /v1/practice/account` needs the key and returns [`Billing`] as JSON: the jobs that were
//! created and charged.
//!
//! # `PixelML`: the `jobs` wire
//!
//! - `POST /v1/jobs` with `{"action", "input"}` and an optional `Idempotency-Key`: 201 with the
//!   job; 200 with the same job for the same key and body; 409 for the same key and another body;
//!   429 with `Retry-After` when too many jobs are queued. The actions are `image_to_video` and
//!   `image_to_video_v3`, whose clips last four seconds.
//! - `GET /v1/jobs/{id}`: `{"id", "status", "progress", "message", "poll_after_ms"?, "output"?,
//!   "error"?, "charged"?}`; the status is `queued`, `running`, `succeeded`, `failed` or
//!   `cancelled`. An ended job has `charged`: true for a clip, false otherwise.
//! - `POST /v1/jobs/{id}/cancel`: 200 when the job is cancelled, 409 when it ended otherwise.
//! - `POST /v1/files` (multipart part `file`): `{"url"}`; `GET` on that URL returns the file.
//!
//! Errors are `{"error": {"code", "message"}}`.
//!
//! # `PixelML`: the `agenticflow` wire
//!
//! - `POST /v1/workflow_runs/` with `{"workflow_id", "input", "response_type"?: "queue"}`: 200 with the
//!   run, whose status is `created`. Every `workflow_id` names a workflow of one node:
//!   `image_to_video_v3` if the input has `frame_rate`, `steps` or `guidance_scale`, else
//!   `image_to_video`. The body has at most 1 MiB, and each submission creates a run.
//! - `GET /v1/workflow_runs/{id}`: the run, `{"id", "workflow_id", "input", "status", "state":
//!   {"nodes_state", "error"}, "operation_cost", "output", …}`; the status is `queued`, `running`,
//!   `success`, `failed` or `cancelled`. `operation_cost` is 10 credits for a clip, 0 for none, and
//!   null before the end. There is no cancellation.
//! - Without the last slash of the submission, or with one after a run's id: 307 to the right path.
//!
//! Errors are `{"detail": "…"}`; an invalid submission is 422 with `{"detail": [{"loc", "msg",
//! "type"}]}`.
//!
//! # `ShortAPI`
//!
//! - `POST /api/v1/job/create` with `{"model", "args": {"prompt", "image", "aspect_ratio"?},
//!   "callback_url"?}`: `{"code": 0, "data": {"job_id", "amount"}, "job_id"}`. The picture is a URL
//!   or base64 without a prefix. The clip lasts four seconds, and its short side has 720 pixels. A
//!   callback is never called, and each submission creates a job.
//! - `GET /api/v1/job/query?id={id}`: `{"code": 0, "data": {"job_id", "status", "amount",
//!   "result"?: {"videos": [{"url"}]}, "refunded"?, "error"?}}`; the status is 0 (queued),
//!   1 (running), 2 (done) or 3 (failed, and refunded).
//!
//! Errors are `{"code", "info"}` with HTTP 200; the code is 400 for an invalid request, 404, 413 or
//! 429. For a wrong key (401) and errors of the server the HTTP status is the code too.
//!
//! # `PopiArt`
//!
//! The paths are below `/popiart/v1`. Replies are wrapped in `{"ok": true, "data"}`.
//!
//! - `POST /jobs` with `{"skill_id", "input", "idempotency_key"?}`: 201 with the job; the key works
//!   as on the `jobs` wire. The skills are `popiskill-video-image2video-basic-v1` (a clip of 5 to 30 seconds) and
//!   `popiskill-image-img2img-basic-v1` (a picture, of 16 to 2048 pixels a side if `size` asks).
//! - `GET /jobs/{id}`: `{"job_id", "status", "skill_id", "model_id", "input", "created_at",
//!   "started_at", "finished_at", "artifact_ids", "error"?}`; the status is `pending`, `running`,
//!   `done`, `failed` or `cancelled`. `started_at` is null where an earlier process ended the job.
//! - `POST /jobs/{id}/cancel`: as above.
//! - `GET /jobs/{id}/artifacts`: `{"items": […]}`, each as in `GET /artifacts/{id}`:
//!   `{"id", "filename", "content_type", "size_bytes", "sha256", "url"?, "media_id"?, "job_id"?}`.
//!   A picture has a URL, a clip has none.
//! - `GET /artifacts/{id}/content`: its bytes, with ranges.
//! - `POST /artifacts/upload` (multipart part `file`): 201 with the artifact, named by its digest.
//!
//! Errors are `{"ok": false, "error": {"code", "message", "details"}}`; an invalid input is 422.
//!
//! # Practice renders
//!
//! A clip depends on the motion words of `prompt` (and of `camera_motion`, before it), the picture,
//! the size, the frame rate and the length. A picture depends on the style words of `style`, then
//! of `prompt` (watercolor, sketch, noir, sepia, pastel, poster, dream), and on `strength`. The
//! other fields steer a model and have no effect: `negative_prompt`, `prompt_optimizer`, `steps`,
//! `guidance_scale`, `motion_intensity`, `seed`, `notes`. The same input gives the same bytes.
//!
//! Jobs, pictures and clips are in the data directory and survive `kill -9`. A job is on disk
//! before its submission is answered. The next process renders the jobs that have not ended.
//!
//! [`Settings::faults`] makes it delay, refuse, lose and corrupt replies; without it there are no
//! faults. [`Practice::billing`] reports what was created and charged. For load tests,
//! [`Settings::instant`] skips the rendering.
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
//! - `settings`, `practice`, `shared_server`, `protocol`, `error`: the public API
//! - `server`: the routes; `wires`: the protocols; `state`, `upload`, `download`, `range`,
//!   `result_urls`, `rejection`: shared by the protocols; `connection`: accepts connections
//! - `faults`: fault injection; `billing`, `concurrent_polls`: the billing report
//! - `render_request`, `input`, `format`, `aspect`, `files`: the parsed submission
//! - `job`: one job; `jobs`: the state machine; `journal`, `data_dir`: the files on disk;
//!   `compaction`: shortens the journal; `unneeded`: removes files that no job needs
//! - `render_queue`: runs the jobs; in it `store`: jobs and journal, `work`: one rendering
//! - `picture`, `camera`, `camera_path`, `sampler`, `render`: render a clip
//! - `filter`, `redraw`: render a picture; `title`: the notice in all results

#![deny(missing_docs)]

mod aspect;
mod billing;
mod camera;
mod camera_path;
mod compaction;
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
mod unneeded;
mod upload;
mod wires;

pub use billing::{Billing, JobBill, Totals};
pub use error::PracticeError;
pub use faults::{FaultScript, FaultScriptError};
pub use practice::Practice;
pub use protocol::Protocol;
pub use settings::{FetchPicture, Settings};
pub use shared_server::SharedPractice;
