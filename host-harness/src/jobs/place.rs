//! The place of the result of a job that exists already, and another one that a request names.

use std::path::{Path, PathBuf};

use super::check::Checked;
use super::commands::Jobs;
use super::error::JobsError;
use super::fetch::{changed_target, is_copy_of};
use super::removed::removed_job;
use super::submit::Destination;
use crate::download::check_target;
use crate::driver::now;
use crate::ledger::{Job, Millis, Target};

impl Jobs {
    /// The id and the time of creation of the job that a request under this key is about: of the
    /// existing job, else of the new one. Names of files may contain them.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn identity(
        &self,
        checked: &Checked,
        connection: &str,
        key: &str,
    ) -> Result<(String, Millis), JobsError> {
        let known = match self.ledger().job_of_key(connection, key)? {
            None => self
                .ledger()
                .removed_of_key(connection, key)?
                .map(removed_job),
            known => known,
        };
        Ok(known.map_or_else(
            || (checked.id.clone(), now()),
            |job| (job.spec.id.clone(), job.spec.created_at),
        ))
    }

    /// Changes the target of a job without a result to that of a destination; returns the new
    /// row. A job that is being submitted, has failed or was cancelled keeps its target.
    ///
    /// # Errors
    ///
    /// [`JobsError::Unwritten`], when the ledger cannot be written.
    pub async fn redirect(
        &self,
        job: &Job,
        destination: &Destination,
        force: bool,
    ) -> Result<Job, JobsError> {
        let target = destination.target(&job.spec.id);
        self.apply(job, &changed_target(&target, force)).await
    }
}

impl Destination {
    /// The target at which a request wants the result of this job, if the job has another one. A
    /// destination that the program chose is not wanted.
    #[must_use]
    pub fn other_than(&self, job: &Job) -> Option<Target> {
        let wanted = match self {
            Self::Folder(_) | Self::Named { .. } => return None,
            Self::File(_) | Self::Stem(_) => self.target(&job.spec.id),
        };
        let is_same = match job.file().filter(|_| job.is_finalized()) {
            Some(file) => is_same_place(&Target::File(file.path.clone()), &wanted),
            None => is_same_place(&job.target, &wanted),
        };
        (!is_same).then_some(wanted)
    }

    /// The same path, if a result may be written there: of a removed job whose files are gone, none
    /// is. Without an extension while the type of the result is unknown.
    #[must_use]
    pub fn other_path(&self, job: &Job) -> Option<PathBuf> {
        let target = self.other_than(job)?;
        if job.is_removed() && !job.is_finalized() {
            return None;
        }
        Some(match job.file().filter(|_| job.is_finalized()) {
            Some(file) => target.path_of(&file.media_type),
            None => self.path(&job.spec.id),
        })
    }

    /// Refuses another place for the result of an existing job, before anything is sent. The
    /// result itself may be there already.
    pub(super) fn check_of(
        &self,
        job: &Job,
        checked: &Checked,
        force: bool,
    ) -> Result<(), JobsError> {
        let Some(path) = self.other_path(job) else {
            return Ok(());
        };
        match job.file().filter(|_| job.is_finalized()) {
            None => self.check(checked, force),
            Some(file) if is_copy_of(&path, file) => Ok(()),
            Some(_) => check_target(&path, force).map_err(JobsError::Target),
        }
    }
}

/// Whether a known target is the wanted one. The zeros before a line's number depend on the number
/// of lines.
fn is_same_place(known: &Target, wanted: &Target) -> bool {
    match (known, wanted) {
        (Target::File(known), Target::File(wanted)) => known == wanted,
        (Target::Stem(known), Target::Stem(wanted)) => is_same_stem(known, wanted),
        (Target::File(known), Target::Stem(wanted)) => {
            is_same_stem(&known.with_extension(""), wanted)
        }
        (Target::Stem(_), Target::File(_)) => false,
    }
}

fn is_same_stem(known: &Path, wanted: &Path) -> bool {
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u64>().ok();
    let are_of_one_line = number(known).is_some() && number(known) == number(wanted);
    known == wanted || are_of_one_line && known.parent() == wanted.parent()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::State;
    use crate::ledger::testing::{queued, stage};

    #[test]
    fn another_place_is_wanted_only_by_a_request_that_names_one() {
        let mut job = queued(0);
        let other = |job: &Job, destination: Destination| destination.other_than(job);
        let file = |path: &str| Destination::File(path.into());
        let stem = |path: &str| Destination::Stem(path.into());
        assert_eq!(other(&job, Destination::Folder("/b".into())), None);
        assert_eq!(other(&job, file("/clips/j.mp4")), None);
        let wanted = Some(Target::File("/b/c.mp4".into()));
        assert_eq!(other(&job, file("/b/c.mp4")), wanted);
        job.target = Target::Stem("/clips/07".into());
        assert_eq!(other(&job, stem("/clips/007")), None, "more lines");
        assert!(other(&job, stem("/clips/8")).is_some());
        assert!(other(&job, stem("/other/07")).is_some());
        assert!(other(&job, file("/clips/07.mp4")).is_some());
        job.stage = stage(State::Succeeded, true);
        assert_eq!(other(&job, file("/clips/b.mp4")), None, "its file");
        assert_eq!(other(&job, stem("/clips/b")), None, "its file");
        assert!(other(&job, stem("/clips/07")).is_some());
        let path = stem("/other/07").other_path(&job);
        assert_eq!(path, Some("/other/07.mp4".into()));
        job.stage = stage(State::Succeeded, false);
        let path = stem("/other/07").other_path(&job);
        assert_eq!(path, Some("/other/07".into()), "its type is not known");
    }
}
