//! The rights of a data directory that exists and is open to others.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use image::ImageFormat;

use crate::support::limited::start_by;
use crate::support::pictures::picture;
use crate::support::sandbox::Sandbox;

const RUN: [&str; 9] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--image",
    "a.png",
    "--set",
    "prompt=p",
    "--set",
    "frame_rate=1",
];

/// Starts the binary as a user whose umask leaves files open to the group, and to others for
/// reading.
const PERMISSIVE: &str = "umask 0002; exec \"$0\" \"$@\"";

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("metadata").mode() & 0o7777
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("mode");
}

/// Everything in a folder, and the folder itself.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).expect("the folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(all(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn open_data_directory_becomes_private_and_results_elsewhere_follow_the_umask() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    // As an earlier version, or the user, left them.
    let data_dir = sandbox.data_dir();
    fs::create_dir_all(data_dir.join("clips")).expect("a folder");
    fs::write(data_dir.join("clips/old.mp4"), "x").expect("a file");
    fs::write(data_dir.join("driver.lock"), "").expect("a file");
    for (place, mode) in [
        ("clips/old.mp4", 0o664),
        ("clips", 0o775),
        ("driver.lock", 0o644),
        ("", 0o755),
    ] {
        open(&data_dir.join(place), mode);
    }
    let answer = start_by(&sandbox, &RUN, PERMISSIVE).end().answer();
    let clip = PathBuf::from(answer["file"].as_str().expect("a path"));
    assert!(clip.starts_with(data_dir.join("clips")), "{clip:?}");
    for path in all(&data_dir) {
        assert_eq!(mode(&path) & 0o077, 0, "{path:?}: {:o}", mode(&path));
    }
    assert!(
        all(&data_dir).len() > 12,
        "ledger, code, component, picture, practice provider"
    );

    let id = answer["job"].as_str().expect("an id");
    let fetch = ["--json", "jobs", "fetch", id, "--out", "clip.mp4"];
    start_by(&sandbox, &fetch, PERMISSIVE).end().answer();
    assert_eq!(mode(&sandbox.path("clip.mp4")), 0o664);
    // The next command finds everything as it is.
    let listed = start_by(&sandbox, &["jobs"], PERMISSIVE).end();
    assert_eq!((listed.code, &*listed.stderr), (0, ""));
}

#[test]
fn folder_with_other_files_stays_open_and_every_command_says_so_once() {
    let sandbox = Sandbox::new();
    let data_dir = sandbox.data_dir();
    fs::write(data_dir.join("letter.txt"), "x").expect("a file");
    open(&data_dir.join("letter.txt"), 0o644);
    open(&data_dir, 0o755);
    let listed = sandbox.run(["jobs"]);
    let said = listed
        .stderr
        .lines()
        .filter(|line| line.starts_with("note: other users can read `"))
        .count();
    assert_eq!((listed.code, said), (0, 1), "{listed:?}");
    assert!(!listed.stderr.contains("WARN"), "{listed:?}");
    let doctor = sandbox.run(["--json", "doctor"]);
    assert!(!doctor.stderr.contains("other users"), "once: {doctor:?}");
    let checks = doctor.answer()["checks"].clone();
    let found = checks.as_array().expect("the checks").iter();
    let mut found = found.filter(|check| check["name"] == "data directory");
    let found = found.next().expect("the data directory");
    assert_eq!(
        (&found["state"], &found["mode"]),
        (&"warning".into(), &"0755".into())
    );
    assert_eq!(mode(&data_dir), 0o755);
    assert_eq!(mode(&data_dir.join("letter.txt")), 0o644);
    assert_eq!(mode(&data_dir.join("ledger.sqlite3")), 0o600);
}
