//! The practice provider over real HTTP on a loopback port.

mod agenticflow;
mod billing;
mod connections;
mod documented;
mod faults;
mod forms;
mod instant;
mod pictures;
mod popiart;
mod restarts;
mod shortapi;
mod support;
mod wire;
