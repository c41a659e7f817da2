//! What every error of this crate has in common.

use std::error::Error;

/// An error and its causes, as one sentence. A cause whose text the error above it ends
/// with already is not repeated.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !words.ends_with(&said) {
            words = format!("{words}: {said}");
        }
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the file cannot be read")]
    struct Unreadable(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("no key: {0}")]
    struct NoKey(#[source] Unreadable);

    #[test]
    fn chain_names_each_cause_once() {
        let inner = Unreadable(io::Error::other("disk full"));
        assert_eq!(chain(&inner), "the file cannot be read: disk full");
        let outer = NoKey(inner);
        assert_eq!(chain(&outer), "no key: the file cannot be read: disk full");
    }
}
