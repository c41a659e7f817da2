//! Tests this pack's nodes through the SDK's functions.

mod forms;
mod job;
mod profile;
mod run;
