use std::fs;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("folder").flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn fails(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::other("not on this file system"))
}

#[test]
fn probe_is_removed_whatever_the_folder_can_do() {
    let no_exclusive = Calls {
        rename_new: fails,
        link: fails,
        ..Calls::SYSTEM
    };
    let copied_only = Calls {
        rename_new: fails,
        link: fails,
        rename: fails,
    };
    for calls in [Calls::SYSTEM, no_exclusive, copied_only] {
        let folder = tempfile::tempdir().expect("folder");
        let target = folder.path().join("clip.mp4");
        let name = target.file_name().expect("a name");
        probe(&target, name, &calls).expect("a way");
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[test]
fn name_that_is_too_long_with_the_longest_ending_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    // 255 bytes less `-99.`, an id and `.complete`.
    for (length, fits) in [(206, true), (207, false), (255, false), (300, false)] {
        let checked = check_target(&folder.path().join("a".repeat(length)), false);
        if cfg!(target_os = "linux") {
            let is_refused = matches!(checked, Err(TargetError::Name { .. }));
            assert_eq!(is_refused, !fits, "{length}: {checked:?}");
        }
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

#[cfg(unix)]
#[test]
fn special_files_are_refused_with_and_without_force_and_stay() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    crate::bounded::testing::make_pipe(&path("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("a socket");
    fs::write(path("regular"), "mine").expect("write");
    for (name, to) in [
        ("to-regular", "regular"),
        ("dangling", "nowhere"),
        ("loop", "loop"),
        ("to-device", "/dev/null"),
        ("to-folder", "/"),
    ] {
        symlink(to, path(name)).expect("a link");
    }
    let before = names(folder.path());
    let special = before.iter().filter(|name| *name != "regular");
    let special: Vec<_> = special.map(|name| path(name)).collect();
    assert_eq!(special.len(), 7);
    for target in special.into_iter().chain(["/dev/null".into()]) {
        for force in [false, true] {
            let refused = check_target(&target, force);
            assert!(
                matches!(refused, Err(TargetError::NotRegular { .. })),
                "{target:?}: {refused:?}"
            );
        }
    }
    assert_eq!(names(folder.path()), before);
    check_target(&path("regular"), true).expect("a regular file may be replaced");
}
