//! The data directory: whether it can be written, by whom it can be read, and its free space.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use indicatif::HumanBytes;
use zoetrope_host::disk::{Shortage, free};
use zoetrope_host::error::ErrorKind;

use super::check::Check;
use super::home::{shown, word};

const NAME: &str = "data directory";

const OTHER: &str = "Use another data directory: zoetrope doctor --data-dir DIR";

/// Less space than this is a warning: a clip has a few MiB, and a long one hundreds.
const LITTLE: u64 = 512 << 20;

pub(super) fn check(data_dir: &Path, options: &str) -> Check {
    let path = shown(data_dir);
    let found = fs::metadata(data_dir);
    let exists = found.is_ok();
    let space = existing(data_dir).and_then(free);
    let check = of(data_dir, found, space, options);
    check.with("shown_path", path).with("exists", exists)
}

fn of(data_dir: &Path, found: io::Result<Metadata>, space: Option<u64>, options: &str) -> Check {
    let path = shown(data_dir);
    let metadata = match found {
        Ok(metadata) if metadata.is_dir() => Some(metadata),
        Ok(_) => {
            let text = format!("{path} is not a folder");
            return problem(text, OTHER.into());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
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
        let text = format!("{path} cannot be written: {error}");
        let lacks = Shortage::of(&error);
        let check = problem(text, repair(lacks, options));
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
        Some(metadata) if is_open_to_others(&metadata) => {
            let next = format!("chmod 700 {}", word(data_dir));
            let text = format!("{path} can be read by other users, and has prompts{free_text}");
            Check::warning(NAME, text, next)
        }
        Some(_) => Check::ok(NAME, format!("{path} can be written{free_text}")),
    })
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

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o077 != 0
}

/// The user's folders are private by default.
#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(check: &Check) -> String {
        check.document()["state"].as_str().expect("a state").into()
    }

    #[test]
    fn folder_that_is_missing_is_fine_where_it_can_be_created() {
        let folder = tempfile::tempdir().expect("folder");
        let missing = folder.path().join("a/b");
        let checked = of(&missing, fs::metadata(&missing), Some(LITTLE), "");
        assert_eq!(state(&checked), "ok");
        assert!(!missing.exists() && fs::read_dir(folder.path()).expect("read").count() == 0);
        let file = folder.path().join("file");
        fs::write(&file, "").expect("write");
        assert_eq!(state(&check(&file, "")), "problem");
        let below = check(&file.join("below"), " --data-dir /d");
        assert_eq!(state(&below), "problem");
        let next = below.next().expect("a command");
        assert!(next.ends_with("zoetrope doctor --data-dir /d"), "{next}");
        let document = below.document();
        assert!(document.get("free_bytes").is_none(), "{document}");
        assert!(document["shown_path"].is_string(), "{document}");
    }

    #[test]
    fn little_space_is_a_warning_that_names_prune() {
        let folder = tempfile::tempdir().expect("folder");
        let metadata = fs::metadata(folder.path());
        let checked = of(folder.path(), metadata, Some(LITTLE - 1), " --data-dir /d");
        assert_eq!(state(&checked), "warning");
        let next = checked.next().expect("a command");
        assert!(
            next.ends_with("zoetrope jobs prune --data-dir /d"),
            "{next}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn folder_that_others_can_read_is_a_warning() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("folder");
        for (mode, expected) in [(0o700, "ok"), (0o750, "warning"), (0o755, "warning")] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("mode");
            let checked = of(folder.path(), fs::metadata(folder.path()), None, "");
            assert_eq!(state(&checked), expected, "{mode:o}");
        }
    }
}
