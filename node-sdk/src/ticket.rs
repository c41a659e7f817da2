//! The ticket of a job.

use serde_json::{Value, json};

use crate::bindings::NodeError;
use crate::json;

/// The ticket's version; a ticket of another version is refused.
const VERSION: u64 = 1;

/// Identifies a job at a provider. Holds no credential and no address, so that it may be
/// stored and shown anywhere, and stays valid when the provider's address changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The node type that was run.
    pub node: String,
    /// Id of the connection that it was started on.
    pub connection: String,
    /// The provider's protocol that it was started with.
    pub wire: String,
    /// The provider's own id of the job.
    pub job: String,
}

impl Ticket {
    /// A ticket of this version.
    pub fn new(node: &str, connection: &str, wire: &str, job: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            connection: connection.into(),
            wire: wire.into(),
            job: job.into(),
        }
    }

    /// Reads [`Ticket::encode`]'s text.
    ///
    /// # Errors
    ///
    /// `bad-ticket` when the text is not a ticket, is of another version, or has a repeated or
    /// unknown name.
    pub fn decode(text: &str) -> Result<Self, NodeError> {
        let foreign = || NodeError::bad_ticket("this is not a ticket that this component made");
        let document = json::parse(text).map_err(|_| foreign())?;
        let version = document["v"].as_u64().ok_or_else(foreign)?;
        if version != VERSION {
            return Err(NodeError::bad_ticket(format!(
                "the ticket is of version {version}, this component reads version {VERSION}"
            )));
        }
        let text = |name: &str| {
            document[name]
                .as_str()
                .map(String::from)
                .ok_or_else(foreign)
        };
        let ticket = Self {
            node: text("node")?,
            connection: text("connection")?,
            wire: text("wire")?,
            job: text("job")?,
        };
        if ticket.document() == document {
            Ok(ticket)
        } else {
            Err(foreign())
        }
    }

    /// The ticket as the contract carries it.
    #[must_use]
    pub fn encode(&self) -> String {
        json::text(&self.document())
    }

    fn document(&self) -> Value {
        json!({
            "v": VERSION,
            "node": self.node,
            "connection": self.connection,
            "wire": self.wire,
            "job": self.job,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::ErrorCause;

    #[test]
    fn ticket_survives_encoding_and_decoding() {
        let ticket = Ticket::new("image_to_video", "pixelml", "jobs", "job-\u{e9}/1");
        assert_eq!(Ticket::decode(&ticket.encode()), Ok(ticket));
    }

    #[test]
    fn other_documents_are_bad_tickets() {
        let other_version = Ticket::new("n", "c", "w", "j")
            .encode()
            .replace("\"v\":1", "\"v\":2");
        let whole = Ticket::new("n", "c", "w", "j").encode();
        let twice = whole.replace("\"v\":1", "\"v\":1,\"job\":\"i\"");
        let more = whole.replace("\"v\":1", "\"v\":1,\"base_url\":\"i\"");
        for text in ["", "{}", "[1]", "null", &other_version, &twice, &more] {
            let error = Ticket::decode(text).unwrap_err();
            assert!(matches!(error.cause, ErrorCause::BadTicket(_)));
        }
    }
}
