//! What a reply to a component may take.

use super::budget::Reserved;

/// The longest body of a reply, and the memory that it takes.
pub(super) struct ReplyCapacity {
    /// Longest JSON text: it can hold a clip. Any other body has the usual limit.
    pub(super) longest: u64,
    /// The memory. It is that of the body when the body is collected.
    pub(super) reserved: Reserved,
}
