//! Replaces a regular file by a copy of a file on another mount.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::download::files::folder_of;
use crate::download::part::copy_of;
use crate::download::regular::{new_beside, open_existing, open_to_read, remove};
use crate::durable::sync_file;

/// Writes a copy of `part` beside the regular file `target`, and renames it over `target`.
///
/// If no copy can be created there, or `is_in_the_way` says so of the rename's error, the copy is
/// written into `target` itself.
///
/// # Errors
///
/// When reading or writing fails. `target` stays as it was, but for an error of the disk while its
/// own bytes are overwritten; the error then says so.
pub(super) fn fill(
    rename: fn(&Path, &Path) -> io::Result<()>,
    part: &Path,
    target: &Path,
    is_in_the_way: impl Fn(&io::Error) -> bool,
) -> io::Result<()> {
    let copy = folder_of(target).join(copy_of(part).file_name().unwrap_or_default());
    let mut from = open_to_read(part)?;
    // Left by a process that was interrupted.
    remove(&copy);
    let created = new_beside(target).open(&copy);
    // The folder may take no file.
    let Ok(mut to) = created else {
        return fill_in_place(&mut from, target);
    };
    let written = io::copy(&mut from, &mut to).and_then(|_| sync_file(&to));
    drop(to);
    let renamed = written.and_then(|()| match rename(&copy, target) {
        Err(error) if is_in_the_way(&error) => fill_in_place(&mut from, target),
        renamed => renamed,
    });
    remove(&copy);
    renamed
}

/// Writes `from` into the regular file `target`: first what is longer than it, so that a full disk
/// leaves its bytes.
fn fill_in_place(from: &mut File, target: &Path) -> io::Result<()> {
    let mut to = open_existing(target)?;
    let there = to.metadata()?.len();
    let length = from.metadata()?.len();
    if length > there {
        let appended = copy_range(from, &mut to, there, length).and_then(|()| sync_file(&to));
        if let Err(error) = appended {
            to.set_len(there)?;
            return Err(error);
        }
    }
    let kept = RESERVATION.min(length).min(there);
    let written = copy_range(from, &mut to, kept, length.min(there))
        .and_then(|()| copy_range(from, &mut to, 0, kept))
        .and_then(|()| to.set_len(length))
        .and_then(|()| sync_file(&to));
    written.map_err(|error| {
        let text = format!("{error}; a part of what the file had before is overwritten");
        io::Error::new(error.kind(), text)
    })
}

/// The beginning that is overwritten last: it is longer than a reservation.
const RESERVATION: u64 = 4 << 10;

fn copy_range(from: &mut File, to: &mut File, begin: u64, end: u64) -> io::Result<()> {
    from.seek(SeekFrom::Start(begin))?;
    to.seek(SeekFrom::Start(begin))?;
    let copied = io::copy(&mut from.take(end - begin), to)?;
    if copied == end - begin {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
