//! `data:` URLs that a component returns itself.

use bytes::BytesMut;

use super::encoded::Encoded;
use super::{Attachment, Attachments};

/// Why a `data:` URL has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DataUrlError {
    /// It is not a `data:` URL, or its base64 is not valid.
    #[error("the data: URL cannot be read")]
    Invalid,
    /// It holds too many bytes.
    #[error("the data: URL holds more than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: u64,
    },
}

impl Attachments {
    /// The bytes of a `data:` URL, up to `limit`.
    ///
    /// # Errors
    ///
    /// When `url` is not a valid `data:` URL, or holds more bytes.
    pub(crate) fn of_data_url(url: &str, limit: u64) -> Result<Attachment, DataUrlError> {
        let encoded = Encoded::in_url(url.as_bytes(), false).ok_or(DataUrlError::Invalid)?;
        if encoded.length as u64 > limit {
            return Err(DataUrlError::TooLong { limit });
        }
        let mut text = BytesMut::from(url);
        let place = encoded.decode(&mut text);
        Ok(Attachment {
            media_type: encoded.media_type,
            bytes: text.freeze().slice(place),
        })
    }
}
