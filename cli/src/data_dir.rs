//! Whether there can be a data directory at a path.

use std::path::Path;

use zoetrope_host::error::ErrorKind;

use super::report::{Failure, Phase};

/// The failure of a data directory that is a file, or is below one.
pub(super) fn no_folder(data_dir: &Path) -> Option<Failure> {
    let mut places = data_dir.ancestors();
    let (place, found) = places.find_map(|place| Some((place, place.metadata().ok()?)))?;
    (!found.is_dir()).then(|| {
        let message = format!(
            "the data directory `{}` cannot be used: `{}` is not a folder",
            data_dir.display(),
            place.display()
        );
        let next = "Name a data directory: --data-dir DIR, then run the same command again";
        Failure::new(ErrorKind::LedgerUnavailable, Phase::Setup, message).then(next.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_directory_that_is_a_file_or_below_one_is_no_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("lines.jsonl");
        std::fs::write(&file, "").expect("a file");
        for named in [file.clone(), file.join("data")] {
            let failure = no_folder(&named).expect("a failure");
            let text = format!("`{}` is not a folder", file.display());
            assert!(failure.message().ends_with(&text), "{}", failure.message());
            assert!(
                failure.next().contains("--data-dir DIR"),
                "{}",
                failure.next()
            );
        }
        assert!(no_folder(folder.path()).is_none());
        assert!(no_folder(&folder.path().join("a/b")).is_none());
    }
}
