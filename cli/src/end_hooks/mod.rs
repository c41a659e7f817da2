//! Runs the commands of `--exec` and `[hooks] on_end` when jobs have ended.
//!
//! The ledger says which commands are due, of the jobs of every process; the one that claims a
//! command runs it. They hold up no job: they run beside the driver, and the program waits at its end,
//! for a limited time, for those of jobs that ended while it ran. Those that were due before are left
//! over from other processes: they are started one after the other, and the program waits for
//! them for a second at most.
//!
//! - `option`: the command of `--exec`; `process`: a command's environment and its process

mod option;
mod process;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::sleep;
use zoetrope_host::config::Config;
use zoetrope_host::connections::SecretSource;
use zoetrope_host::driver::now;
use zoetrope_host::error::chain;
use zoetrope_host::ledger::{EndHook, HookEnd, Job, Ledger, Millis};

use super::interrupts::Interrupts;
use super::printer::Printer;

pub(super) use option::of_option;
use process::{Running, Surroundings, other_credentials};

/// The time between two looks for commands that are due.
const INTERVAL: Duration = Duration::from_secs(1);

/// The most commands that run at once. The others wait for their turn.
const MOST: usize = 4;

/// The longest wait for commands at the end of the program.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same after the user has interrupted the program.
const INTERRUPTED_PATIENCE: Duration = Duration::from_secs(1);

/// How long a command without an end holds up those that are left over, in milliseconds: it may be one
/// that does not end.
const HOLD_UP: Millis = 10 * 60 * 1000;

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
    /// The last command in the ledger when this process began.
    last: i64,
}

/// A command that this process has claimed.
struct Started {
    hook: EndHook,
    running: Result<Running, String>,
}

/// The commands that run: of jobs that ended while this process runs, and others.
#[derive(Default)]
struct Work {
    own: JoinSet<()>,
    left_over: JoinSet<()>,
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
                    SecretSource::Env(name) => Some(name.into()),
                    _ => None,
                });
        let surroundings = Surroundings {
            data_dir,
            credentials: credentials.chain(other_credentials()).collect(),
        };
        let last = ledger.last_end_hook().ok().flatten();
        let runner = Arc::new(Runner {
            ledger,
            surroundings,
            printer,
            last: last.unwrap_or(i64::MIN),
        });
        let (is_ending, ending) = watch::channel(false);
        let work = tokio::spawn(Arc::clone(&runner).work(ending));
        Self {
            runner,
            is_ending,
            work: Mutex::new(Some(work)),
        }
    }

    /// Starts the commands that are still due, and waits for those of jobs that ended while this
    /// process ran: not longer than the limit, and not after a signal.
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
        let mut work = Work::default();
        let mut end = None;
        loop {
            let is_ending = *ending.borrow_and_update();
            self.start_due(&mut work).await;
            if is_ending {
                let end: &mut Instant = end.get_or_insert_with(Instant::now);
                let is_awaited = !work.left_over.is_empty() && end.elapsed() < INTERVAL;
                if work.own.is_empty() && !is_awaited {
                    return;
                }
            }
            tokio::select! {
                Some(_) = work.own.join_next() => {}
                Some(_) = work.left_over.join_next() => {}
                () = sleep(INTERVAL) => {}
                changed = ending.changed(), if !is_ending => if changed.is_err() {
                    return;
                }
            }
        }
    }

    /// Starts the commands that are due, as many as may run.
    async fn start_due(self: &Arc<Self>, work: &mut Work) {
        while work.own.len() < MOST {
            let this = Arc::clone(self);
            // Started there as well: the program may end before another thread begins.
            let started = spawn_blocking(move || this.start_next()).await;
            let Ok(Some(started)) = started else {
                return;
            };
            let is_left_over = started.hook.id <= self.last;
            let work = if is_left_over {
                &mut work.left_over
            } else {
                &mut work.own
            };
            let this = Arc::clone(self);
            work.spawn_blocking(move || this.finish(started));
        }
    }

    /// Starts the next command that is due, which no other process starts from now on: first those of
    /// jobs that ended while this process runs.
    fn start_next(&self) -> Option<Started> {
        if let Some(started) = self.claim_first(self.last) {
            return Some(started);
        }
        // The others are not read where none of them may be started.
        if self.is_any_running() {
            return None;
        }
        self.claim_first(i64::MIN)
    }

    /// Starts the first command that is due and comes after this one.
    fn claim_first(&self, after: i64) -> Option<Started> {
        let due = self.ledger.due_end_hooks(after);
        let due = due.inspect_err(|error| {
            tracing::debug!(error = chain(error), "the due commands cannot be read");
        });
        let mut due = due.unwrap_or_default().into_iter();
        due.find_map(|(hook, job)| self.claim(hook, &job))
    }

    /// Whether a command runs, of any process. It is unknown of those that were not awaited.
    fn is_any_running(&self) -> bool {
        let running = self.ledger.is_end_hook_running(now() - HOLD_UP);
        running.unwrap_or(true)
    }

    fn claim(&self, hook: EndHook, job: &Job) -> Option<Started> {
        match self.ledger.start_end_hook(hook.id, now()) {
            Ok(true) => {
                let printer = self.printer.clone();
                let show = move |line: &str| printer.message(line);
                let running = process::start(&hook, job, &self.surroundings, show);
                Some(Started { hook, running })
            }
            // Another process has claimed it.
            Ok(false) => None,
            Err(error) => {
                let (job, error) = (&hook.job, chain(&error));
                tracing::warn!(job, error, "the command of a job's end is not started yet");
                None
            }
        }
    }

    /// Waits for the end of a command and records it.
    fn finish(&self, Started { hook, running }: Started) {
        let ended = running.and_then(Running::end);
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
        if let Some(text) = failure(&hook, &end) {
            self.printer.message(&text);
        }
    }

    /// Says which commands were not awaited or not started.
    fn say_what_is_left(&self) {
        self.printer
            .message("note: not waiting any longer for the commands of ended jobs");
        let due = self.ledger.due_end_hooks(self.last).unwrap_or_default();
        if !due.is_empty() {
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
