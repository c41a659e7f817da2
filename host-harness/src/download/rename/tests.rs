//! A file system is one whose calls fail as they do there; `tests/file_systems.rs` runs the program
//! on the system's own errors.

use std::fs;
use std::path::PathBuf;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with a complete unfinished file.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("folder"));
        fs::write(folder.part(), "the clip").expect("write");
        folder
    }

    fn part(&self) -> PathBuf {
        self.0.path().join("clip.mp4.job.part")
    }

    fn target(&self) -> PathBuf {
        self.0.path().join("clip.mp4")
    }

    fn name(&self, calls: &Calls) -> io::Result<Way> {
        calls.name_new(&self.part(), &self.target())
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.path()).expect("folder").count()
    }
}

fn fails(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::other("not on this file system"))
}

fn crosses(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::CrossesDevices.into())
}

const NO_RENAME_NEW: Calls = Calls {
    rename_new: fails,
    ..Calls::SYSTEM
};

/// exFAT, and some FUSE mounts.
const NEITHER: Calls = Calls {
    link: fails,
    ..NO_RENAME_NEW
};

/// The target is on another mount.
const ANOTHER_MOUNT: Calls = Calls {
    rename_new: crosses,
    link: crosses,
    rename: crosses,
};

#[test]
fn file_gets_its_name_on_every_file_system() {
    for (calls, expected) in [
        (Calls::SYSTEM, Way::Exclusive),
        (NO_RENAME_NEW, Way::Exclusive),
        (NEITHER, Way::Reserved),
        (ANOTHER_MOUNT, Way::Copied),
    ] {
        let folder = Folder::new();
        assert_eq!(folder.name(&calls).expect("a name"), expected);
        assert_eq!(fs::read(folder.target()).expect("read"), b"the clip");
        let is_copied = expected == Way::Copied;
        assert_eq!(folder.part().exists(), is_copied, "{expected:?}");
    }
}

#[test]
fn file_of_that_name_is_never_replaced() {
    for calls in [Calls::SYSTEM, NO_RENAME_NEW, NEITHER, ANOTHER_MOUNT] {
        for content in ["mine", "", "zoetrope: reserved for another.part\n"] {
            let folder = Folder::new();
            fs::write(folder.target(), content).expect("write");
            let error = folder.name(&calls);
            // A copy of a rename's error is no reason to look no further.
            let error = error.expect_err("it is taken");
            assert!(
                is_taken(&error) || error.kind() == io::ErrorKind::CrossesDevices,
                "{error:?}"
            );
            let kept = fs::read_to_string(folder.target()).expect("read");
            assert_eq!((kept.as_str(), folder.part().exists()), (content, true));
        }
    }
}

#[test]
fn own_reservation_of_a_killed_process_is_taken_up() {
    for calls in [NEITHER, ANOTHER_MOUNT] {
        let folder = Folder::new();
        fs::write(folder.target(), reservation(&folder.part())).expect("write");
        folder.name(&calls).expect("a name");
        assert_eq!(fs::read(folder.target()).expect("read"), b"the clip");
    }
}

#[test]
fn part_that_is_missing_leaves_no_reservation() {
    for calls in [Calls::SYSTEM, NO_RENAME_NEW, NEITHER] {
        let folder = Folder::new();
        fs::remove_file(folder.part()).expect("remove");
        folder.name(&calls).expect_err("it is missing");
        assert_eq!(folder.files(), 0);
    }
}

#[test]
fn replaced_file_on_another_mount_gets_a_copy() {
    let folder = Folder::new();
    fs::write(folder.target(), "a longer file that is replaced").expect("write");
    for _ in 0..2 {
        let way = ANOTHER_MOUNT.replace(&folder.part(), &folder.target());
        assert_eq!(way.expect("a copy"), Way::Copied);
        assert_eq!(fs::read(folder.target()).expect("read"), b"the clip");
        fs::remove_file(folder.target()).expect("remove");
    }
    let other = Calls {
        rename: fails,
        ..ANOTHER_MOUNT
    };
    fs::write(folder.target(), "mine").expect("write");
    other
        .replace(&folder.part(), &folder.target())
        .expect_err("no reason to write into it");
    assert_eq!(fs::read(folder.target()).expect("read"), b"mine");
    assert!(folder.part().exists());
}
