//! The providers, one file or folder each, as pure functions of requests and replies: no file
//! here sends, waits or remembers. The SDK's `job` carries out what they say.

pub mod pixelml;
pub mod popiart;
pub mod shortapi;
