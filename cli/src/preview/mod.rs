//! What a run would send, without sending it.
//!
//! - [`provider`]: the provider for which requests are shown
//! - [`requests`]: the requests of a run, in order, and its cost

mod provider;
mod requests;

pub(crate) use provider::Provider;
pub(crate) use requests::{Answer, Requests};
