//! The driver's decisions without its I/O, for a host that owns its timers and storage.
//!
//! Such a host stores [`Job`](crate::ledger::Job) rows itself and does what
//! [`Driver`](super::Driver) does in a loop:
//!
//! 1. When a row's `next_at` has come, call [`decide`] with [`Event::Due`]. It returns the row
//!    as it is from then on, and an [`Action`].
//! 2. Commit the row, if it differs, under the condition that the stored one is still the one
//!    that was passed in. If it is not, read it again and begin at 1.
//! 3. Carry the action out: [`Action::HandOver`] uploads the row's local pictures with
//!    [`hand_over`](crate::media::hand_over), whose values are passed as [`Event::HandedOver`]
//!    before anything is submitted; [`Action::Submit`] calls the component's `start`,
//!    [`Action::Poll`] its `poll`, [`Action::Cancel`] its `cancel`; [`Action::Download`]
//!    fetches the file.
//! 4. Turn the outcome into an event with [`of_start`], [`of_poll`] or [`of_cancel`], and pass
//!    that to [`decide`], as in 2.
//!
//! A node whose results are files may report a success that names none. Such a host turns
//! [`Event::Succeeded`] without `media` into [`Event::NoResult`]; else the output is the result.
//!
//! Before the bytes of a submit are sent, the host must call [`decide`] with
//! [`Event::SubmitReady`], commit the row, and send only if the action is
//! [`Action::AllowSubmit`]; see [`SubmitHook`](crate::egress::SubmitHook). The same holds for the
//! changing request of a cancellation, with [`Event::CancelReady`] and [`Action::AllowCancel`]: it
//! can cost money too. The host passes the row's `submit_path` to the call with
//! [`CallContext::with_submit_path`](crate::component::CallContext::with_submit_path), so that no
//! cancellation is sent where the job was bought. When the host starts after another process has
//! ended, it passes [`Event::Orphaned`] for each row in state `submitting`. Without
//! these rules a job could be paid for twice.
//!
//! All functions are pure: they read no clock and change nothing.
//!
//! # Example
//!
//! A new job is submitted, and its row is committed before the bytes leave:
//!
//! ```
//! use zoetrope_host::driver::pure::{Action, Event, decide};
//! use zoetrope_host::ledger::{Job, JobSpec, State, Target};
//!
//! let spec = JobSpec {
//!     id: "01".into(),
//!     node: "image_to_video".into(),
//!     raw_input: "{}".into(),
//!     raw_input_sha256: String::new(),
//!     input: "{}".into(),
//!     component: String::new(),
//!     connection: "pixelml".into(),
//!     provider_origin: "https://api.example.com".into(),
//!     key: "order-66".into(),
//!     idempotency_ms: 0,
//!     created_at: 1_000,
//! };
//! let target = Target::File("/clips/1.mp4".into());
//! let job = Job::new(spec, target, "this process".into(), 60_000);
//!
//! let (job, action) = decide(&job, Event::Due, 2_000);
//! assert_eq!(action, Action::Submit);
//! let ready = Event::SubmitReady {
//!     sha256: "…".into(),
//!     keyed: true,
//!     account: None,
//!     path: "/v1/jobs".into(),
//! };
//! let (job, action) = decide(&job, ready, 2_001);
//! assert_eq!((job.state(), action), (State::Submitting, Action::AllowSubmit));
//! ```

pub use super::backoff::{bounded, jittered, longer};
pub use super::classify::{job_error, of_cancel, of_poll, of_start};
pub use super::clock::Time;
pub use super::decide::{
    GRACE, NO_RESULT, UNRECOGNIZED, UPLOADS_LAST, decide, may_resolve, may_retry, may_submit,
    must_hand_over, uploads_since,
};
pub use super::event::{Action, Event, PollFailure, SubmitFailure};
