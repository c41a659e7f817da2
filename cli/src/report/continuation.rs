//! How a command for many jobs goes on: which command, and whether one is of use.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use zoetrope_host::config::is_inherited;
use zoetrope_host::contract::Charge;
use zoetrope_host::driver::Time;
use zoetrope_host::jobs::{NextStep, Repair};
use zoetrope_host::ledger::{Job, State};

use super::next_step::{repair_text, text};
use crate::args::{Profile, Run};
use crate::shell::{quoted, quoted_text};

/// The commands that go on with many jobs.
pub(crate) struct Continuation {
    /// Resumes those that are not finished.
    pub(crate) resume: String,
    /// The same, and submits the failed ones again that cost nothing.
    pub(crate) retry: Option<String>,
    /// Lists all jobs.
    pub(crate) list: String,
    /// Shows the results again once all jobs have them. It buys nothing.
    pub(crate) show: String,
}

impl Continuation {
    /// Resume all jobs.
    pub(crate) fn of_all(options: &str) -> Self {
        Self {
            resume: text(&NextStep::ResumeAll, options),
            retry: None,
            list: text(&NextStep::ListJobs, options),
            show: text(&NextStep::ListJobs, options),
        }
    }

    /// Continue a batch: jobs under the same keys are not submitted again. `is_relative`: lines name
    /// pictures relative to the working directory. Values of `--set` may be prompts, so a command
    /// that had some is named and not repeated. `folder`: as on the command line.
    pub(crate) fn of_batch(
        run: &Run,
        (lines, folder): (&Path, &Path),
        is_relative: bool,
        key: &str,
        options: &str,
    ) -> Self {
        let key = quoted_text(key);
        // Lines of standard input or of a pipe are gone, too.
        let is_gone = lines == Path::new("-") || is_inherited(lines);
        let is_repeatable = run.source.settings.is_empty() && !is_gone;
        let (resume, retry) = if is_repeatable {
            let resume = repeated(run, (lines, folder), is_relative, &key);
            let retry = format!("{resume} --retry-failed{options}");
            (format!("{resume}{options}"), retry)
        } else {
            let resume = format!("Run the same command again with --key {key}");
            let retry = format!("{resume} --retry-failed");
            (resume, retry)
        };
        Self {
            show: resume.clone(),
            resume,
            retry: Some(retry),
            list: text(&NextStep::ListJobs, options),
        }
    }
}

/// The command of a batch again, without the global options.
fn repeated(run: &Run, (lines, folder): (&Path, &Path), is_relative: bool, key: &str) -> String {
    let mut more = String::new();
    if let Some(image) = &run.source.image {
        let _ = write!(more, " --image {}", quoted(&full(image)));
    }
    if let Some(name) = &run.name {
        let _ = write!(more, " --name {}", quoted_text(name));
    }
    if run.source.strict {
        more.push_str(" --strict");
    }
    if let Some(connection) = &run.source.connection {
        let _ = write!(more, " --connection {}", quoted_text(connection));
    }
    if let Some(most) = &run.limit.max_cost {
        let _ = write!(more, " --max-cost {}", quoted_text(&most.to_string()));
    }
    if matches!(run.source.profile, Profile::Lax) {
        more.push_str(" --profile lax");
    }
    let at = match std::env::current_dir() {
        Ok(folder) if is_relative => format!("cd {} && ", quoted(&folder)),
        _ => String::new(),
    };
    format!(
        "{at}zoetrope run {} --batch {} --out-dir {} --key {key}{more}",
        quoted_text(&run.node),
        quoted(&full(lines)),
        quoted(&full(folder))
    )
}

fn full(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What is left of many jobs.
#[derive(Default)]
pub(super) struct Left {
    /// Whether a repeated command resumes one of them.
    goes_on: bool,
    /// Whether one of them failed and cost nothing.
    is_unpaid: bool,
    /// What a download lacked.
    repair: Option<Repair>,
    /// The step of the first one.
    step: Option<String>,
    /// Whether it is the only one.
    is_single: bool,
}

impl Left {
    /// Adds a job without a result; `None` if its row is damaged. `next`: its own step.
    pub(super) fn add(&mut self, job: Option<&Job>, next: &str) {
        self.is_single = self.step.is_none();
        self.step.get_or_insert_with(|| next.to_owned());
        let Some(job) = job.filter(|job| !job.is_removed()) else {
            return;
        };
        self.is_unpaid |= job.state() == State::Failed && job.charge() == Charge::No;
        match NextStep::of(job, Time::present()) {
            NextStep::ResumeRepaired { repair, .. } => {
                self.goes_on = true;
                self.repair = Some(repair);
            }
            NextStep::Resume { .. }
            | NextStep::SubmitOrDiscard { .. }
            | NextStep::ResumeOnce { .. }
            | NextStep::ResumeOrFetch { .. }
            | NextStep::ResumeWithBaseUrl { .. }
            | NextStep::SettleAccount { .. } => self.goes_on |= !job.is_done(),
            _ => {}
        }
    }

    /// How the command goes on. One that would change nothing is not named.
    pub(super) fn next(&self, continuation: &Continuation) -> String {
        let command = match &continuation.retry {
            Some(retry) if self.is_unpaid => Some(retry),
            _ => Some(&continuation.resume).filter(|_| self.goes_on),
        };
        match (command, &self.step) {
            (Some(command), _) => match self.repair {
                Some(repair) => format!("{}, then run: {command}", repair_text(repair)),
                None => command.clone(),
            },
            (None, Some(step)) if self.is_single => step.clone(),
            _ => format!(
                "Each job without a result has a step of its own, its `next`. List the jobs: {}",
                continuation.list
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn continuation(retry: Option<&str>) -> Continuation {
        Continuation {
            resume: "resume".into(),
            retry: retry.map(str::to_owned),
            list: "zoetrope jobs".into(),
            show: "show".into(),
        }
    }

    fn left(goes_on: bool, is_unpaid: bool, is_single: bool) -> Left {
        Left {
            goes_on,
            is_unpaid,
            repair: None,
            step: Some("step".into()),
            is_single,
        }
    }

    #[test]
    fn command_that_would_change_nothing_is_not_named() {
        let batch = continuation(Some("retry"));
        for (goes_on, is_unpaid, expected) in [
            (true, false, "resume"),
            (true, true, "retry"),
            (false, true, "retry"),
        ] {
            let next = left(goes_on, is_unpaid, false).next(&batch);
            assert_eq!(next, expected);
        }
        assert_eq!(left(false, false, true).next(&batch), "step");
        let each = left(false, false, false).next(&batch);
        assert!(each.ends_with("zoetrope jobs"), "{each}");
        let all = continuation(None);
        assert_eq!(left(false, true, true).next(&all), "step");
        assert_eq!(left(true, true, true).next(&all), "resume");
    }

    #[test]
    fn full_disk_is_freed_before_the_command_is_repeated() {
        let mut left = left(true, false, false);
        left.repair = Some(Repair::Space);
        let next = left.next(&continuation(None));
        assert_eq!(next, "Free disk space, then run: resume");
    }
}
