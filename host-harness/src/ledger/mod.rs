//! The durable jobs: what a row holds.

mod row;

pub use row::{Cost, Job, Media, Millis, Order, State, Trouble};
