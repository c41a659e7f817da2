use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::*;
use crate::config::{CONFIG_FILE, TRUST_FILE};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o7777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("mode");
}

/// A data directory as an earlier version left it under a permissive umask.
fn open_data_dir() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    for name in ["clips", "components", "requesters", "practice/clips"] {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).expect("folder");
        fs::write(path.join("file"), "x").expect("write");
        set(&path.join("file"), 0o664);
        set(&path, 0o775);
    }
    set(&folder.path().join("practice"), 0o755);
    for name in ["ledger.sqlite3", "ledger.sqlite3-wal", "driver.lock"] {
        fs::write(folder.path().join(name), "").expect("write");
        set(&folder.path().join(name), 0o644);
    }
    set(folder.path(), 0o777);
    folder
}

#[test]
fn open_data_directory_and_all_that_is_in_it_become_private() {
    let folder = open_data_dir();
    assert_eq!(restrict(folder.path()), []);
    for name in [
        "",
        "clips",
        "components",
        "requesters",
        "practice",
        "practice/clips",
    ] {
        assert_eq!(mode(&folder.path().join(name)), 0o700, "{name}");
    }
    for name in [
        "clips/file",
        "practice/clips/file",
        "ledger.sqlite3",
        "ledger.sqlite3-wal",
        "driver.lock",
    ] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn folder_with_files_of_others_stays_open_and_is_named_while_its_own_parts_become_private() {
    let folder = open_data_dir();
    let letter = folder.path().join("letter.txt");
    fs::write(&letter, "x").expect("write");
    for (path, with) in [(letter.as_path(), 0o644), (folder.path(), 0o755)] {
        set(path, with);
    }
    let open = restrict(folder.path());
    let expected = OpenPlace {
        path: folder.path().into(),
        why: KeptOpen::Shared,
    };
    assert_eq!(open, [expected]);
    assert_eq!((mode(folder.path()), mode(&letter)), (0o755, 0o644));
    assert_eq!(mode(&folder.path().join("clips")), 0o700);
    assert_eq!(mode(&folder.path().join("driver.lock")), 0o600);
}

#[test]
fn folder_with_the_configuration_and_the_record_of_trust_becomes_private() {
    let folder = open_data_dir();
    for name in [CONFIG_FILE, TRUST_FILE, "trust.lock", ".DS_Store"] {
        fs::write(folder.path().join(name), "").expect("write");
    }
    assert_eq!(restrict(folder.path()), []);
    assert_eq!(mode(folder.path()), 0o700);
}

#[test]
fn shared_folder_that_others_can_write_is_left_alone_with_its_content() {
    let folder = open_data_dir();
    fs::write(folder.path().join("letter.txt"), "x").expect("write");
    assert_eq!(restrict(folder.path()).len(), 1);
    assert_eq!(mode(&folder.path().join("clips")), 0o775);
}

#[test]
fn links_are_not_followed() {
    let folder = open_data_dir();
    let elsewhere = tempfile::tempdir().expect("folder");
    let file = elsewhere.path().join("file");
    fs::write(&file, "x").expect("write");
    set(&file, 0o644);
    set(elsewhere.path(), 0o755);
    symlink(elsewhere.path(), folder.path().join("pictures")).expect("link");
    symlink(&file, folder.path().join("clips/link")).expect("link");
    let open = restrict(folder.path());
    let why = KeptOpen::Link;
    let path = fs::canonicalize(folder.path())
        .expect("path")
        .join("pictures");
    assert_eq!(open, [OpenPlace { path, why }]);
    assert_eq!((mode(elsewhere.path()), mode(&file)), (0o755, 0o644));
}

#[test]
fn linked_data_directory_is_named_and_its_parts_become_private() {
    let folder = open_data_dir();
    set(folder.path(), 0o755);
    let place = tempfile::tempdir().expect("folder");
    let link = place.path().join("data");
    symlink(folder.path(), &link).expect("link");
    let why = KeptOpen::Link;
    assert_eq!(
        restrict(&link),
        [OpenPlace {
            path: link.clone(),
            why
        }]
    );
    assert_eq!(mode(folder.path()), 0o755);
    assert_eq!(mode(&folder.path().join("clips")), 0o700);
}

#[test]
fn file_with_a_second_name_and_a_missing_folder_are_left_alone() {
    let folder = open_data_dir();
    let shared = folder.path().join("clips/shared");
    fs::hard_link(folder.path().join("clips/file"), &shared).expect("link");
    drop(restrict(folder.path()));
    assert_eq!(mode(&shared), 0o664);
    assert_eq!(restrict(&folder.path().join("none")), []);
}

#[test]
fn results_of_the_data_directory_are_told_from_the_users_own() {
    let folder = tempfile::tempdir().expect("folder");
    let clips = folder.path().join("clips");
    assert!(!has_kept_results(&clips), "there is no ledger");
    fs::write(folder.path().join("ledger.sqlite3"), "").expect("write");
    assert!(has_kept_results(&clips));
    assert!(!has_kept_results(&folder.path().join("videos")));
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("write");
    let usual = mode(&file);
    set(&file, 0o600);
    make_usual(&file, folder.path()).expect("rights");
    assert_eq!(mode(&file), usual);
}

#[test]
fn compiled_code_that_others_could_write_is_removed() {
    for (root, code, kept) in [
        (0o777, 0o700, false),
        (0o755, 0o775, false),
        (0o755, 0o755, true),
    ] {
        let folder = open_data_dir();
        let place = folder.path().join("code");
        fs::create_dir(&place).expect("folder");
        let file = place.join("a.code");
        fs::write(&file, "x").expect("write");
        set(&place, code);
        set(folder.path(), root);
        assert_eq!(restrict(folder.path()), []);
        assert_eq!(file.exists(), kept, "{root:o} {code:o}");
        assert_eq!((mode(&place), mode(folder.path())), (0o700, 0o700));
    }
}
