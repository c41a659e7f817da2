//! How the connection of a rule's request ends.

use super::super::values::Moment;
use super::Written;
use crate::connection::Disconnect;

impl Written {
    /// How the connection ends: without an answer, or after a number of bytes of the body.
    #[expect(clippy::type_complexity, reason = "two optional plain values")]
    pub(super) fn disconnect(
        &self,
    ) -> Result<(Option<Disconnect>, Option<(usize, Disconnect)>), String> {
        let (moment, how) = match (self.close, self.reset) {
            (Some(_), Some(_)) => return Err("a rule has `close` or `reset`, not both".to_owned()),
            (Some(moment), None) => (Some(moment), Disconnect::Close),
            (None, Some(moment)) => (Some(moment), Disconnect::Reset),
            (None, None) => (None, Disconnect::Close),
        };
        if self.after && moment == Some(Moment::Before) {
            return Err("`after` contradicts a connection that ends before the work".to_owned());
        }
        match (moment, self.truncate) {
            (Some(Moment::Before), Some(_)) => {
                Err("a connection that ends before the work has no reply to `truncate`".to_owned())
            }
            (_, Some(length)) => Ok((None, Some((length, how)))),
            (Some(_), None) if self.says_something() => {
                Err("a connection that ends without a reply cannot have one; \
                     `truncate` sends a part of it"
                    .to_owned())
            }
            (Some(_), None) => Ok((Some(how), None)),
            (None, None) => Ok((None, None)),
        }
    }

    /// Whether the rule sets or changes the reply.
    fn says_something(&self) -> bool {
        self.has_own_reply()
            || self.edits_json()
            || !self.headers.is_empty()
            || self.content_type.is_some()
            || self.id_in_header.is_some()
            || self.charset.is_some()
            || self.gzip
            || !self.encode.0.is_empty()
            || self.drip_ms.is_some()
            || self.expired
            || self.moved.is_some()
    }
}
