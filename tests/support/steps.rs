//! The steps of a case: commands in order, each with the servers' answers from then on and the
//! expected result.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::cases::{Count, fits, holds};
use super::pictures;
use super::provider::{Script, Server, connection_of, unused_url};
use super::sandbox::{Running, Sandbox};

/// A command and its expected result.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Step {
    /// The command line; the case's where absent. `{next}` stands for the arguments of the previous
    /// step's `next` command, `{job}` for the id of the last job in the output.
    arguments: Option<Vec<String>>,
    /// Answers from now on, merged over the previous ones.
    provider: Script,
    cdn: Script,
    /// Additional lines of the connection's table from now on.
    connection: Option<String>,
    /// Sends Ctrl-C once these requests have arrived.
    interrupt_when: Option<Arrivals>,
    /// Sends a second Ctrl-C after the message on the first.
    interrupt_again: bool,
    /// Kills the process once these requests have arrived. There is no exit code and no answer.
    kill_when: Option<Arrivals>,
    exit: Option<i32>,
    answer: Value,
    /// Requests to the provider during this step; not checked when absent.
    requests: Option<BTreeMap<String, Count>>,
}

/// The number of requests of each kind since the step began.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arrivals {
    provider: Counts,
    cdn: Counts,
}

type Counts = BTreeMap<String, usize>;

/// The sandbox, servers and command line of a case.
pub(crate) struct CaseContext {
    pub(crate) sandbox: Sandbox,
    /// `None`: no server listens.
    pub(crate) provider: Option<Server>,
    pub(crate) cdn: Server,
    /// The connection's category.
    pub(crate) category: String,
    /// The path of its base URL.
    pub(crate) base_path: String,
    /// The case's command line.
    pub(crate) arguments: Vec<String>,
}

/// The output of the steps so far.
#[derive(Default)]
pub(super) struct Transcript {
    next: Vec<String>,
    job: String,
    /// All standard output and standard error.
    pub(super) shown: String,
}

impl CaseContext {
    pub(super) fn configure(&self, more: &str) {
        let url = self.provider.as_ref().map_or_else(unused_url, Server::url);
        let url = url + &self.base_path;
        let more = format!("{}\n{more}", self.cdn.as_result_origin());
        let table = connection_of(&self.category, &url, &more);
        self.sandbox.configure(&table);
    }

    /// A value with the addresses of the servers in place of `{provider}` and `{cdn}`, and the URL of
    /// the clip's file in place of `{clip}`.
    fn addressed(&self, value: &Value) -> Value {
        let clip = Url::from_file_path(self.sandbox.path("clip.mp4")).expect("an absolute path");
        let mut text = value.to_string().replace("{cdn}", &self.cdn.url());
        text = text.replace("{clip}", clip.as_str());
        if let Some(provider) = &self.provider {
            text = text.replace("{provider}", &provider.url());
        }
        serde_json::from_str(&text).expect("JSON")
    }

    pub(super) fn counts(&self) -> Counts {
        self.provider
            .as_ref()
            .map(Server::counts)
            .unwrap_or_default()
    }

    fn arrivals(&self) -> Arrivals {
        Arrivals {
            provider: self.counts(),
            cdn: self.cdn.counts(),
        }
    }

    #[track_caller]
    fn wait_for(&self, more: &Arrivals, before: &Arrivals) {
        let wait = |server: &Server, more: &Counts, before: &Counts| {
            for (line, count) in more {
                server.wait_for(line, before.get(line).unwrap_or(&0) + count);
            }
        };
        if let Some(provider) = &self.provider {
            wait(provider, &more.provider, &before.provider);
        }
        wait(&self.cdn, &more.cdn, &before.cdn);
    }
}

impl Step {
    /// The one step of a case without `steps.json`.
    pub(super) fn only(exit: Option<i32>, answer: Value) -> Self {
        Self {
            exit,
            answer,
            ..Self::default()
        }
    }

    /// Whether the step needs Unix signals.
    pub(super) fn sends_signals(&self) -> bool {
        self.interrupt_when.is_some()
    }

    #[track_caller]
    pub(super) fn play(self, context: &CaseContext, transcript: &mut Transcript, place: &str) {
        if let Some(provider) = &context.provider {
            provider.script(self.provider);
        }
        context.cdn.script(self.cdn);
        if let Some(more) = &self.connection {
            context.configure(more);
        }
        let before = context.arrivals();
        let arguments = self.arguments.unwrap_or_else(|| context.arguments.clone());
        let arguments = transcript.fill(&arguments);
        let mut running = context.sandbox.start(context.sandbox.command(&arguments));
        if let Some(arrivals) = &self.kill_when {
            context.wait_for(arrivals, &before);
            running.kill();
            return;
        }
        if let Some(arrivals) = &self.interrupt_when {
            context.wait_for(arrivals, &before);
            interrupt(&mut running, self.interrupt_again);
        }
        let outcome = running.end();
        let place = format!("{place}\n{arguments:?}\n{outcome:?}");
        let exit = self.exit.unwrap_or_else(|| panic!("{place}: no `exit`"));
        assert_eq!(outcome.code, exit, "{place}");
        if !self.answer.is_null() {
            let expected = context.addressed(&self.answer);
            assert!(
                holds(&outcome.json(), &expected),
                "{place}\nexpected {expected}"
            );
        }
        if let Some(expected) = &self.requests {
            let mut arrived = context.counts();
            for (line, count) in &mut arrived {
                *count -= before.provider.get(line).copied().unwrap_or(0);
            }
            arrived.retain(|_, count| *count > 0);
            assert!(fits(&arrived, expected), "{place}\narrived {arrived:?}");
        }
        transcript.record(&outcome.stdout, &outcome.stderr);
    }
}

fn interrupt(running: &mut Running<'_>, again: bool) {
    #[cfg(unix)]
    {
        running.interrupt();
        if again {
            running.wait_for_stop();
            running.interrupt();
        }
    }
    #[cfg(not(unix))]
    unreachable!("{again}: such a case is not run, {}", running.id());
}

impl Transcript {
    fn fill(&self, arguments: &[String]) -> Vec<String> {
        let mut filled = Vec::new();
        for argument in arguments {
            if argument == "{next}" {
                assert!(!self.next.is_empty(), "no next command: {}", self.shown);
                filled.extend_from_slice(&self.next);
                continue;
            }
            let lighthouse = pictures::lighthouse();
            let argument = argument.replace("{lighthouse}", &lighthouse.to_string_lossy());
            filled.push(argument.replace("{job}", &self.job));
        }
        filled
    }

    /// Records the output, and the job's id and next command in it, in JSON or text.
    fn record(&mut self, stdout: &str, stderr: &str) {
        self.shown += stdout;
        self.shown += stderr;
        let answer: Value = serde_json::from_str(stdout).unwrap_or_default();
        let said = if answer["error"].is_object() {
            &answer["error"]
        } else {
            &answer
        };
        let line = |name| stderr.lines().find_map(|line| line.strip_prefix(name));
        let job = said["job"].as_str().or_else(|| said["id"].as_str());
        if let Some(job) = job.or_else(|| line("  job: ")) {
            job.clone_into(&mut self.job);
        }
        let next = said["next"].as_str().or_else(|| line("  next: "));
        self.next = next.map(command_in).unwrap_or_default();
    }
}

/// The arguments of the first command in a sentence.
pub(crate) fn command_in(sentence: &str) -> Vec<String> {
    let Some((_, command)) = sentence.split_once("zoetrope ") else {
        return Vec::new();
    };
    let ends = [", or", " && "];
    let end = ends.iter().filter_map(|end| command.find(end)).min();
    let command = &command[..end.unwrap_or(command.len())];
    command.split(' ').map(str::to_owned).collect()
}
