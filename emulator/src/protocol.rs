//! The wires that the practice provider speaks.

/// A wire, by the category of the connections that speak it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The plain job protocol of `pixelml` connections.
    PixelMl,
    /// `shortapi`.
    ShortApi,
    /// `popiart`.
    PopiArt,
}

impl Protocol {
    /// The wire of connections of this category, if it is spoken here.
    #[must_use]
    pub fn of_category(category: &str) -> Option<Self> {
        match category {
            "pixelml" => Some(Self::PixelMl),
            "shortapi" => Some(Self::ShortApi),
            "popiart" => Some(Self::PopiArt),
            _ => None,
        }
    }

    /// The connection's base URL, where `practice` is [`Practice::base_url`](crate::Practice::base_url).
    #[must_use]
    pub fn base_url(self, practice: &str) -> String {
        match self {
            Self::PixelMl | Self::ShortApi => practice.to_owned(),
            Self::PopiArt => format!("{practice}/popiart/v1"),
        }
    }

    /// Whether the same idempotency key gives the same job.
    #[must_use]
    pub fn honours_keys(self) -> bool {
        matches!(self, Self::PixelMl | Self::PopiArt)
    }
}
