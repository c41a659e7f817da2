//! Local pictures: what they are, and how they get to the provider as the component
//! says. Their bytes never enter the component.

pub mod file_url;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::component::{CallContext, CallError, Pack};
use crate::contract::{LocalFile, Step};
use crate::egress::{EgressError, LocalPart};
use crate::file_type::{self, FileType};

/// Steps that a hand-over may take: providers with a presigned upload need two requests
/// and a last word.
const STEPS: usize = 4;

/// Longest picture that is put into an input as base64, in bytes; it becomes a third
/// longer, and the component holds the input several times over within its memory.
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
    /// The file is something else.
    #[error("`{}` is no picture but {what}", path.display())]
    NotAPicture {
        /// The file.
        path: PathBuf,
        /// What it is, as far as its first bytes tell.
        what: String,
    },
    /// The component's own error, or a call that failed.
    #[error("the picture cannot be handed over")]
    Call(#[from] CallError),
    /// There is no connection to upload over.
    #[error("the picture cannot be uploaded without a connection")]
    NoConnection,
    /// The upload failed.
    #[error("the picture could not be uploaded")]
    Upload(#[source] EgressError),
    /// Too long to be part of a request.
    #[error("`{}` is longer than the {limit} bytes that fit into a request", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The component goes in circles.
    #[error("the component wants more than {STEPS} steps to take a picture")]
    Steps,
    /// The component's value for the field is no JSON.
    #[error("the component's value for the picture is no JSON")]
    Value(#[source] serde_json::Error),
}

impl Picture {
    /// Looks at the file at `path`: PNG, JPEG, WebP, GIF or BMP by its first bytes.
    /// Whether the node and its provider take that kind is theirs to say.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is no picture.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        let unreadable = |source| MediaError::Read {
            path: path.to_owned(),
            source,
        };
        // Asked before it is opened: a pipe without a writer would be waited for.
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            return Err(unreadable(io::Error::other("it is no regular file")));
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

    /// Where it is.
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

/// Hands `picture` over for the input field of `node` at the JSON Pointer `field`, as
/// the component says: uploads it over the context's connection, or puts it into the
/// input. The value for the field.
///
/// # Errors
///
/// When component or provider refuse it, or the upload fails.
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
            Step::Value(json) => return serde_json::from_str(&json).map_err(MediaError::Value),
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
            .await?;
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
    fn the_header_says_what_a_picture_is_not_its_name() {
        let picture = opened("photo.jpg", b"\x89PNG\r\n\x1a\n----").expect("picture");
        assert_eq!(picture.media_type(), "image/png");
        assert_eq!(picture.byte_length(), 12);
        assert_eq!(picture.file_name(), "photo.jpg");
    }

    #[test]
    fn what_is_no_picture_is_named() {
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
