//! Removes clips and pictures that no job of the journal needs.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::time::Duration;

use tracing::warn;

use crate::data_dir::DataDir;
use crate::files::FileName;
use crate::job::JobId;
use crate::picture::Kind;

/// The files that jobs need.
#[derive(Debug, Default)]
pub(crate) struct Needed {
    /// The jobs with a clip of their own.
    pub(crate) jobs: HashSet<JobId>,
    /// The digests of pictures, and of clips that several jobs share.
    pub(crate) digests: HashSet<String>,
}

/// How long a file that no job needs is kept: a picture may have been uploaded for a job to come.
const UNNEEDED: Duration = Duration::from_hours(7 * 24);

/// Removes the clips and pictures that no job needs and that are a week old. Only the owner may
/// call this, before it serves. A failure is only logged: such a file costs disk space alone, and
/// the next start tries again.
pub(crate) fn remove(data_dir: &DataDir, needed: &Needed) {
    let is_needed = |name: &str| match name.strip_suffix(".mp4") {
        Some(clip) => match clip.parse::<JobId>() {
            Ok(job) => needed.jobs.contains(&job),
            Err(_) => needed.digests.contains(clip) || FileName::new(clip, Kind::Png).is_none(),
        },
        // Other files are not this program's.
        None => name
            .parse::<FileName>()
            .map_or(true, |name| needed.digests.contains(name.digest())),
    };
    for folder in data_dir.result_folders() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                warn!(folder = %folder.display(), %error, "a folder of results cannot be listed");
                continue;
            }
        };
        for entry in entries.flatten() {
            if entry
                .file_name()
                .to_str()
                .is_some_and(|name| !is_needed(name))
                && entry
                    .metadata()
                    .is_ok_and(|it| it.is_file() && is_older(&it, UNNEEDED))
            {
                let path = entry.path();
                if let Err(error) = fs::remove_file(&path) {
                    warn!(path = %path.display(), %error, "a file that no job needs is not removed");
                }
            }
        }
    }
}

fn is_older(metadata: &Metadata, age: Duration) -> bool {
    let modified = metadata.modified().ok();
    modified.is_some_and(|modified| modified.elapsed().is_ok_and(|old| old >= age))
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::time::SystemTime;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn clips_and_pictures_that_no_job_needs_are_removed_after_a_week() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(temp.path()).expect("a directory");
        let (job, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let digests = ["a".repeat(64), "b".repeat(64)];
        let needed = Needed {
            jobs: HashSet::from([job]),
            digests: HashSet::from([digests[0].clone()]),
        };
        let files = [
            (format!("clips/{job}.mp4"), true),
            (format!("clips/{other}.mp4"), false),
            (format!("clips/{}.mp4", digests[0]), true),
            (format!("clips/{}.mp4", digests[1]), false),
            (format!("files/{}.png", digests[0]), true),
            (format!("files/{}.png", digests[1]), false),
            ("files/notes.txt".to_owned(), true),
            ("clips/mine.mp4".to_owned(), true),
        ];
        let make_old = |name: &str| {
            let file = OpenOptions::new().append(true).open(temp.path().join(name));
            let past = SystemTime::now() - UNNEEDED;
            file.expect("a file").set_modified(past).expect("a time");
        };
        for (name, _) in &files {
            fs::write(temp.path().join(name), "x").expect("a file");
        }
        remove(&data_dir, &needed);
        for (name, _) in &files {
            make_old(name);
        }
        let reused: FileName = format!("{}.png", digests[1]).parse().expect("a name");
        data_dir.store_file(&reused, b"x").expect("a file");
        remove(&data_dir, &needed);
        assert!(data_dir.file(&reused).exists());
        make_old(&files[5].0);
        remove(&data_dir, &needed);
        for (name, is_needed) in &files {
            assert_eq!(temp.path().join(name).exists(), *is_needed, "{name}");
        }
    }
    #[test]
    fn folder_that_cannot_be_cleaned_does_not_keep_the_others_from_it() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(temp.path()).expect("a directory");
        let old = temp.path().join(format!("clips/{}.mp4", "a".repeat(64)));
        fs::write(&old, "x").expect("a file");
        let file = OpenOptions::new().append(true).open(&old).expect("a file");
        file.set_modified(SystemTime::now() - UNNEEDED)
            .expect("a time");
        fs::remove_dir_all(temp.path().join("files")).expect("removed");
        remove(&data_dir, &Needed::default());
        assert!(!old.exists());
    }
}
