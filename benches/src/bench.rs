//! What every bench's program does around its measurements.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;
use zoetrope_host::EMBEDDED_COMPONENT;

use crate::Failure;
use crate::environment::Environment;
use crate::lines;

/// Where a bench runs, and what it was asked for.
pub struct Bench {
    workspace: PathBuf,
    json: Option<PathBuf>,
    zoetrope: Option<PathBuf>,
}

impl Bench {
    /// The program of the bench `name`: reads the command line, names the environment, lets
    /// `measure` print its tables, and writes them down where it was asked to.
    pub fn main(name: &str, measure: impl FnOnce(&Self) -> Result<Value, Failure>) -> ExitCode {
        let mut arguments = std::env::args().skip(1);
        let mut measures = false;
        let mut bench = Self {
            // Cargo runs this in the package's folder; people are in the workspace's.
            workspace: Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
            json: None,
            zoetrope: None,
        };
        while let Some(argument) = arguments.next() {
            match (argument.as_str(), arguments.len()) {
                ("--bench", _) => measures = true,
                ("--json", 1..) => bench.json = arguments.next().map(PathBuf::from),
                ("--zoetrope", 1..) => bench.zoetrope = arguments.next().map(PathBuf::from),
                _ => {
                    eprintln!(
                        "usage: cargo bench -p zoetrope-benches --bench {name} \
                         [-- [--json FILE] [--zoetrope FILE]]"
                    );
                    return ExitCode::from(2);
                }
            }
        }
        if !measures {
            eprintln!("measures under `cargo bench` alone");
            return ExitCode::SUCCESS;
        }
        match bench.run(measure) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run(&self, measure: impl FnOnce(&Self) -> Result<Value, Failure>) -> Result<(), Failure> {
        let environment = Environment::of(&self.workspace, EMBEDDED_COMPONENT.len());
        println!("{environment}\n");
        let mut document = measure(self)?;
        if let Some(path) = &self.json {
            document["environment"] = environment.to_json();
            std::fs::write(self.workspace.join(path), format!("{document:#}\n"))?;
        }
        Ok(())
    }

    /// The workspace's folder.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// The command that is measured: the one that was given, or the release build.
    ///
    /// # Errors
    ///
    /// When it does not build.
    pub fn zoetrope(&self) -> Result<PathBuf, Failure> {
        match &self.zoetrope {
            Some(given) => Ok(self.workspace.join(given)),
            None => lines::build_zoetrope(&self.workspace),
        }
    }

    /// An empty folder of this name beside the builds: on a disk, where the folder for
    /// temporary files may be memory.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = target()?.join("benches").join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// Cargo's target folder.
///
/// # Errors
///
/// When this program is not in it.
pub fn target() -> Result<PathBuf, Failure> {
    let this = std::env::current_exe()?;
    // `target/release/deps/call-…` runs this.
    let target = this.ancestors().nth(3).ok_or("an odd place to run from")?;
    Ok(target.to_owned())
}
