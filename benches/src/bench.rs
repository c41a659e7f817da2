//! The main function that all benches share: options, environment, JSON output.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;
use zoetrope_bundled_pack::COMPONENT;

use crate::Failure;
use crate::cargo::{build_zoetrope, target};
use crate::environment::Environment;

/// The option that names the measured command, for the benches that have one.
pub const ZOETROPE: &str = "--zoetrope FILE";

const JSON: &str = "--json FILE";

/// The workspace and the options of a bench.
pub struct Bench {
    workspace: PathBuf,
    given: Vec<(String, String)>,
}

impl Bench {
    /// The program of the bench `name`: reads the command line, prints the environment, runs
    /// `measure`, which prints its tables, and writes its document if `--json FILE` is set.
    /// `options` are the other options, each with the name of its value.
    pub fn main(
        name: &str,
        options: &[&str],
        measure: impl FnOnce(&Self) -> Result<Value, Failure>,
    ) -> ExitCode {
        let options = [&[JSON], options].concat();
        let mut arguments: Vec<String> = std::env::args().skip(1).collect();
        let measures = arguments.iter().any(|argument| argument == "--bench");
        arguments.retain(|argument| argument != "--bench");
        let Some(given) = read(arguments, &options) else {
            let options = options.join("] [");
            eprintln!("usage: cargo bench -p zoetrope-benches --bench {name} [-- [{options}]]");
            return ExitCode::from(2);
        };
        if !measures {
            eprintln!("measures under `cargo bench` alone");
            return ExitCode::SUCCESS;
        }
        let bench = Self {
            // Cargo runs benches in the package's folder.
            workspace: Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
            given,
        };
        match bench.run(measure) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run(&self, measure: impl FnOnce(&Self) -> Result<Value, Failure>) -> Result<(), Failure> {
        let environment = Environment::of(&self.workspace, COMPONENT.len());
        println!("{environment}\n");
        let mut document = measure(self)?;
        if let Some(path) = self.value(JSON) {
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

    /// The value of an option, the last one if it is repeated.
    #[must_use]
    pub fn value(&self, option: &str) -> Option<&str> {
        self.values(option).last()
    }

    /// All values of an option, in their order.
    pub fn values(&self, option: &str) -> impl Iterator<Item = &str> {
        let given = self.given.iter();
        given.filter_map(move |(name, value)| (name == word(option)).then_some(value.as_str()))
    }

    /// The measured command: the one of `--zoetrope`, or the release build.
    ///
    /// # Errors
    ///
    /// When it does not build.
    pub fn zoetrope(&self) -> Result<PathBuf, Failure> {
        match self.value(ZOETROPE) {
            Some(given) => Ok(self.workspace.join(given)),
            None => build_zoetrope(&self.workspace),
        }
    }

    /// An empty folder of this name in the target folder, which is on a disk; the system's folder
    /// for temporary files may be in memory.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = target()?.join("benches").join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// Options and their values; `None` when one is not among `options`, or has no value.
fn read(arguments: Vec<String>, options: &[&str]) -> Option<Vec<(String, String)>> {
    let mut arguments = arguments.into_iter();
    let mut given = Vec::new();
    while let Some(name) = arguments.next() {
        if !options.iter().any(|option| word(option) == name) {
            return None;
        }
        given.push((name, arguments.next()?));
    }
    Some(given)
}

/// An option without the name of its value.
fn word(option: &str) -> &str {
    option.split(' ').next().unwrap_or(option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_option_is_refused() {
        let read =
            |line: &str, options| read(line.split(' ').map(str::to_owned).collect(), options);
        let given = read("--json a --zoetrope b --json c", &[JSON, ZOETROPE]);
        let bench = Bench {
            workspace: PathBuf::new(),
            given: given.expect("options that it has"),
        };
        assert_eq!(bench.values(JSON).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(bench.value(ZOETROPE), Some("b"));
        assert_eq!(read("--json a --zoetrope b", &[JSON]), None);
        assert_eq!(read("--json", &[JSON]), None);
    }
}
