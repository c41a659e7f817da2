//! Drives jobs to their end: what can happen ([`event`]), what happens next ([`decide`]),
//! and when ([`pace`]).

pub mod decide;
pub mod event;
pub mod pace;
