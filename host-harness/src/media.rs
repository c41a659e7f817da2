//! Local pictures: detects their type, and uploads them to the provider as the component
//! plans. Their bytes never enter the component.

pub mod file_url;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::component::{CallContext, CallError, Pack, with_file_length};
use crate::contract::{LocalFile, Step};
use crate::egress::{EgressError, LocalPart};
use crate::file_type::{self, FileType};
use crate::json;

/// Most steps of one upload: a presigned upload takes two requests and a final value.
const STEPS: usize = 4;

/// Longest picture that is put into an input as base64, in bytes. Base64 is a third longer,
/// and the component holds several copies of the input in its memory.
const INLINE: u64 = 14 << 20;

/// A picture on this machine. Only its header has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    path: PathBuf,
    media_type: &'static str,
    length: u64,
    name: String,
}

/// Why a local picture cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a picture.
    #[error("`{}` is not a picture but {what}", path.display())]
    NotAPicture {
        /// The file.
        path: PathBuf,
        /// Its type by its first bytes, with the article.
        what: String,
    },
    /// The component's error, or a call that failed.
    #[error("the component did not accept the picture")]
    Call(#[from] CallError),
    /// The call has no connection.
    #[error("the picture cannot be uploaded without a connection")]
    NoConnection,
    /// The upload failed.
    #[error("the picture could not be uploaded")]
    Upload(#[source] EgressError),
    /// The file is too long to be part of a request.
    #[error("`{}` is longer than the {limit} bytes that fit into a request", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The component asked for too many steps.
    #[error("the component asks for more than {STEPS} steps to upload a picture")]
    Steps,
    /// The component's value for the field is not JSON.
    #[error("the component's value for the picture is not JSON")]
    Value(#[source] serde_json::Error),
}

impl Picture {
    /// Reads the header of the file at `path`, which must be PNG, JPEG, WebP, GIF or BMP. The
    /// node and its provider may accept fewer types.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not a picture.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        let unreadable = |source| MediaError::Read {
            path: path.to_owned(),
            source,
        };
        // Checked before opening, which blocks on a pipe without a writer.
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            return Err(unreadable(io::Error::other("it is not a regular file")));
        }
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut header = Vec::new();
        file.take(file_type::HEADER as u64)
            .read_to_end(&mut header)
            .map_err(unreadable)?;
        match file_type::kind(&header) {
            FileType::Image(media_type) => Ok(Self {
                path: path.to_owned(),
                media_type,
                length: metadata.len(),
                name: file_name(path),
            }),
            other => Err(MediaError::NotAPicture {
                path: path.to_owned(),
                what: other.to_string(),
            }),
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `image/png`.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Its size in bytes.
    #[must_use]
    pub fn byte_length(&self) -> u64 {
        self.length
    }

    /// Its name without folders.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.name
    }

    fn inline(&self) -> Result<Value, MediaError> {
        if self.length > INLINE {
            return Err(MediaError::TooLong {
                path: self.path.clone(),
                limit: INLINE,
            });
        }
        let bytes = std::fs::read(&self.path).map_err(|source| MediaError::Read {
            path: self.path.clone(),
            source,
        })?;
        Ok(STANDARD.encode(bytes).into())
    }
}

/// Uploads `picture` over the context's connection, or encodes it as base64, as the component
/// plans. Returns the value of the input field of `node` at the JSON Pointer `field`.
///
/// # Errors
///
/// When the component or the provider refuses it, or the upload fails.
pub async fn hand_over(
    pack: &Pack,
    context: &CallContext,
    node: &str,
    field: &str,
    picture: &Picture,
) -> Result<Value, MediaError> {
    let file = LocalFile {
        media_type: picture.media_type.to_owned(),
        byte_length: picture.length,
        file_name: picture.name.clone(),
    };
    let mut step = pack.plan_upload(context, node, field, &file).await?;
    for _ in 0..STEPS {
        let plan = match step {
            Step::Value(value) => return json::parse(&value).map_err(MediaError::Value),
            Step::InlineBase64 => return picture.inline(),
            Step::Upload(plan) => plan,
        };
        let (Some(egress), Some(connection)) = (context.egress(), context.connection()) else {
            return Err(MediaError::NoConnection);
        };
        let part = LocalPart {
            path: &picture.path,
            name: &picture.name,
            media_type: picture.media_type,
            length: picture.length,
        };
        let reply = egress
            .upload(connection, &plan, part)
            .await
            .map_err(MediaError::Upload)?;
        step = pack
            .uploaded(context, node, field, reply.status, &reply.body)
            .await
            .map_err(|error| with_file_length(error, reply.status, picture.length))?;
    }
    Err(MediaError::Steps)
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.map_or_else(|| "picture".to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(name: &str, bytes: &[u8]) -> Result<Picture, MediaError> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("write");
        Picture::open(&path)
    }

    #[test]
    fn picture_type_is_detected_by_header_not_by_name() {
        let picture = opened("photo.jpg", b"\x89PNG\r\n\x1a\n----").expect("picture");
        assert_eq!(picture.media_type(), "image/png");
        assert_eq!(picture.byte_length(), 12);
        assert_eq!(picture.file_name(), "photo.jpg");
    }

    #[test]
    fn file_that_is_not_a_picture_is_rejected_with_its_type() {
        for (bytes, expected) in [
            (&b""[..], "an empty file"),
            (b"<!doctype html>", "an HTML page"),
            (b"{\"a\": 1}", "a JSON document"),
            (b"\0\0\0\x18ftypisom", "a video (video/mp4)"),
            (b"hello", "something else"),
        ] {
            match opened("photo.png", bytes) {
                Err(MediaError::NotAPicture { what, .. }) => assert_eq!(what, expected),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(
            Picture::open(Path::new("/nowhere/photo.png")),
            Err(MediaError::Read { .. })
        ));
    }

    #[test]
    fn inline_pictures_are_plain_base64() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.gif");
        std::fs::write(&path, b"GIF89a??").expect("write");
        let picture = Picture::open(&path).expect("picture");
        assert_eq!(
            picture.inline().expect("value"),
            Value::from("R0lGODlhPz8=")
        );
    }
}
