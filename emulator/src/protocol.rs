//! The protocols that the practice provider speaks.

use axum::http::HeaderName;

/// The header of an idempotency key on the `jobs` wire.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The price of a `ShortAPI` job in dollars: four seconds at 0.048 each.
pub(crate) const SHORTAPI_AMOUNT: &str = "0.192";

/// The cost of a successful `AgenticFlow` run, in credits.
pub(crate) const AGENTICFLOW_COST: u32 = 10;

/// A protocol of the practice provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// The `jobs` wire of Zoetrope's `PixelML` connection.
    PixelMl,
    /// The `agenticflow` wire of the same connection: `AgenticFlow`'s API for workflow runs.
    AgenticFlow,
    /// `ShortAPI`.
    ShortApi,
    /// `PopiArt`.
    PopiArt,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::PixelMl,
        Self::AgenticFlow,
        Self::ShortApi,
        Self::PopiArt,
    ];

    /// The protocol that a connection of this category speaks without options.
    #[must_use]
    pub fn of_category(category: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.category() == category)
    }

    /// Its connection category.
    #[must_use]
    pub fn category(self) -> &'static str {
        match self {
            Self::PixelMl | Self::AgenticFlow => "pixelml",
            Self::ShortApi => "shortapi",
            Self::PopiArt => "popiart",
        }
    }

    /// The options of a connection that speaks this protocol, in TOML; `None` where the protocol is
    /// that of a connection of its category without options.
    #[must_use]
    pub fn options(self) -> Option<&'static str> {
        match self {
            Self::AgenticFlow => Some("{ wire = \"agenticflow\", workflow_id = \"practice\" }"),
            Self::PixelMl | Self::ShortApi | Self::PopiArt => None,
        }
    }

    /// The base URL of a connection, from [`Practice::base_url`](crate::Practice::base_url).
    #[must_use]
    pub fn base_url(self, practice: &str) -> String {
        match self {
            Self::PixelMl | Self::AgenticFlow | Self::ShortApi => practice.to_owned(),
            Self::PopiArt => format!("{practice}/popiart/v1"),
        }
    }

    /// Whether a repeated submission with the same idempotency key creates no second job.
    #[must_use]
    pub fn honours_keys(self) -> bool {
        match self {
            Self::PixelMl | Self::PopiArt => true,
            Self::AgenticFlow | Self::ShortApi => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_names_its_protocol_without_options() {
        for protocol in Protocol::ALL {
            let of_category = Protocol::of_category(protocol.category());
            assert_eq!(of_category == Some(protocol), protocol.options().is_none());
        }
        assert_eq!(Protocol::of_category("PixelML"), None);
    }
}
