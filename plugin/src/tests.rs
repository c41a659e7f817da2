//! The nodes of this pack through the SDK's functions.

mod job;
mod profile;
mod run;
