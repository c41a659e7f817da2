//! Runs the commands of `--exec` and `[hooks] on_end` when jobs have ended.
//!
//! The ledger says which commands are due, of the jobs of every process; the one that claims a
//! command runs it. They hold up no job: they run beside the driver, and the program waits for them
//! at its end, for a limited time.
//!
//! - `option`: the command of `--exec`; `process`: a command's environment and its process

mod option;
mod process;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::sleep;
use zoetrope_host::config::Config;
use zoetrope_host::connections::SecretSource;
use zoetrope_host::driver::now;
use zoetrope_host::error::chain;
use zoetrope_host::ledger::{EndHook, HookEnd, Job, Ledger};

use super::interrupts::Interrupts;
use super::printer::Printer;

pub(super) use option::of_option;
use process::Surroundings;

/// The time between two looks for commands that are due.
const INTERVAL: Duration = Duration::from_secs(1);

/// The most commands that run at once. The others wait for their turn.
const MOST: usize = 4;

/// The longest wait for commands at the end of the program.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same after the user has interrupted the program.
const INTERRUPTED_PATIENCE: Duration = Duration::from_secs(1);

/// The commands of the jobs of a data directory, which this process runs.
pub(super) struct EndHooks {
    runner: Arc<Runner>,
    is_ending: watch::Sender<bool>,
    work: Mutex<Option<JoinHandle<()>>>,
}

struct Runner {
    ledger: Arc<Ledger>,
    surroundings: Surroundings,
    printer: Printer,
}

impl EndHooks {
    /// Starts to look for commands that are due.
    pub(super) fn start(
        ledger: Arc<Ledger>,
        config: &Config,
        data_dir: PathBuf,
        printer: Printer,
    ) -> Self {
        let credentials =
            config
                .connections()
                .filter_map(|connection| match &connection.credential()?.source {
                    SecretSource::Env(name) => Some(name.clone()),
                    _ => None,
                });
        let surroundings = Surroundings {
            data_dir,
            credentials: credentials.collect(),
        };
        let runner = Arc::new(Runner {
            ledger,
            surroundings,
            printer,
        });
        let (is_ending, ending) = watch::channel(false);
        let work = tokio::spawn(Arc::clone(&runner).work(ending));
        Self {
            runner,
            is_ending,
            work: Mutex::new(Some(work)),
        }
    }

    /// Starts the commands that are still due, and waits for all that run: not longer than the
    /// limit, and not after a signal.
    pub(super) async fn end(&self, is_interrupted: bool) {
        let work = self
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(work) = work else {
            return;
        };
        self.is_ending.send_replace(true);
        let patience = if is_interrupted {
            INTERRUPTED_PATIENCE
        } else {
            PATIENCE
        };
        let mut interrupts = Interrupts::listen();
        tokio::select! {
            biased;
            _ = work => return,
            () = sleep(patience) => {}
            _ = interrupts.next() => {}
        }
        self.runner.say_what_is_left();
    }
}

impl Runner {
    async fn work(self: Arc<Self>, mut ending: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        loop {
            let is_ending = *ending.borrow_and_update();
            self.start_due(&mut running).await;
            if is_ending && running.is_empty() {
                return;
            }
            tokio::select! {
                Some(_) = running.join_next() => {}
                () = sleep(INTERVAL) => {}
                changed = ending.changed(), if !is_ending => if changed.is_err() {
                    return;
                }
            }
        }
    }

    /// Starts the commands that are due, as many as may run.
    async fn start_due(self: &Arc<Self>, running: &mut JoinSet<()>) {
        while running.len() < MOST {
            let this = Arc::clone(self);
            let claimed = spawn_blocking(move || this.claim()).await;
            let Ok(Some((hook, job))) = claimed else {
                return;
            };
            let this = Arc::clone(self);
            running.spawn_blocking(move || this.run(&hook, &job));
        }
    }

    /// The next command that is due, which no other process runs from now on.
    fn claim(&self) -> Option<(EndHook, Job)> {
        let due = self.ledger.due_end_hooks();
        let due = due.inspect_err(|error| {
            tracing::debug!(error = chain(error), "the due commands cannot be read");
        });
        for hook in due.ok()? {
            let Ok(Some(job)) = self.ledger.job(&hook.job) else {
                continue;
            };
            match self.ledger.start_end_hook(hook.id, now()) {
                Ok(true) => return Some((hook, job)),
                // Another process has claimed it.
                Ok(false) => {}
                Err(error) => {
                    let (job, error) = (&hook.job, chain(&error));
                    tracing::warn!(job, error, "the command of a job's end is not started yet");
                    return None;
                }
            }
        }
        None
    }

    /// Runs a command to its end and records how it ended.
    fn run(&self, hook: &EndHook, job: &Job) {
        let ended = process::run(hook, job, &self.surroundings);
        let end = HookEnd {
            at: now(),
            exit_code: ended.as_ref().ok().copied(),
            problem: ended.err(),
        };
        if let Err(error) = self.ledger.finish_end_hook(hook.id, &end) {
            let (job, error) = (&hook.job, chain(&error));
            tracing::warn!(
                job,
                error,
                "the end of the command of a job's end is not recorded"
            );
        }
        if let Some(text) = failure(hook, &end) {
            self.printer.message(&text);
        }
    }

    /// Says which commands were not awaited or not started.
    fn say_what_is_left(&self) {
        self.printer
            .message("note: not waiting any longer for the commands of ended jobs");
        let due = self.ledger.due_end_hooks().unwrap_or_default().len();
        if due > 0 {
            self.printer.message(
                "note: not every command of an ended job was started; the next `zoetrope run` or \
                 `zoetrope jobs resume` starts the others",
            );
        }
    }
}

/// The message about a command that failed.
fn failure(hook: &EndHook, end: &HookEnd) -> Option<String> {
    let how = match (&end.problem, end.exit_code) {
        (Some(problem), _) => problem.clone(),
        (None, Some(0)) => return None,
        (None, code) => format!("it ended with exit code {}", code.unwrap_or_default()),
    };
    Some(format!(
        "note: the command `{}` failed after the end of job {}: {how}. The job is not affected.",
        hook.command.shown_program(),
        hook.job
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoetrope_host::external_command::ExternalCommand;
    use zoetrope_host::ledger::State;

    #[test]
    fn failed_command_is_reported_and_a_good_one_is_not() {
        let hook = EndHook {
            id: 1,
            job: "j".into(),
            state: State::Succeeded,
            command: ExternalCommand::new(["notify-send".into()]).expect("a command"),
            started_at: Some(1),
            end: None,
        };
        let mut end = HookEnd {
            at: 2,
            exit_code: Some(0),
            problem: None,
        };
        assert_eq!(failure(&hook, &end), None);
        end.exit_code = Some(3);
        let text = "note: the command `notify-send` failed after the end of job j: it ended with \
                    exit code 3. The job is not affected.";
        assert_eq!(failure(&hook, &end).as_deref(), Some(text));
        end.exit_code = None;
        end.problem = Some("it was ended by signal 9".into());
        let text = failure(&hook, &end).expect("a message");
        assert!(text.contains("ended by signal 9"), "{text}");
    }
}
