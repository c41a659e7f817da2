//! Programs without Zoetrope, in separate processes.
//!
//! `benches/peers/install.sh` installs them; the report lists missing ones. They run as long as
//! their group, take turns with the other contestants and time each operation themselves, so that
//! the pipe is not measured.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::Failure;
use crate::cargo::target;
use crate::measure::{MOST_A_TURN, TURN};

/// Prints the installed versions.
const PYTHON_VERSIONS: &str = r"
import json, platform
from importlib.metadata import version
packages = ('pydantic', 'httpx', 'jsonschema')
print(json.dumps({'Python': platform.python_version()} | {name: version(name) for name in packages}))
";

/// The same for Node.js.
const NODE_VERSIONS: &str = r"
const version = (name) => require(`${name}/package.json`).version;
console.log(JSON.stringify({
    'Node.js': process.versions.node, ajv: version('ajv'), undici: version('undici'),
}));
";

/// The platform of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Python, with pydantic, httpx and jsonschema.
    Python,
    /// Node.js, with ajv and undici.
    NodeJs,
}

impl Platform {
    /// Its key among the versions.
    fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::NodeJs => "Node.js",
        }
    }
}

/// A program of `benches/peers/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Pydantic reads an input and dumps it.
    Pydantic,
    /// Python's `jsonschema` validates an input, and the defaults are filled in.
    Jsonschema,
    /// A node in Python.
    PythonNode,
    /// A node in Node.js.
    NodeJsNode,
    /// A task of Python's asyncio for each job.
    Tasks,
}

impl Program {
    /// Its row in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pydantic => "pydantic: model_validate_json, model_dump_json",
            Self::Jsonschema => "Python's jsonschema: loads, validate, defaults, dumps",
            Self::PythonNode => "a Python node: pydantic and httpx, kept connection",
            Self::NodeJsNode => "a Node.js node: ajv and undici, kept connection",
            Self::Tasks => "an asyncio task for each (Python, httpx)",
        }
    }

    fn platform(self) -> Platform {
        match self {
            Self::NodeJsNode => Platform::NodeJs,
            _ => Platform::Python,
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Pydantic => "python/pydantic_check.py",
            Self::Jsonschema => "python/jsonschema_check.py",
            Self::PythonNode => "python/submit.py",
            Self::NodeJsNode => "node/submit.cjs",
            Self::Tasks => "python/load.py",
        }
    }
}

/// The peers that are installed.
pub struct Peers {
    programs: PathBuf,
    installed: PathBuf,
    missing: Vec<String>,
    versions: Map<String, Value>,
}

impl Peers {
    /// The peers that are installed under Cargo's target folder.
    ///
    /// # Errors
    ///
    /// When there is no such folder.
    pub fn find(workspace: &Path) -> Result<Self, Failure> {
        let mut peers = Self {
            programs: workspace.join("benches/peers").canonicalize()?,
            installed: target()?.join("peers"),
            missing: Vec::new(),
            versions: Map::new(),
        };
        for (mut command, versions) in [
            (peers.python(), ["-c", PYTHON_VERSIONS]),
            (peers.node(), ["-e", NODE_VERSIONS]),
        ] {
            let output = command.args(versions).stderr(Stdio::null()).output();
            let said = output
                .ok()
                .map(|output| serde_json::from_slice(&output.stdout));
            if let Some(Ok(versions)) = said {
                peers.versions.extend::<Map<_, _>>(versions);
            }
        }
        Ok(peers)
    }

    /// Python with the installed packages.
    #[must_use]
    pub fn python(&self) -> Command {
        let mut python = Command::new(self.installed.join("python/bin/python"));
        // Compiled modules are cached, as for users, but outside the sources.
        python.env_remove("PYTHONDONTWRITEBYTECODE");
        python.env("PYTHONPYCACHEPREFIX", self.installed.join("bytecode"));
        python
    }

    /// Node.js with the installed packages.
    #[must_use]
    pub fn node(&self) -> Command {
        let mut node = Command::new("node");
        node.env("NODE_PATH", self.installed.join("node/node_modules"));
        node
    }

    /// Whether the platform and its packages are installed. Otherwise `name` is listed as missing.
    pub fn have(&mut self, platform: Platform, name: &str) -> bool {
        let installed = self.versions.contains_key(platform.name());
        if !installed && !self.missing.iter().any(|known| known == name) {
            self.missing.push(name.to_owned());
        }
        installed
    }

    /// The command of a program; `None` where it is missing, which is listed.
    pub fn command(&mut self, program: Program) -> Option<Command> {
        if !self.have(program.platform(), program.name()) {
            return None;
        }
        let mut command = match program.platform() {
            Platform::Python => self.python(),
            Platform::NodeJs => self.node(),
        };
        command.arg(self.programs.join(program.file()));
        Some(command)
    }

    /// Starts a program, which does this work once; `None` where it is missing.
    ///
    /// # Errors
    ///
    /// When it does not run, or its answer is wrong.
    pub fn start(
        &mut self,
        program: Program,
        work: &Value,
        is_right: impl Fn(&str) -> bool,
    ) -> Result<Option<Peer>, Failure> {
        let Some(command) = self.command(program) else {
            return Ok(None);
        };
        let mut peer = Peer::spawn(command, program)?;
        let first = peer.asked(work)?;
        if first.as_str().is_some_and(is_right) {
            Ok(Some(peer))
        } else {
            Err(format!("{}: the answer is wrong", program.name()).into())
        }
    }

    /// Versions by name, and the missing peers.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"versions": self.versions, "missing": self.missing})
    }
}

impl std::fmt::Display for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let version = |(name, version): (&String, &Value)| {
            format!("{name} {}", version.as_str().unwrap_or("?"))
        };
        let versions: Vec<String> = self.versions.iter().map(version).collect();
        let versions = match versions.as_slice() {
            [] => "none".into(),
            some => some.join(", "),
        };
        write!(f, "peers      {versions}")?;
        for name in &self.missing {
            write!(f, "\nMISSING    {name} (benches/peers/install.sh)")?;
        }
        Ok(())
    }
}

/// A running peer. Killed when it is dropped.
pub struct Peer {
    program: Program,
    process: Child,
    turns: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn spawn(mut command: Command, program: Program) -> Result<Self, Failure> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let turns = process.stdin.take().ok_or("no pipe")?;
        let answers = process.stdout.take().ok_or("no pipe")?;
        Ok(Self {
            program,
            process,
            turns,
            answers: BufReader::new(answers).lines(),
        })
    }

    /// Its row in a table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.program.name()
    }

    /// Runs one turn and returns the duration of each operation.
    ///
    /// # Errors
    ///
    /// When it has ended, or its durations exceed the turn.
    pub fn turn(&mut self) -> Result<Vec<Duration>, Failure> {
        let turn = json!({"operations": MOST_A_TURN, "nanoseconds": TURN.as_nanos()});
        let begun = Instant::now();
        let answer = self.asked(&turn)?;
        let elapsed = begun.elapsed();
        let taken: Vec<u64> = serde_json::from_value(answer)?;
        let taken: Vec<_> = taken.into_iter().map(Duration::from_nanos).collect();
        if taken.is_empty() || taken.iter().sum::<Duration>() > elapsed {
            return Err(format!("{}: no durations, or more than the turn", self.name()).into());
        }
        Ok(taken)
    }

    fn asked(&mut self, question: &Value) -> Result<Value, Failure> {
        writeln!(self.turns, "{question}")?;
        let gone = || format!("{} has ended", self.program.name());
        let answer = self.answers.next().ok_or_else(gone)??;
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
