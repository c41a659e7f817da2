use std::fs;
use std::path::PathBuf;

use super::*;

const CLIP: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0isommp42";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).expect("write");
        self.path(name)
    }

    /// A complete unfinished file, and its target.
    fn ready(&self) -> (PathBuf, PathBuf) {
        (self.write("clip.mp4.job.part", CLIP), self.path("clip.mp4"))
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("folder");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("entry").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }
}

fn of(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::from(Sha256::digest(bytes))
}

#[test]
fn part_lies_beside_its_target() {
    let part = part_of(Path::new("/clips/clip.mp4"), "0199");
    assert_eq!(part, Path::new("/clips/clip.mp4.0199.part"));
}

#[test]
fn digests_are_of_whole_regular_files() {
    let folder = Folder::new();
    let long = vec![7; 200_000];
    let path = folder.write("file", &long);
    assert_eq!(digest_of(&path).expect("read"), Some(of(&long)));
    assert_eq!(digest_of(&folder.path("none")).expect("none"), None);
    digest_of(folder.0.path()).expect_err("a folder has none");
}

#[test]
fn existing_target_is_replaced_only_with_force() {
    let folder = Folder::new();
    let (part, target) = folder.ready();
    folder.write("clip.mp4", b"mine");
    let outcome = finalize(&part, &target, &of(CLIP), false);
    assert!(matches!(
        outcome,
        Err(DownloadError::Target(TargetError::Exists { .. }))
    ));
    assert_eq!(fs::read(&target).expect("read"), b"mine");
    assert_eq!(fs::read(&part).expect("it stays"), CLIP);
    finalize(&part, &target, &of(CLIP), true).expect("replaced");
    assert_eq!(fs::read(&target).expect("read"), CLIP);
    assert_eq!(folder.files(), ["clip.mp4"]);
}

#[test]
fn folder_is_never_replaced() {
    for force in [false, true] {
        let folder = Folder::new();
        let (part, target) = folder.ready();
        fs::create_dir(&target).expect("folder");
        let outcome = finalize(&part, &target, &of(CLIP), force);
        assert!(
            matches!(
                outcome,
                Err(DownloadError::Target(TargetError::IsAFolder { .. }))
            ),
            "{outcome:?}"
        );
        assert_eq!(fs::read(&part).expect("it stays"), CLIP);
    }
}

#[test]
fn place_after_a_crash_can_be_repeated() {
    for force in [false, true] {
        let folder = Folder::new();
        let (part, target) = folder.ready();
        finalize(&part, &target, &of(CLIP), force).expect("finalized");
        finalize(&part, &target, &of(CLIP), force).expect("finalized before the crash");
        // With a link and an unlink instead of a rename, both files may exist.
        folder.ready();
        finalize(&part, &target, &of(CLIP), force).expect("finalized halfway");
        assert_eq!(fs::read(&target).expect("read"), CLIP);
        assert_eq!(folder.files(), ["clip.mp4"]);
    }
}

#[test]
fn part_that_is_missing_or_changed_is_an_error() {
    for force in [false, true] {
        let folder = Folder::new();
        let (part, target) = folder.ready();
        fs::remove_file(&part).expect("removed");
        let outcome = finalize(&part, &target, &of(CLIP), force);
        assert!(matches!(outcome, Err(DownloadError::Gone { .. })));
        folder.write("clip.mp4", b"mine");
        let outcome = finalize(&part, &target, &of(CLIP), force);
        assert!(matches!(outcome, Err(DownloadError::Gone { .. })));
        folder.write("clip.mp4.job.part", b"changed");
        let outcome = finalize(&part, &target, &of(CLIP), force);
        assert!(matches!(outcome, Err(DownloadError::Altered { .. })));
        assert_eq!(fs::read(&target).expect("read"), b"mine");
        assert_eq!(folder.files(), ["clip.mp4"]);
    }
}

#[test]
fn place_into_a_missing_folder_keeps_the_part() {
    let folder = Folder::new();
    let (part, _) = folder.ready();
    let outcome = finalize(&part, &folder.path("gone/clip.mp4"), &of(CLIP), false);
    assert!(matches!(outcome, Err(DownloadError::Write { .. })));
    assert_eq!(fs::read(&part).expect("it stays"), CLIP);
}

#[cfg(unix)]
#[test]
fn symbolic_link_counts_neither_as_part_nor_as_placed_file() {
    let folder = Folder::new();
    let elsewhere = folder.write("elsewhere", CLIP);
    let (part, target) = (folder.path("clip.mp4.job.part"), folder.path("clip.mp4"));
    std::os::unix::fs::symlink(&elsewhere, &part).expect("link");
    let outcome = finalize(&part, &target, &of(CLIP), false);
    assert!(matches!(outcome, Err(DownloadError::Gone { .. })));
    fs::remove_file(&part).expect("removed");
    let (part, _) = folder.ready();
    std::os::unix::fs::symlink(&elsewhere, &target).expect("link");
    let outcome = finalize(&part, &target, &of(CLIP), false);
    assert!(matches!(
        outcome,
        Err(DownloadError::Target(TargetError::NotRegular { .. }))
    ));
}

#[cfg(unix)]
#[test]
fn target_that_became_special_is_not_replaced_and_the_part_stays() {
    for force in [false, true] {
        let folder = Folder::new();
        let (part, target) = folder.ready();
        check_target(&target, force).expect("free");
        crate::bounded::testing::make_pipe(&target);
        let outcome = finalize(&part, &target, &of(CLIP), force);
        assert!(
            matches!(
                outcome,
                Err(DownloadError::Target(TargetError::NotRegular { .. }))
            ),
            "{outcome:?}"
        );
        let metadata = fs::symlink_metadata(&target).expect("it stays");
        assert!(!metadata.is_file());
        assert_eq!(fs::read(&part).expect("it stays"), CLIP);
    }
}

#[test]
fn unverified_file_is_removed_once_the_clip_has_its_name() {
    let folder = Folder::new();
    let (part, target) = folder.ready();
    folder.write("clip.mp4.job.unverified", b"of another digest");
    finalize(&part, &target, &of(CLIP), false).expect("finalized");
    assert_eq!(folder.files(), ["clip.mp4"]);
}

#[test]
fn copy_is_complete_and_repeatable() {
    let folder = Folder::new();
    let from = folder.write("from.mp4", CLIP);
    let to = folder.path("to.mp4");
    folder.write(
        "to.mp4.job.part",
        b"left of a copy before, and longer than the clip",
    );
    let copied = copy(&from, &to, "job", false).expect("copied");
    let expected = Fetched {
        bytes: CLIP.len() as u64,
        sha256: of(CLIP),
        media_type: "video/mp4",
    };
    assert_eq!(copied, expected);
    assert_eq!(fs::read(&to).expect("read"), CLIP);
    assert_eq!(copy(&from, &to, "job", false).expect("again"), expected);
    assert_eq!(copy(&from, &from, "job", true).expect("itself"), expected);
    assert_eq!(folder.files(), ["from.mp4", "to.mp4"]);
}

#[test]
fn unfinished_file_of_the_target_itself_gets_its_name_and_is_never_emptied() {
    let folder = Folder::new();
    let (part, target) = folder.ready();
    let copied = copy(&part, &target, "job", false).expect("a name");
    assert_eq!(copied.sha256, of(CLIP));
    assert_eq!(folder.files(), ["clip.mp4"]);
    let (part, target) = folder.ready();
    fs::write(&target, b"mine").expect("write");
    copy(&part, &target, "job", false).expect_err("it is taken");
    assert_eq!(fs::read(&part).expect("it stays"), CLIP);
    copy(&part, &target, "job", true).expect("replaced");
    assert_eq!(fs::read(&target).expect("read"), CLIP);
}

#[test]
fn copy_that_fails_leaves_nothing_behind() {
    let folder = Folder::new();
    let to = folder.write("to.mp4", b"mine");
    let none = copy(&folder.path("from.mp4"), &to, "job", true);
    assert!(matches!(none, Err(DownloadError::Gone { .. })));
    let from = folder.write("from.mp4", CLIP);
    let outcome = copy(&from, &to, "job", false);
    assert!(matches!(
        outcome,
        Err(DownloadError::Target(TargetError::Exists { .. }))
    ));
    assert_eq!(fs::read(&to).expect("read"), b"mine");
    let nowhere = copy(&from, &folder.path("gone/to.mp4"), "job", false);
    assert!(matches!(
        nowhere,
        Err(DownloadError::Target(TargetError::Unwritable { .. }))
    ));
    let outcome = copy(folder.0.path(), &folder.path("other.mp4"), "job", false);
    assert!(matches!(outcome, Err(DownloadError::Read { .. })));
    assert_eq!(folder.files(), ["from.mp4", "to.mp4"]);
    copy(&from, &to, "job", true).expect("replaced");
    assert_eq!(fs::read(&to).expect("read"), CLIP);
}

#[test]
fn check_target_rejects_existing_folders_and_unwritable_targets() {
    let folder = Folder::new();
    let target = folder.path("clip.mp4");
    check_target(&target, false).expect("free");
    assert_eq!(folder.files(), [""; 0]);
    folder.write("clip.mp4", b"mine");
    assert!(matches!(
        check_target(&target, false),
        Err(TargetError::Exists { .. })
    ));
    check_target(&target, true).expect("forced");
    assert!(matches!(
        check_target(folder.0.path(), true),
        Err(TargetError::IsAFolder { .. })
    ));
    assert!(matches!(
        check_target(&folder.path("gone/clip.mp4"), false),
        Err(TargetError::Unwritable { .. })
    ));
    assert!(matches!(
        check_target(Path::new(".."), false),
        Err(TargetError::IsAFolder { .. })
    ));
    assert_eq!(folder.files(), ["clip.mp4"]);
}
