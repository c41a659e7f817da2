//! A local picture: read once, checked, and sent as it was checked.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::error::MediaError;
use crate::bounded::{self, Links};
use crate::digest::Sha256Digest;
use crate::download::digest_of;
use crate::egress::{EgressError, LocalPart};
use crate::file_type::{self, FileType};
use crate::formats::format_of;
use crate::structure::{Damage, Structure};

/// Longest picture that is put into an input as base64, in bytes. Base64 is a third longer,
/// and the component holds several copies of the input in its memory.
const INLINE: u64 = 14 << 20;

/// The media types that the providers accept.
const ACCEPTED: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// A picture on this machine. It was read once, and nothing else is sent in its place: an
/// upload of a file that was changed since then fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// As the user gave it.
    path: PathBuf,
    /// Where its bytes are read.
    source: PathBuf,
    media_type: &'static str,
    length: u64,
    sha256: Sha256Digest,
    damage: Option<Damage>,
    name: String,
}

impl Picture {
    /// Reads the file at `path`, which must be PNG, JPEG or WebP. Blocks while it reads it, in
    /// pieces.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is of another type.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        let unreadable = |source| MediaError::Read {
            path: path.to_owned(),
            source,
        };
        let (mut file, _) = bounded::open_regular(path, Links::Followed)
            .map_err(|fault| unreadable(fault.into_io()))?;
        let mut header = Vec::new();
        file.by_ref()
            .take(file_type::HEADER as u64)
            .read_to_end(&mut header)
            .map_err(unreadable)?;
        let media_type = accepted(&header).map_err(|what| MediaError::Format {
            path: path.to_owned(),
            what,
        })?;
        let mut content = Content::of(media_type);
        content.take(&header);
        content.take_all(file).map_err(unreadable)?;
        Ok(Self {
            path: path.to_owned(),
            source: path.to_owned(),
            media_type,
            length: content.length,
            sha256: content.sha256.finalize().into(),
            damage: content.structure.and_then(Structure::end),
            name: file_name(path),
        })
    }

    /// The picture that is stored as this file, under the name of the user's file. Blocks as
    /// [`open`](Self::open).
    pub(crate) fn open_stored(source: &Path, name: &str) -> Result<Self, MediaError> {
        Ok(Self {
            path: name.into(),
            name: name.to_owned(),
            ..Self::open(source)?
        })
    }

    /// Opens its file again, without waiting for a pipe that it may have become.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or is no regular file any more.
    pub fn open_source(&self) -> Result<std::fs::File, MediaError> {
        let opened = bounded::open_regular(&self.source, Links::Followed);
        let (file, _) = opened.map_err(|fault| self.unreadable(fault.into_io()))?;
        Ok(file)
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

    /// Its digest.
    #[must_use]
    pub fn sha256(&self) -> &Sha256Digest {
        &self.sha256
    }

    /// Why a provider may not be able to read it; `None` if its structure is complete.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// The file, for an upload.
    pub(crate) fn part(&self) -> LocalPart<'_> {
        LocalPart {
            path: &self.source,
            name: &self.name,
            media_type: self.media_type,
            length: self.length,
            sha256: &self.sha256,
        }
    }

    /// The error of an upload: that the file was changed, if it was.
    pub(super) fn upload_failed(&self, error: EgressError) -> MediaError {
        let now = digest_of(&self.source).ok().flatten();
        if now.is_some_and(|now| now != self.sha256) {
            self.changed()
        } else {
            MediaError::Upload(error)
        }
    }

    pub(crate) fn unreadable(&self, source: io::Error) -> MediaError {
        MediaError::Read {
            path: self.path.clone(),
            source,
        }
    }

    pub(crate) fn changed(&self) -> MediaError {
        MediaError::Changed {
            path: self.path.clone(),
        }
    }

    /// Whether it is short enough to be part of a request.
    pub(super) fn fits_inline(&self) -> Result<(), MediaError> {
        if self.length > INLINE {
            return Err(MediaError::TooLong {
                path: self.path.clone(),
                limit: INLINE,
            });
        }
        Ok(())
    }

    /// Its bytes as base64.
    pub(crate) fn inline(&self) -> Result<Value, MediaError> {
        self.fits_inline()?;
        let mut bytes = Vec::new();
        let mut file = self.open_source()?.take(self.length + 1);
        let read = file.read_to_end(&mut bytes);
        read.map_err(|source| self.unreadable(source))?;
        if Sha256Digest::from(Sha256::digest(&bytes)) != self.sha256 {
            return Err(self.changed());
        }
        Ok(STANDARD.encode(bytes).into())
    }
}

/// The media type of a file that begins with `header`, if providers accept it; else what it is.
pub(super) fn accepted(header: &[u8]) -> Result<&'static str, String> {
    match file_type::kind(header) {
        FileType::Image(media_type) if ACCEPTED.contains(&media_type) => Ok(media_type),
        FileType::Image(media_type) | FileType::Video(media_type) => {
            let known = format_of(media_type).map(|known| known.name.to_owned());
            Err(known.unwrap_or_else(|| media_type.to_owned()))
        }
        FileType::Other => Err("not a picture".into()),
        other => Err(other.to_string()),
    }
}

/// What is learnt from a picture while it is read.
struct Content {
    length: u64,
    sha256: Sha256,
    structure: Option<Structure>,
}

impl Content {
    fn of(media_type: &str) -> Self {
        Self {
            length: 0,
            sha256: Sha256::new(),
            structure: Structure::of(media_type),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.sha256.update(bytes);
        if let Some(structure) = &mut self.structure {
            structure.take(bytes);
        }
    }

    fn take_all(&mut self, mut source: impl Read) -> io::Result<()> {
        let mut block = vec![0; 64 << 10];
        loop {
            match source.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(count) => self.take(&block[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
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
    fn file_of_another_format_is_rejected_with_its_name() {
        for (bytes, expected) in [
            (&b""[..], "an empty file"),
            (b"<!doctype html>", "an HTML page"),
            (b"{\"a\": 1}", "a JSON document"),
            (b"\0\0\0\x18ftypisom", "an MP4"),
            (b"II*\0\x08\0\0\0", "a TIFF"),
            (b"\0\0\0\x18ftypheic", "a HEIC"),
            (b"\0\0\0\x1cftypavif", "an AVIF"),
            (b"<svg/>", "an SVG"),
            (b"%PDF-1.7", "a PDF"),
            (b"GIF89a??", "a GIF"),
            (b"BM\x10\0\0\0\0\0\0\0", "a BMP"),
            (b"hello", "not a picture"),
        ] {
            match opened("photo.png", bytes) {
                Err(error @ MediaError::Format { .. }) => {
                    let text = error.to_string();
                    let said = format!(
                        "photo.png` is {expected}; the provider accepts PNG, JPEG and WebP"
                    );
                    assert!(text.ends_with(&said), "{text}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(
            Picture::open(Path::new("/nowhere/photo.png")),
            Err(MediaError::Read { .. })
        ));
    }

    #[test]
    fn picture_is_read_once_with_its_digest_and_damage() {
        let bytes = b"\xff\xd8\xff\xc0\0\x02\xff\xda\0\x02data\xff\xd9";
        let whole = opened("a.jpg", bytes).expect("picture");
        assert_eq!(whole.damage(), None);
        let expected = Sha256Digest::from(Sha256::digest(bytes));
        assert_eq!(whole.sha256(), &expected);
        let cut = opened("a.jpg", &bytes[..bytes.len() - 2]).expect("picture");
        assert!(matches!(cut.damage(), Some(Damage::Truncated(_))));
    }

    #[cfg(unix)]
    #[test]
    fn picture_that_became_a_pipe_is_an_error_and_does_not_block() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.jpg");
        std::fs::write(&path, b"\xff\xd8\xff??").expect("write");
        let picture = Picture::open(&path).expect("picture");
        std::fs::remove_file(&path).expect("remove");
        crate::bounded::testing::make_pipe(&path);
        assert!(matches!(Picture::open(&path), Err(MediaError::Read { .. })));
        assert!(matches!(picture.inline(), Err(MediaError::Read { .. })));
    }

    #[test]
    fn inline_pictures_are_plain_base64_of_the_checked_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.jpg");
        std::fs::write(&path, b"\xff\xd8\xff??").expect("write");
        let picture = Picture::open(&path).expect("picture");
        assert_eq!(picture.inline().expect("value"), Value::from("/9j/Pz8="));
        std::fs::write(&path, b"\xff\xd8\xff?!").expect("write");
        assert!(matches!(picture.inline(), Err(MediaError::Changed { .. })));
    }
}
