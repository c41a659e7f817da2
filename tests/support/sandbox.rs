//! A folder, a data directory and an environment for the real binary.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use zoetrope_host::config::{CONFIG_FILE, CONFIG_VARIABLE};

use super::outcome::Outcome;
use super::provider::Server;
use super::stream::Stream;

/// The credential of every configured connection. It must not appear in any output or file.
pub(crate) const CANARY_KEY: &str = "canary-key-52f1d3a07be944c6";

/// A prompt that must not appear in logs, errors or tickets.
pub(crate) const CANARY_PROMPT: &str = "canary-prompt-8d1e push in over the lighthouse";

/// The variable that holds [`CANARY_KEY`].
pub(crate) const KEY_VARIABLE: &str = "PIXELML_API_KEY";

/// A limit on a run, with a margin for slow machines: a binary that hangs fails its test.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(2);

/// A folder in which a test runs the binary.
pub(crate) struct Sandbox {
    folder: TempDir,
    /// The files that the test wrote; they may contain canaries.
    own: RefCell<BTreeSet<PathBuf>>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self {
            folder: tempfile::tempdir().expect("a folder"),
            own: RefCell::default(),
        };
        keep_compiled_code_in(&sandbox.data_dir());
        sandbox
    }

    /// A sandbox whose one connection is this server, with the canary credential.
    pub(crate) fn with_provider(server: &Server) -> Self {
        let sandbox = Self::new();
        sandbox.configure(&server.connection(""));
        sandbox
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        self.own.borrow_mut().insert(path.clone());
        path
    }

    /// Writes a shell script that can be run.
    #[cfg(unix)]
    pub(crate) fn write_script(&self, name: &str, lines: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.write(name, format!("#!/bin/sh\n{lines}\n"));
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(path, mode).expect("permissions");
    }

    pub(crate) fn configure(&self, toml: &str) {
        self.write(CONFIG_FILE, toml);
    }

    /// The user's own configuration folder.
    pub(crate) fn user_dir(&self) -> PathBuf {
        if cfg!(target_os = "macos") {
            self.path("home/Library/Application Support/zoetrope")
        } else {
            self.path("config/zoetrope")
        }
    }

    /// The variables that decide where the user's own folders are.
    pub(crate) fn home(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("HOME", self.path("home")),
            ("XDG_CONFIG_HOME", self.path("config")),
        ]
    }

    /// The command, which a test may change before it starts it. A `zoetrope.toml` that the test
    /// wrote is named by the variable: it needs no trust.
    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zoetrope"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.home())
            .env("ZOETROPE_DATA_DIR", self.data_dir())
            .env(KEY_VARIABLE, CANARY_KEY)
            // Not the caller's terminal, whose width would change the help.
            .stdin(Stdio::null());
        if self.path(CONFIG_FILE).exists() {
            command.env(CONFIG_VARIABLE, CONFIG_FILE);
        }
        command
    }

    /// The command as a user starts it in a folder: a `zoetrope.toml` there is found, not named.
    pub(crate) fn command_in_folder<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = self.command(arguments);
        command.env_remove(CONFIG_VARIABLE);
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        self.start(self.command(arguments)).end()
    }

    /// Runs the binary to its end, with `input` on its standard input.
    pub(crate) fn run_with_input<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Outcome {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        let mut running = self.start(command);
        let mut stdin = running.stdin();
        std::thread::scope(|scope| {
            // A binary that stops reading closes the pipe.
            scope.spawn(move || drop(stdin.write_all(input)));
            running.end()
        })
    }

    pub(crate) fn start(&self, mut command: Command) -> Running<'_> {
        let arguments: Vec<_> = command.get_args().map(OsStr::to_owned).collect();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary");
        let stdout = Stream::of(child.stdout.take().expect("a pipe"));
        let stderr = Stream::of(child.stderr.take().expect("a pipe"));
        Running {
            sandbox: self,
            child,
            stdout,
            stderr,
            is_json: arguments.iter().any(|argument| argument == "--json"),
            is_run: arguments.iter().any(|argument| argument == "run"),
        }
    }

    /// Every file here that the test did not write.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(kind) if kind.is_file() => files.push(entry.path()),
                    _ => {}
                }
            }
        }
        files.retain(|file| !self.own.borrow().contains(file));
        files
    }

    /// The jobs in the ledger, oldest first, from `zoetrope jobs`.
    #[track_caller]
    pub(crate) fn jobs(&self) -> Vec<Value> {
        let listed = self.run(["jobs", "--json"]);
        assert_eq!(listed.code, 0, "{listed:?}");
        match listed.json() {
            Value::Array(jobs) => jobs,
            other => panic!("no array: {other}"),
        }
    }

    /// The texts of the ledger except the inputs, which contain the prompts.
    pub(super) fn ledger_without_inputs(&self) -> String {
        let path = self.data_dir().join("ledger.sqlite3");
        if !path.exists() {
            return String::new();
        }
        let Ok(ledger) = rusqlite::Connection::open(path) else {
            return String::new();
        };
        let mut texts = String::new();
        for table in tables(&ledger) {
            let Ok(mut rows) = ledger.prepare(&format!("SELECT * FROM {table}")) else {
                continue;
            };
            let names: Vec<_> = rows.column_names().map(str::to_owned).collect();
            let mut rows = rows.query([]).expect("the rows");
            while let Ok(Some(row)) = rows.next() {
                let others = names
                    .iter()
                    .filter(|name| !["raw_input", "input"].contains(&name.as_str()));
                for name in others {
                    let value = row.get_ref(name.as_str()).expect("a column");
                    // A test may damage a text.
                    if let Ok(Some(bytes)) = value.as_bytes_or_null() {
                        texts += &String::from_utf8_lossy(bytes);
                    }
                    texts.push('\n');
                }
            }
        }
        texts
    }

    /// The key of the practice provider.
    pub(super) fn practice_key(&self) -> Option<String> {
        let key = fs::read_to_string(self.data_dir().join("practice/key")).ok()?;
        Some(key.trim().to_owned()).filter(|key| !key.is_empty())
    }
}

/// The tables of a ledger; empty if the file is not a database.
fn tables(ledger: &rusqlite::Connection) -> Vec<String> {
    let names = ledger.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'");
    let Ok(mut names) = names else {
        return Vec::new();
    };
    let names = names.query_map([], |row| row.get(0));
    names.into_iter().flatten().flatten().collect()
}

/// A running binary.
pub(crate) struct Running<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    stdout: Stream,
    stderr: Stream,
    is_json: bool,
    is_run: bool,
}

impl Running<'_> {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("a piped standard input")
    }

    /// The next line on standard output.
    pub(crate) fn line(&mut self) -> String {
        self.stdout.line()
    }

    /// The next line on standard output, which is not kept: for output that exceeds the memory.
    pub(crate) fn line_unkept(&mut self) -> String {
        let line = self.stdout.line();
        self.stdout.read.clear();
        line
    }

    /// The next line on standard error.
    pub(crate) fn error_line(&mut self) -> String {
        self.stderr.line()
    }

    /// Reads messages until the one that a first Ctrl-C is answered with.
    pub(crate) fn wait_for_stop(&mut self) {
        let is_answer = |line: &str| {
            line.starts_with("Stopping in 3 s") || line.starts_with("Interrupted: nothing was")
        };
        while !is_answer(&self.error_line()) {}
    }

    /// Sends Ctrl-C to this process only.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        self.send(rustix::process::Signal::INT);
    }

    /// Sends a signal to this process only.
    #[cfg(unix)]
    pub(crate) fn send(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("a signal");
    }

    /// Kills this process.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a process of its own");
        self.child.wait().expect("its end");
    }

    #[cfg(unix)]
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a process of its own")
            .is_some()
    }

    /// Kills this process. Returns whether it was still running.
    #[cfg(unix)]
    pub(crate) fn kill_if_running(mut self) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        self.child.kill().expect("a process of its own");
        let ended = self.child.wait().expect("its end");
        ended.signal().is_some()
    }

    /// Waits for its end and checks the invariants of every run.
    pub(crate) fn end(mut self) -> Outcome {
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            drop(self.child.kill());
            panic!("the binary did not end within {TIMEOUT:?}");
        };
        let status = self.child.wait().expect("an exit status");
        let code = status.code();
        let outcome = Outcome {
            code: code.unwrap_or_else(|| panic!("ended by a signal: {status}\n{stderr}")),
            stdout,
            stderr,
        };
        outcome.check_invariants(self.sandbox, self.is_run);
        if self.is_json && outcome.code != 0 {
            outcome.check_documented_failure();
        }
        outcome
    }
}

impl Drop for Running<'_> {
    /// Kills the process of a failed test; no effect on one that has ended.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Compiles the embedded component once for all sandboxes.
fn keep_compiled_code_in(data_dir: &Path) {
    static CODE: OnceLock<TempDir> = OnceLock::new();
    let warm = CODE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_zoetrope"));
        let listed = command
            .args(["nodes", "--data-dir"])
            .arg(folder.path())
            // Not the configuration of the user who runs the tests.
            .env_remove(CONFIG_VARIABLE)
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .current_dir(folder.path())
            .output();
        assert!(listed.expect("the binary").status.success());
        folder
    });
    let (from, to) = (warm.path().join("code"), data_dir.join("code"));
    create_private_folder(&to);
    for entry in fs::read_dir(&from).expect("compiled code").flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// Compiled code is read only from a folder that its owner alone can write.
fn create_private_folder(path: &Path) {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).expect("a folder");
}

#[test]
#[should_panic(expected = "a credential is shown")]
fn run_that_shows_a_credential_fails_its_test() {
    let sandbox = Sandbox::new();
    sandbox.run(["nodes", CANARY_KEY]);
}

#[test]
#[should_panic(expected = "a prompt is in ")]
fn run_that_leaves_a_prompt_behind_fails_its_test() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("left behind"), CANARY_PROMPT).expect("a file");
    sandbox.run(["nodes"]);
}
