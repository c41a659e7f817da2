//! The providers, one file or folder each, as pure functions of requests and replies: no file
//! here sends, waits or has state. The SDK's `job` sends the requests.

mod clips;
mod envelope;
pub mod pixelml;
pub mod popiart;
pub mod shortapi;
mod status;
