//! The configuration of a command: the file that is used, and what follows if the working
//! directory has a file that is not trusted.

use std::path::Path;
use std::sync::Once;

use tokio::sync::OnceCell;
use zoetrope_bundled_pack::DIGEST;
use zoetrope_host::config::{
    CONFIG_VARIABLE, Config, ConfigError, ConfigFile, Located, NotTrusted, Places, check,
    is_inherited,
};
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::jobs::{NextStep, Repair};
use zoetrope_host::sanitize::escaped_path;

use super::printer::Printer;
use super::report::{Failure, Phase, next_step};
use super::shell::quoted;

/// The id of the practice provider's connection, in every category.
pub(super) const PRACTICE: &str = "practice";

/// Why a command for a connection needs the file.
pub(super) const USES_CONNECTION: &str = "this command would use a connection; nothing was sent";

/// Where the configuration is looked for, and what was found. Each is determined when it is
/// first used.
pub(super) struct Configuration {
    places: Places,
    located: OnceCell<Located>,
    config: OnceCell<Config>,
    noted: Once,
}

impl Configuration {
    pub(super) fn new(places: Places) -> Self {
        Self {
            places,
            located: OnceCell::new(),
            config: OnceCell::new(),
            noted: Once::new(),
        }
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// The configuration file.
    pub(super) async fn located(&self) -> Result<&Located, Failure> {
        let locate = async || {
            self.places
                .locate()
                .map_err(|error| self.unreadable(&error))
        };
        self.located.get_or_try_init(locate).await
    }

    /// The failure of a file in use that cannot be read. It names the variable that chose it.
    pub(super) fn unreadable(&self, error: &ConfigError) -> Failure {
        let Places {
            option, variable, ..
        } = &self.places;
        let is_of_variable = match error {
            ConfigError::Read { path, .. } => option.is_none() && variable.as_ref() == Some(path),
            _ => false,
        };
        if is_of_variable {
            let message = format!("{}; {CONFIG_VARIABLE} names this file", chain(error));
            let next = format!(
                "Correct the variable {CONFIG_VARIABLE}, or remove it, then run the same command again"
            );
            return bad_with(message).then(next);
        }
        bad(error)
    }

    /// The configuration. It is empty if the file of the working directory is not trusted: see
    /// [`trusted`](Self::trusted).
    pub(super) async fn config(&self) -> Result<&Config, Failure> {
        let load = async || {
            let config = match self.located().await? {
                Located::File { file, .. } => {
                    Config::of(file).map_err(|error| misspelt(bad(&error), &error, file))?
                }
                Located::Nothing | Located::NotTrusted { .. } => Config::default(),
            };
            Ok(config.trusting(DIGEST))
        };
        self.config.get_or_try_init(load).await
    }

    /// The configuration, for a command that cannot go on without the file. `because`: why.
    pub(super) async fn trusted(&self, because: &str) -> Result<&Config, Failure> {
        if let Located::NotTrusted { path, why } = self.located().await? {
            return Err(not_trusted(path, why, because));
        }
        self.config().await
    }

    /// The configuration, for a command that can use a connection of it or, if it is named, the
    /// practice provider's.
    pub(super) async fn of_connections(&self) -> Result<&Config, Failure> {
        let config = self.trusted(USES_CONNECTION).await;
        config.map_err(|failure| {
            let next = failure.next();
            let next = format!("{next}; or use the practice provider: --connection {PRACTICE}");
            failure.then(next)
        })
    }

    /// Whether the working directory has a file that is not trusted.
    pub(super) async fn is_unused(&self) -> bool {
        matches!(self.located().await, Ok(Located::NotTrusted { .. }))
    }

    /// A line, once, if the file of the working directory is not trusted.
    pub(super) async fn note(&self, printer: &Printer) {
        let Ok(Located::NotTrusted { path, why }) = self.located().await else {
            return;
        };
        let next = match why {
            NotTrusted::New | NotTrusted::Changed => {
                format!("; to trust it: zoetrope trust {}", quoted(path))
            }
            _ => String::new(),
        };
        let note = format!("note: {}, and is not used{next}", problem(path, why));
        self.noted.call_once(|| printer.info(&note));
    }
}

/// The failure of a configuration that cannot be read or parsed.
pub(super) fn bad(error: &ConfigError) -> Failure {
    let failure = bad_with(chain(error));
    match error {
        ConfigError::Read { path, .. }
            if error.is_missing() && is_in_a_folder(path) && !is_inherited(path) =>
        {
            failure.then(format!(
                "Name a file that exists, or create this one: zoetrope config init {}",
                quoted(path)
            ))
        }
        ConfigError::Read { .. } => {
            failure.then("Name a configuration file that exists and can be read".into())
        }
        _ => failure,
    }
}

/// The failure of a file's content with the name that a misspelt one is near to.
fn misspelt(failure: Failure, error: &ConfigError, file: &ConfigFile) -> Failure {
    let ConfigError::Content { line, column, .. } = error else {
        return failure;
    };
    let problems = check(file.text(), file.path()).into_iter();
    let mut here = problems.filter(|found| (found.line, found.column) == (*line, *column));
    match here.find_map(|problem| problem.did_you_mean) {
        Some(near) => failure.with(&format!("; did you mean `{near}`?")),
        None => failure,
    }
}

/// Whether the folder of a path exists, so that a file can be created there.
fn is_in_a_folder(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.is_none_or(Path::is_dir)
}

fn bad_with(message: String) -> Failure {
    let next = next_step::text(&NextStep::Repeat(Repair::Configuration), "");
    Failure::new(ErrorKind::BadConfig, Phase::Setup, message).then(next)
}

fn not_trusted(path: &Path, why: &NotTrusted, because: &str) -> Failure {
    let message = format!("{}, and {because}", problem(path, why));
    let file = quoted(path);
    let next = match why {
        NotTrusted::New | NotTrusted::Changed => format!(
            "Show what the file does: zoetrope trust --show {file}, then trust it: zoetrope trust {file}; \
             or name another file: --config FILE"
        ),
        NotTrusted::Unreadable(_) => {
            "Replace it by a regular file, then trust that; or name another file: --config FILE"
                .into()
        }
        _ => {
            "Fix the record, then run the same command again; or name a file: --config FILE".into()
        }
    };
    Failure::new(ErrorKind::BadConfig, Phase::Setup, message).then(next)
}

fn problem(path: &Path, why: &NotTrusted) -> String {
    let shown = escaped_path(path);
    match why {
        NotTrusted::New => format!("the configuration `{shown}` is not trusted"),
        NotTrusted::Changed => {
            format!("the configuration `{shown}` has changed since it was trusted")
        }
        NotTrusted::Record(error) => {
            format!(
                "the configuration `{shown}` cannot be trusted: {}",
                chain(error)
            )
        }
        why => chain(why),
    }
}
