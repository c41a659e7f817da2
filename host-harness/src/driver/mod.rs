//! Drives jobs to their end: what happens next ([`decide`]) and when ([`pace`]).

pub mod decide;
pub mod pace;
