//! What people would otherwise use, in processes of their own.
//!
//! `benches/peers/install.sh` installs them; one that is missing is named. They live as long as
//! their group, take turns like everybody else and time each operation themselves, so that no
//! pipe is measured.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::Failure;
use crate::cargo::target;
use crate::measure::{MOST_A_TURN, TURN};

/// Says which versions are installed.
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

/// What a peer runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Python, with pydantic, httpx and jsonschema.
    Python,
    /// Node.js, with ajv and undici.
    NodeJs,
}

impl Platform {
    /// As its versions are named.
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
    /// Python's `jsonschema` reads an input, whose defaults are then filled in.
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
    /// Those that were installed under Cargo's target folder.
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

    /// Python, with what was installed for it.
    #[must_use]
    pub fn python(&self) -> Command {
        let mut python = Command::new(self.installed.join("python/bin/python"));
        // Compiled modules are kept, as users have them, but not among the sources.
        python.env_remove("PYTHONDONTWRITEBYTECODE");
        python.env("PYTHONPYCACHEPREFIX", self.installed.join("bytecode"));
        python
    }

    /// Node.js, with what was installed for it.
    #[must_use]
    pub fn node(&self) -> Command {
        let mut node = Command::new("node");
        node.env("NODE_PATH", self.installed.join("node/node_modules"));
        node
    }

    /// Whether the platform and its packages are installed; `name`, which needs them, is noted
    /// as missing otherwise.
    pub fn have(&mut self, platform: Platform, name: &str) -> bool {
        let installed = self.versions.contains_key(platform.name());
        if !installed && !self.missing.iter().any(|known| known == name) {
            self.missing.push(name.to_owned());
        }
        installed
    }

    /// What starts a program; `None` where it is missing, which is noted.
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

    /// Starts a program for this work, which it then has done once; `None` where it is
    /// missing.
    ///
    /// # Errors
    ///
    /// When it does not run, or its answer is not right.
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
            Err(format!("{}: another answer than ours", program.name()).into())
        }
    }

    /// Versions by name, and who is missing.
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

    /// One turn: how long each operation took.
    ///
    /// # Errors
    ///
    /// When it is gone, or its clock is not ours.
    pub fn turn(&mut self) -> Result<Vec<Duration>, Failure> {
        let turn = json!({"operations": MOST_A_TURN, "nanoseconds": TURN.as_nanos()});
        let begun = Instant::now();
        let answer = self.asked(&turn)?;
        let elapsed = begun.elapsed();
        let taken: Vec<u64> = serde_json::from_value(answer)?;
        let taken: Vec<_> = taken.into_iter().map(Duration::from_nanos).collect();
        if taken.is_empty() || taken.iter().sum::<Duration>() > elapsed {
            return Err(format!("{}: its operations do not fill its turn", self.name()).into());
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
