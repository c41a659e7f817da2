//! The options of a connection to PopiArt.

use zoetrope_node_sdk::bindings::{Connection, NodeError};
use zoetrope_node_sdk::options::Reader;

/// The options as JSON Schema.
pub(super) const SCHEMA: &str = include_str!("../../../../schemas/connections/popiart.json");

pub(super) struct Options {
    pub(super) project_id: String,
    pub(super) id_header: String,
    pub(super) shortest_clip_s: f64,
    pub(super) visibility: String,
}

impl Options {
    pub(super) fn read(connection: &Connection) -> Result<Self, NodeError> {
        let mut given = Reader::new(connection);
        let options = Self {
            project_id: given.text("project_id", ""),
            id_header: given.text("id_header", ""),
            shortest_clip_s: given.positive("shortest_clip_s", SHORTEST_CLIP_S),
            visibility: given.text("visibility", "private"),
        };
        given.finish(connection)?;
        Ok(options)
    }
}

/// PopiArt documents: "For now, pass 5 or greater".
const SHORTEST_CLIP_S: f64 = 5.0;

/// The shortest permitted clip in seconds, by the connection's options or by default.
///
/// # Errors
///
/// `connection-unavailable` when the options cannot be read.
pub fn shortest_clip_s(connection: Option<&Connection>) -> Result<f64, NodeError> {
    connection.map_or(Ok(SHORTEST_CLIP_S), |connection| {
        Options::read(connection).map(|options| options.shortest_clip_s)
    })
}
