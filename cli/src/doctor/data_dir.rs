//! The data directory: whether it can be written, by whom it can be read, and its free space.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use indicatif::HumanBytes;
use zoetrope_host::disk::{Shortage, free};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::rights::{KeptOpen, OpenPlace, restrict};
use zoetrope_host::sanitize::escaped_path;

use super::check::Check;
use crate::shell::quoted;

const NAME: &str = "data directory";

const OTHER: &str = "Use another data directory: zoetrope doctor --data-dir DIR";

/// Less space than this is a warning: a clip has a few MiB, and a long one hundreds.
const LITTLE: u64 = 512 << 20;

pub(super) fn check(data_dir: &Path, options: &str) -> Check {
    let path = escaped_path(data_dir);
    let open = restrict(data_dir);
    let found = fs::metadata(data_dir);
    let exists = found.is_ok();
    let mode = found.as_ref().ok().and_then(mode);
    let space = existing(data_dir).and_then(free);
    let check = of(data_dir, found, space, &open, options);
    let check = check.with("shown_path", path).with("exists", exists);
    let places: Vec<_> = open.iter().map(|place| escaped_path(&place.path)).collect();
    check.with("mode", mode).with("open_to_others", places)
}

fn of(
    data_dir: &Path,
    found: io::Result<Metadata>,
    space: Option<u64>,
    open: &[OpenPlace],
    options: &str,
) -> Check {
    let path = escaped_path(data_dir);
    let metadata = match found {
        Ok(metadata) if metadata.is_dir() => Some(metadata),
        Ok(_) => {
            let text = format!("{path} is not a folder");
            return problem(text, OTHER.into());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let text = format!("{path} is below a file");
            return problem(text, OTHER.into());
        }
        Err(error) => {
            let text = format!("{path} cannot be read: {error}");
            return problem(text, repair(None, options));
        }
    };
    let Some(place) = existing(data_dir) else {
        return problem(format!("{path} has no folder above it"), OTHER.into());
    };
    let with_space = |check: Check| match space {
        Some(bytes) => check.with("free_bytes", bytes),
        None => check,
    };
    if let Err(error) = tempfile::NamedTempFile::new_in(place) {
        let lacks = Shortage::of(&error);
        let check = if error.kind() == io::ErrorKind::NotFound {
            // As of `/proc`: the folder above is there.
            let text =
                format!("{path} cannot be created: no file can be made in the folder above it");
            problem(text, OTHER.into())
        } else {
            let text = format!("{path} cannot be written: {error}");
            problem(text, repair(lacks, options))
        };
        // The space of a place that takes no file says nothing.
        return if lacks.is_some() {
            with_space(check)
        } else {
            check
        };
    }
    if let Some(lacks) = Shortage::probe(place, 0) {
        let text = format!("{path} cannot be written: {lacks}");
        return with_space(problem(text, repair(Some(lacks), options)));
    }
    let free_text = space.map_or_else(String::new, |bytes| format!(", {} free", HumanBytes(bytes)));
    if space.is_some_and(|bytes| bytes < LITTLE) {
        let next = format!("Free disk space, or remove old jobs: zoetrope jobs prune{options}");
        let text = format!("{path} has little space{free_text}");
        return with_space(Check::warning(NAME, text, next));
    }
    with_space(match metadata {
        None => {
            let text = format!("{path} does not exist, the first job creates it{free_text}");
            Check::ok(NAME, text)
        }
        Some(_) => written(&path, open, &free_text),
    })
}

/// The check of a folder that can be written: what of it other users can read.
fn written(path: &str, open: &[OpenPlace], free_text: &str) -> Check {
    let [OpenPlace { path: place, why }, ..] = open else {
        let text = format!("{path} can be written{}{free_text}", private());
        return Check::ok(NAME, text);
    };
    let more = match open.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let shown = escaped_path(place);
    let text =
        format!("other users can read `{shown}`{more}, and prompts with it: {why}{free_text}");
    let own = "Use a folder of your own: --data-dir DIR";
    let next = match why {
        KeptOpen::Shared | KeptOpen::Link => {
            format!("{own}; or run: chmod -R go-rwx {}", quoted(place))
        }
        _ => own.to_owned(),
    };
    Check::warning(NAME, text, next)
}

fn problem(text: String, next: String) -> Check {
    Check::problem_of(ErrorKind::LedgerUnavailable, NAME, text, next)
}

fn repair(lacks: Option<Shortage>, options: &str) -> String {
    let first = match lacks {
        Some(Shortage::Space) => "Free disk space",
        Some(Shortage::FileSize) => "Raise the limit on the size of files (ulimit -f)",
        Some(Shortage::OpenFiles) => "Raise the limit on open files (ulimit -n)",
        None => "Fix the permissions of the data directory, or use another --data-dir",
    };
    format!("{first}, then run: zoetrope doctor{options}")
}

/// The folder itself, or the nearest one above it that exists.
fn existing(data_dir: &Path) -> Option<&Path> {
    data_dir.ancestors().find(|folder| folder.is_dir())
}

/// The rights of a folder, as `ls` and `chmod` have them.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "Windows has no such rights")]
fn mode(metadata: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    Some(format!("{:04o}", metadata.mode() & 0o7777))
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<String> {
    None
}

/// What is known about the rights of a folder that is not open. Windows inherits them from the
/// user's profile, and they are not read there.
fn private() -> &'static str {
    if cfg!(unix) { ", private" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::home::Home;

    fn state(check: &Check) -> String {
        check.document(&Home::none())["state"]
            .as_str()
            .expect("a state")
            .into()
    }

    #[test]
    fn folder_that_is_missing_is_fine_where_it_can_be_created() {
        let folder = tempfile::tempdir().expect("folder");
        let missing = folder.path().join("a/b");
        let checked = of(&missing, fs::metadata(&missing), Some(LITTLE), &[], "");
        assert_eq!(state(&checked), "ok");
        assert!(!missing.exists() && fs::read_dir(folder.path()).expect("read").count() == 0);
        let file = folder.path().join("file");
        fs::write(&file, "").expect("write");
        assert_eq!(state(&check(&file, "")), "problem");
        let below = check(&file.join("below"), " --data-dir /d");
        assert_eq!(state(&below), "problem");
        let next = below.next().expect("a command");
        assert_eq!(next, OTHER);
        let document = below.document(&Home::none());
        assert!(document.get("free_bytes").is_none(), "{document}");
        assert!(document["shown_path"].is_string(), "{document}");
    }

    #[test]
    fn little_space_is_a_warning_that_names_prune() {
        let folder = tempfile::tempdir().expect("folder");
        let metadata = fs::metadata(folder.path());
        let checked = of(
            folder.path(),
            metadata,
            Some(LITTLE - 1),
            &[],
            " --data-dir /d",
        );
        assert_eq!(state(&checked), "warning");
        let next = checked.next().expect("a command");
        assert!(
            next.ends_with("zoetrope jobs prune --data-dir /d"),
            "{next}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn open_folder_becomes_private_and_one_with_other_files_is_a_warning() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("folder");
        let open = |mode| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("mode");
            check(folder.path(), "").document(&Home::none())
        };
        for mode in [0o700, 0o750, 0o777] {
            let document = open(mode);
            assert_eq!(
                (&document["state"], &document["mode"]),
                (&"ok".into(), &"0700".into())
            );
        }
        fs::write(folder.path().join("letter.txt"), "").expect("write");
        let document = open(0o755);
        assert_eq!(
            (&document["state"], &document["mode"]),
            (&"warning".into(), &"0755".into())
        );
        assert_eq!(document["open_to_others"].as_array().map(Vec::len), Some(1));
        assert!(
            document["next"]
                .as_str()
                .is_some_and(|next| next.contains("chmod -R go-rwx "))
        );
    }
}
