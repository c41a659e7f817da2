//! Reads small files that another user may have put in place: bounded, and without waiting for
//! a pipe.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use crate::text_file::NotText;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// The file is a symbolic link, and links are not followed here.
    #[error("it is a symbolic link, which is not followed here")]
    Link,
    /// The file is a symbolic link, and what it names does not exist.
    #[error("it is a symbolic link that leads nowhere")]
    DanglingLink,
    /// A folder, a pipe, a socket or a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// The file is longer than the limit.
    #[error("it is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// A pipe of the caller that has nothing to read. What was read once is gone.
    #[error("it is an empty pipe; a pipe can be read once")]
    EmptyPipe,
    /// The file is not text.
    #[error(transparent)]
    NotText(NotText),
    /// The system cannot open or read it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Whether a symbolic link at the path itself is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    Followed,
    Refused,
}

/// The content of a file, and its metadata while it was open.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: Metadata,
}

impl FileFault {
    /// This fault as an error of the system.
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            other => io::Error::other(other),
        }
    }
}

/// Reads a regular file of at most `limit` bytes. The file is opened once, and the
/// checks are made on the open file: a change of the path afterwards has no effect.
pub(crate) fn read(path: &Path, links: Links, limit: u64) -> Result<Content, FileFault> {
    let mut bytes = Vec::new();
    let metadata = read_into(&mut bytes, path, links, limit)?;
    Ok(Content { bytes, metadata })
}

/// Reads as [`read`] does, into `bytes`. They are not moved if their capacity is greater than
/// `limit`.
pub(crate) fn read_into(
    bytes: &mut Vec<u8>,
    path: &Path,
    links: Links,
    limit: u64,
) -> Result<Metadata, FileFault> {
    let (file, metadata) = open_regular(path, links)?;
    if metadata.len() > limit {
        return Err(FileFault::TooLong { limit });
    }
    file.take(limit + 1).read_to_end(bytes)?;
    if bytes.len() as u64 > limit {
        return Err(FileFault::TooLong { limit });
    }
    Ok(metadata)
}

/// Opens a regular file, without waiting for a pipe.
pub(crate) fn open_regular(path: &Path, links: Links) -> Result<(File, Metadata), FileFault> {
    open_with(OpenOptions::new().read(true), path, links)
}

/// Opens a regular file with these options, without waiting for a pipe. A new file is regular.
pub(crate) fn open_with(
    options: &mut OpenOptions,
    path: &Path,
    links: Links,
) -> Result<(File, Metadata), FileFault> {
    let file = open(options, path, links).map_err(|error| explained(path, links, error))?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok((file, metadata))
    } else {
        Err(FileFault::NotRegular)
    }
}

/// The reason of a failed open. A link that leads nowhere is not the same as no file.
fn explained(path: &Path, links: Links, error: io::Error) -> FileFault {
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    let metadata = std::fs::symlink_metadata(path);
    match metadata {
        Ok(metadata) if links == Links::Refused && metadata.is_symlink() => FileFault::Link,
        Ok(metadata) if is_missing && metadata.is_symlink() => FileFault::DanglingLink,
        Ok(metadata) if !metadata.is_file() && !metadata.is_symlink() => FileFault::NotRegular,
        _ => FileFault::Io(error),
    }
}

/// Opens without waiting: opening a pipe that has no writer would block.
#[cfg(unix)]
fn open(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    options.custom_flags(flags.bits().cast_signed()).open(path)
}

/// Opens the file. Where the system has no flag that refuses links, the link is looked for
/// first.
#[cfg(not(unix))]
fn open(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    if links == Links::Refused && std::fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    options.open(path)
}

/// How long the other end of a pipe may take to write a small file.
#[cfg(unix)]
const PIPE_TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// Reads at most `limit` bytes of a pipe that the caller of this process made and passed on:
/// `/dev/fd/63` in the place of a shell's `<(…)`, or `/dev/stdin`. A pipe with another name is
/// refused: no process may ever write to it.
#[cfg(unix)]
pub(crate) fn read_inherited_pipe(path: &Path, limit: u64) -> Result<Vec<u8>, FileFault> {
    use std::os::unix::fs::FileTypeExt as _;
    use std::time::{Duration, Instant};

    if !is_inherited(path) {
        return Err(FileFault::NotRegular);
    }
    let mut file = open(OpenOptions::new().read(true), path, Links::Followed)?;
    if !file.metadata()?.file_type().is_fifo() {
        return Err(FileFault::NotRegular);
    }
    let (begun, mut bytes, mut block) = (Instant::now(), Vec::new(), [0; 4 << 10]);
    loop {
        match file.read(&mut block) {
            Ok(0) if bytes.is_empty() => return Err(FileFault::EmptyPipe),
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock && begun.elapsed() < PIPE_TIME =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error.into()),
        }
        if bytes.len() as u64 > limit {
            return Err(FileFault::TooLong { limit });
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn read_inherited_pipe(_: &Path, _: u64) -> Result<Vec<u8>, FileFault> {
    Err(FileFault::NotRegular)
}

/// Whether a path names a descriptor of this process by its number, or its standard input: the
/// `/dev/fd/63` of a shell's `<(…)` is one. Such a path names nothing after the process has ended.
#[must_use]
pub fn is_inherited(path: &Path) -> bool {
    let number = ["/dev/fd", "/proc/self/fd"]
        .into_iter()
        .find_map(|folder| path.strip_prefix(folder).ok()?.to_str());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    path == Path::new("/dev/stdin") || number.is_some_and(is_number)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn pipe_of_the_caller_is_read_once_and_one_with_a_name_is_refused() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        let path = Path::new(&path);
        let writing = std::thread::spawn(move || writer.write_all(b"content"));
        assert_eq!(read_inherited_pipe(path, 100).expect("read"), b"content");
        writing.join().expect("a thread").expect("written");
        let again = read_inherited_pipe(path, 100);
        assert!(matches!(again, Err(FileFault::EmptyPipe)), "{again:?}");

        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(&[b'x'; 101]).expect("written");
        drop(writer);
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let path = if cfg!(target_os = "linux") {
            path
        } else {
            format!("/dev/fd/{}", reader.as_raw_fd())
        };
        let long = read_inherited_pipe(Path::new(&path), 100);
        assert!(
            matches!(long, Err(FileFault::TooLong { limit: 100 })),
            "{long:?}"
        );

        let folder = tempfile::tempdir().expect("folder");
        let named = folder.path().join("pipe");
        testing::make_pipe(&named);
        for path in [
            named.as_path(),
            Path::new("/dev/fd/x"),
            Path::new("/dev/fd/"),
            Path::new("/dev/null"),
        ] {
            let refused = read_inherited_pipe(path, 100);
            assert!(matches!(refused, Err(FileFault::NotRegular)), "{path:?}");
        }
    }
}

#[cfg(all(test, unix))]
pub(crate) mod testing {
    use std::path::Path;

    /// Creates a pipe without a writer: opening it would not return.
    pub(crate) fn make_pipe(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.expect("mkfifo").success());
    }
}
