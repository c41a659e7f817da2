//! The protocols that the practice provider speaks.

use axum::http::HeaderName;

/// The header of an idempotency key on the `jobs` wire.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A protocol of the practice provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// The `jobs` wire of Zoetrope's `PixelML` connection.
    PixelMl,
    /// `ShortAPI`.
    ShortApi,
    /// `PopiArt`.
    PopiArt,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PixelMl, Self::ShortApi, Self::PopiArt];

    /// The protocol of a connection category.
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
            Self::PixelMl => "pixelml",
            Self::ShortApi => "shortapi",
            Self::PopiArt => "popiart",
        }
    }

    /// The base URL of a connection, from [`Practice::base_url`](crate::Practice::base_url).
    #[must_use]
    pub fn base_url(self, practice: &str) -> String {
        match self {
            Self::PixelMl | Self::ShortApi => practice.to_owned(),
            Self::PopiArt => format!("{practice}/popiart/v1"),
        }
    }

    /// Whether a repeated submission with the same idempotency key creates no second job.
    #[must_use]
    pub fn honours_keys(self) -> bool {
        match self {
            Self::PixelMl | Self::PopiArt => true,
            Self::ShortApi => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_names_its_protocol() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::of_category(protocol.category()), Some(protocol));
        }
        assert_eq!(Protocol::of_category("PixelML"), None);
    }
}
