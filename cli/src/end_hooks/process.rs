//! The process of a command: no shell, no input, its output in messages while this program runs.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, PipeReader, PipeWriter, Read as _, pipe};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use zoetrope_host::ledger::{EndHook, Job, State};
use zoetrope_host::sanitize::line;

/// The longest line of output, in bytes; the rest is a line of its own.
const LONGEST: u64 = 4096;

/// The longest wait for output after the end of the process: a process that it started may go on and
/// print later.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(500);

/// Headers of the collector of traces, which may have a credential.
const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_";

/// What a command's process gets from this one.
pub(super) struct Surroundings {
    pub(super) data_dir: PathBuf,
    /// The variables that hold credentials: the process does not get them.
    pub(super) credentials: Vec<OsString>,
}

/// The variables of this process with credentials that are no connection's: headers of the collector
/// of traces, and proxies with a password.
pub(super) fn other_credentials() -> impl Iterator<Item = OsString> {
    std::env::vars_os()
        .filter(|(name, value)| is_credential(name, value))
        .map(|(name, _)| name)
}

fn is_credential(name: &OsStr, value: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    let is_header = name.starts_with(COLLECTOR) && name.ends_with("HEADERS");
    let is_proxy = name.ends_with("_PROXY") && value.as_encoded_bytes().contains(&b'@');
    is_header || is_proxy
}

/// A command's process.
pub(super) struct Running {
    child: Child,
    /// Closed when there is no more output.
    output: Option<Receiver<()>>,
}

/// Starts a command. Each line of its output is passed to `show`.
pub(super) fn start(
    hook: &EndHook,
    job: &Job,
    surroundings: &Surroundings,
    show: impl Fn(&str) + Send + 'static,
) -> Result<Running, String> {
    // With a pipe, the streams of this program end with it, although the command goes on.
    let (reader, writer) = pipe().map_err(not_started)?;
    let mut command = command(hook, job, surroundings, writer).map_err(not_started)?;
    let child = command.spawn().map_err(not_started)?;
    // The ends of the pipe that are in it.
    drop(command);
    let (open, output) = channel();
    let copying = thread::Builder::new()
        .name("end-hook".into())
        .spawn(move || {
            copy(reader, show);
            drop(open);
        });
    Ok(Running {
        child,
        output: copying.is_ok().then_some(output),
    })
}

impl Running {
    /// Waits for the end; returns the exit code, or why there is none.
    pub(super) fn end(mut self) -> Result<i32, String> {
        let status = self.child.wait();
        let status = status.map_err(|error| format!("its end is unknown: {error}"))?;
        if let Some(output) = self.output {
            let _ = output.recv_timeout(OUTPUT_PATIENCE);
        }
        status.code().ok_or_else(|| without_code(status))
    }
}

fn not_started(error: impl std::fmt::Display) -> String {
    format!("it cannot be started: {error}")
}

/// Passes the lines of an output on, as text without line ends.
fn copy(output: PipeReader, show: impl Fn(&str)) {
    let mut output = BufReader::new(output);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = output.by_ref().take(LONGEST).read_until(b'\n', &mut text);
        if !matches!(read, Ok(1..)) {
            return;
        }
        show(String::from_utf8_lossy(&text).trim_end_matches(['\r', '\n']));
    }
}

fn command(
    hook: &EndHook,
    job: &Job,
    surroundings: &Surroundings,
    output: PipeWriter,
) -> io::Result<Command> {
    let mut command = hook.command.command();
    for name in &surroundings.credentials {
        command.env_remove(name);
    }
    for (name, value) in variables(hook, job) {
        match value {
            Some(value) => command.env(name, value),
            // Not one that this process has got itself.
            None => command.env_remove(name),
        };
    }
    command.env(
        crate::args::environment::DATA_DIR.name,
        &surroundings.data_dir,
    );
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    apart(&mut command);
    Ok(command)
}

/// Ctrl-C is not for the command.
fn apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        /// `CREATE_NEW_PROCESS_GROUP`.
        const NEW_GROUP: u32 = 0x0000_0200;
        std::os::windows::process::CommandExt::creation_flags(command, NEW_GROUP);
    }
    #[cfg(not(any(unix, windows)))]
    let _ = command;
}

/// The variables about the job, without prompt and ticket. `docs/reference/configuration.md` lists them.
fn variables(hook: &EndHook, job: &Job) -> [(&'static str, Option<OsString>); 9] {
    let file = job.file().filter(|_| job.is_finalized());
    let error = job.last_error.as_ref();
    let error = error.filter(|_| hook.state != State::Succeeded);
    let cost = job.cost();
    let text = |text: &str| Some(OsString::from(line(text).as_ref()));
    [
        ("ZOETROPE_JOB", text(&job.spec.id)),
        ("ZOETROPE_STATE", text(hook.state.as_str())),
        ("ZOETROPE_NODE", text(&job.spec.node)),
        ("ZOETROPE_KEY", text(&job.spec.key)),
        ("ZOETROPE_CONNECTION", text(&job.spec.connection)),
        (
            "ZOETROPE_FILE",
            file.map(|file| file.path.clone().into_os_string()),
        ),
        ("ZOETROPE_CHARGED", text(job.charge().as_str())),
        (
            "ZOETROPE_COST",
            cost.and_then(|cost| text(&format!("{} {}", cost.amount, cost.unit))),
        ),
        (
            "ZOETROPE_ERROR_KIND",
            error.and_then(|error| text(error.kind.as_str())),
        ),
    ]
}

#[cfg(unix)]
fn without_code(status: ExitStatus) -> String {
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    format!("it was ended by signal {}", signal.unwrap_or_default())
}

#[cfg(not(unix))]
fn without_code(status: ExitStatus) -> String {
    format!("it ended with {status}")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use zoetrope_host::error::ErrorKind;
    use zoetrope_host::external_command::ExternalCommand;
    use zoetrope_host::ledger::{Cost, JobError, JobSpec, Target};

    use super::*;

    fn job() -> Job {
        let spec = JobSpec {
            id: "j-1".into(),
            node: "image_to_video".into(),
            raw_input: "{\"prompt\": \"secret prompt\"}".into(),
            raw_input_sha256: String::new(),
            input: "{\"prompt\": \"secret prompt\"}".into(),
            component: "c".into(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: "order-66".into(),
            idempotency_ms: 0,
            created_at: 1_000,
        };
        let target = Target::File("/clips/j.mp4".into());
        let mut job = Job::new(spec, target, "requester".into(), 1_800_000);
        job.billing.cost = Some(Cost {
            amount: "0.08".into(),
            unit: "USD".into(),
        });
        job.last_error = Some(JobError::new(ErrorKind::Rejected, "secret prompt"));
        job
    }

    fn hook(words: &[&str]) -> EndHook {
        EndHook {
            id: 1,
            job: "j-1".into(),
            state: State::Failed,
            command: ExternalCommand::new(words.iter().map(OsString::from)).expect("a command"),
            started_at: Some(1),
            end: None,
        }
    }

    fn surroundings() -> Surroundings {
        Surroundings {
            data_dir: "/data".into(),
            credentials: vec!["PIXELML_API_KEY".into()],
        }
    }

    #[test]
    fn process_gets_the_facts_of_the_job_and_neither_prompt_nor_credential() {
        let (_reader, output) = pipe().expect("a pipe");
        let hook = hook(&["notify-send", "clip ready"]);
        let command = command(&hook, &job(), &surroundings(), output).expect("a command");
        let variables: Vec<_> = command.get_envs().collect();
        let of = |name: &str| {
            let found = variables.iter().find(|one| one.0 == name);
            found.unwrap_or_else(|| panic!("{name}")).1
        };
        for (name, value) in [
            ("ZOETROPE_JOB", "j-1"),
            ("ZOETROPE_STATE", "failed"),
            ("ZOETROPE_NODE", "image_to_video"),
            ("ZOETROPE_KEY", "order-66"),
            ("ZOETROPE_CONNECTION", "pixelml"),
            ("ZOETROPE_CHARGED", "no"),
            ("ZOETROPE_COST", "0.08 USD"),
            ("ZOETROPE_ERROR_KIND", "rejected"),
            ("ZOETROPE_DATA_DIR", "/data"),
        ] {
            assert_eq!(of(name), Some(OsStr::new(value)), "{name}");
        }
        assert_eq!(of("ZOETROPE_FILE"), None, "it has no file");
        assert_eq!(of("PIXELML_API_KEY"), None, "it is removed");
        let shown = format!("{variables:?}");
        assert!(!shown.contains("prompt"), "{shown}");
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["clip ready"]);
    }

    #[cfg(unix)]
    #[test]
    fn end_of_a_process_is_its_code_or_the_reason_why_it_has_none() {
        let run = |words: &[&str]| {
            start(&hook(words), &job(), &surroundings(), |_| {}).and_then(Running::end)
        };
        assert_eq!(run(&["/bin/sh", "-c", "exit 3"]), Ok(3));
        assert_eq!(
            run(&["/bin/sh", "-c", "kill -9 $$"]),
            Err("it was ended by signal 9".into())
        );
        let missing = run(&["/nonexistent/program"]).expect_err("no program");
        assert!(missing.starts_with("it cannot be started: "), "{missing}");
        // Its input ends at once.
        assert_eq!(run(&["/bin/cat"]), Ok(0));
    }

    #[cfg(unix)]
    #[test]
    fn output_is_passed_on_in_lines_and_not_awaited_from_a_process_that_goes_on() {
        let script = "echo one; echo two >&2; printf three; exec 3>&1; sleep 400 & echo $! >&3";
        let words = ["/bin/sh", "-c", script];
        let (sender, lines) = channel();
        let show = move |line: &str| drop(sender.send(line.to_owned()));
        let running = start(&hook(&words), &job(), &surroundings(), show).expect("a process");
        assert_eq!(running.end(), Ok(0));
        let mut lines: Vec<String> = lines.try_iter().collect();
        let last = lines.pop().expect("the last line");
        assert_eq!(lines, ["one", "two"]);
        let sleeping = last.strip_prefix("three").expect("its number");
        let killed = Command::new("/bin/sh")
            .args(["-c", &format!("kill {sleeping}")])
            .status();
        assert!(killed.expect("a process").success());
    }

    #[test]
    fn headers_of_the_collector_and_proxies_with_a_password_are_credentials() {
        for (name, value, expected) in [
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret", true),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=b", true),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c.example", false),
            ("HTTPS_PROXY", "http://u:secret@proxy.example", true),
            ("all_proxy", "socks5://u:secret@proxy.example", true),
            ("HTTPS_PROXY", "http://proxy.example", false),
            ("MAIL", "me@example", false),
        ] {
            let found = is_credential(OsStr::new(name), OsStr::new(value));
            assert_eq!(found, expected, "{name}={value}");
        }
    }
}
