//! Checks a long list of inputs in two processes: `zoetrope check --jsonl`, and Python with
//! pydantic.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::peers::Peers;
use crate::{Failure, NODE};

/// The lines a second that the command must reach.
pub const TARGET: f64 = 10_000.0;

/// Runs of each contestant.
pub const RUNS: usize = 3;

/// Every tenth line breaks the schema.
const BROKEN_ONE_IN: usize = 10;

/// Validates a list of documents and prints the seconds that it took.
const PYDANTIC: &str = r"
import sys, time
sys.path.insert(0, sys.argv[1])
from models import MODELS
import pydantic
model = MODELS[sys.argv[2]]
begun = time.perf_counter()
with open(sys.argv[3], 'rb') as lines:
    for line in lines:
        try:
            model.model_validate_json(line, strict=True).model_dump_json()
        except pydantic.ValidationError as error:
            error.errors(include_url=False)
print(time.perf_counter() - begun)
";

/// A list on disk, and the command that reads it.
pub struct Lines {
    folder: tempfile::TempDir,
    zoetrope: PathBuf,
    count: usize,
}

impl Lines {
    /// Writes a list of `count` inputs.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(zoetrope: PathBuf, count: usize) -> Result<Self, Failure> {
        let lines = Self {
            folder: tempfile::tempdir()?,
            zoetrope,
            count,
        };
        let mut file = BufWriter::new(std::fs::File::create(lines.path())?);
        for number in 0..count {
            let steps = if number % BROKEN_ONE_IN == 0 {
                51
            } else {
                1 + number % 50
            };
            writeln!(
                file,
                r#"{{"prompt": "Slow push in over the harbour at dusk, take {number}; gulls, élan, calm water", "image": "https://pictures.example/harbour/{number}.png", "negative_prompt": "text, frames, flicker", "steps": {steps}, "guidance_scale": {}}}"#,
                1 + number % 10
            )?;
        }
        file.flush()?;
        // Not the configuration of the user who runs the benchmark.
        std::fs::write(lines.config(), "")?;
        Ok(lines)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("inputs.jsonl")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("empty.toml")
    }

    /// `zoetrope check --jsonl` over the list, from the process's start to its end.
    ///
    /// # Errors
    ///
    /// When the exit status is not the expected one, or a line has no answer.
    pub fn zoetrope(&self) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let mut process = Command::new(&self.zoetrope)
            .args(["check", NODE, "--jsonl", "--input"])
            .arg(self.path())
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .current_dir(self.folder.path())
            .env("ZOETROPE_CONFIG", self.config())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut answers =
            BufReader::with_capacity(1 << 16, process.stdout.take().ok_or("no pipe")?);
        let mut count = 0;
        while answers.skip_until(b'\n')? > 0 {
            count += 1;
        }
        let status = process.wait()?;
        let taken = begun.elapsed();
        if count == self.count && status.code() == Some(3) {
            Ok(taken)
        } else {
            Err(format!("{count} answers for {} lines, and {status}", self.count).into())
        }
    }

    /// Pydantic over the list, one thread, without the start of Python.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn pydantic(&self, peers: &Peers, workspace: &Path) -> Result<Duration, Failure> {
        let output = peers
            .python()
            .args(["-c", PYDANTIC])
            .arg(workspace.join("tests/pydantic"))
            .arg(NODE)
            .arg(self.path())
            .stderr(Stdio::inherit())
            .output()?;
        let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        Ok(Duration::try_from_secs_f64(seconds)?)
    }

    /// Lines a second of a run that took this long.
    #[must_use]
    pub fn a_second(&self, taken: Duration) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 lines")]
        let count = self.count as f64;
        count / taken.as_secs_f64()
    }
}
