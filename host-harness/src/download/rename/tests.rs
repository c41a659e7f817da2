//! A file system is one whose calls fail as they do there; `tests/file_systems.rs` runs the program
//! on the system's own errors.

use std::fs;
use std::path::PathBuf;

use super::super::part::copy_of;
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

/// Does its work, and then reports an error, as network file systems do.
fn renames_and_fails(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    Err(io::Error::other("the connection to the server is lost"))
}

fn renames_and_is_missing(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    Err(io::ErrorKind::NotFound.into())
}

/// Another program takes the reserved name, and the rename fails.
fn is_overtaken(_: &Path, to: &Path) -> io::Result<()> {
    fs::write(to, "mine")?;
    Err(io::Error::other("the connection to the server is lost"))
}

#[test]
fn clip_stays_when_a_rename_that_worked_reports_an_error() {
    for rename in [renames_and_fails, renames_and_is_missing] {
        for calls in [
            Calls { rename, ..NEITHER },
            Calls {
                rename_new: rename,
                ..NEITHER
            },
        ] {
            let folder = Folder::new();
            folder.name(&calls).expect_err("it says so");
            assert_eq!(fs::read(folder.target()).expect("it stays"), b"the clip");
            assert_eq!(folder.files(), 1);
        }
        let folder = Folder::new();
        fs::write(folder.target(), "replaced").expect("write");
        let replaced = Calls { rename, ..NEITHER }.replace(&folder.part(), &folder.target());
        replaced.expect_err("it says so");
        assert_eq!(fs::read(folder.target()).expect("it stays"), b"the clip");
    }
}

#[test]
fn file_of_another_program_in_the_reserved_place_stays() {
    let folder = Folder::new();
    let calls = Calls {
        rename: is_overtaken,
        ..NEITHER
    };
    folder.name(&calls).expect_err("it is taken");
    assert_eq!(fs::read(folder.target()).expect("read"), b"mine");
    assert_eq!(fs::read(folder.part()).expect("read"), b"the clip");
}

/// As the kernel does: a taken name comes before a call that the file system lacks.
fn is_taken_or_fails(_: &Path, to: &Path) -> io::Result<()> {
    Err(if to.exists() {
        io::ErrorKind::AlreadyExists.into()
    } else {
        io::ErrorKind::Unsupported.into()
    })
}

#[test]
fn own_reservation_is_taken_up_where_the_taken_name_is_reported_first() {
    let calls = Calls {
        rename_new: is_taken_or_fails,
        link: is_taken_or_fails,
        ..Calls::SYSTEM
    };
    let folder = Folder::new();
    fs::write(folder.target(), reservation(&folder.part())).expect("write");
    assert_eq!(folder.name(&calls).expect("a name"), Way::Reserved);
    assert_eq!(fs::read(folder.target()).expect("read"), b"the clip");
    let folder = Folder::new();
    fs::write(folder.target(), "mine").expect("write");
    let taken = folder.name(&calls).expect_err("it is taken");
    assert!(is_taken(&taken));
    assert_eq!(fs::read(folder.target()).expect("read"), b"mine");
}

/// Fails for the unfinished file, and renames the copy that is beside the target.
fn crosses_from_part(from: &Path, to: &Path) -> io::Result<()> {
    if from
        .extension()
        .is_some_and(|extension| extension == "part")
    {
        return crosses(from, to);
    }
    // The copy is whole before the target is replaced.
    assert_eq!(fs::read(from).expect("a copy"), b"the clip");
    assert_ne!(fs::read(to).expect("the target"), b"the clip");
    fs::rename(from, to)
}

#[test]
fn copy_is_written_beside_the_target_and_renamed_over_it() {
    let calls = Calls {
        rename: crosses_from_part,
        ..ANOTHER_MOUNT
    };
    let folder = Folder::new();
    // Left by a process that was killed.
    fs::write(copy_of(&folder.part()), "the cl").expect("write");
    assert_eq!(folder.name(&calls).expect("a name"), Way::Copied);
    assert_eq!(folder.files(), 2, "the clip and the unfinished file");
    fs::write(folder.target(), "replaced").expect("write");
    let way = calls.replace(&folder.part(), &folder.target());
    assert_eq!(way.expect("a copy"), Way::Copied);
    assert_eq!(fs::read(folder.target()).expect("read"), b"the clip");
    assert_eq!(folder.files(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn failed_copy_leaves_the_file_that_it_would_replace() {
    // It can be opened, and not read.
    let folder = Folder::new();
    fs::write(folder.target(), "mine").expect("write");
    fs::remove_file(folder.part()).expect("remove");
    std::os::unix::fs::symlink("/proc/self/mem", folder.part()).expect("link");
    let refused = ANOTHER_MOUNT.replace(&folder.part(), &folder.target());
    refused.expect_err("it cannot be read");
    assert!(!copy_of(&folder.part()).exists());
    assert_eq!(fs::read(folder.target()).expect("read"), b"mine");
}

#[test]
fn copy_in_the_place_of_a_file_of_any_length_is_exact() {
    for there in [0, 10, 5000, 20_000] {
        for length in [10, 4096, 6000, 30_000] {
            let folder = Folder::new();
            let clip: Vec<u8> = (0..length).map(|at: u32| at.to_le_bytes()[0]).collect();
            fs::write(folder.part(), &clip).expect("write");
            fs::write(folder.target(), vec![0xff; there]).expect("write");
            let way = ANOTHER_MOUNT.replace(&folder.part(), &folder.target());
            assert_eq!(way.expect("a copy"), Way::Copied);
            assert!(fs::read(folder.target()).expect("read") == clip, "{there}");
            assert_eq!(folder.files(), 2);
        }
    }
}
