//! Which configuration file is used.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::error::ConfigError;
use super::source::ConfigFile;
use super::trust::{TrustError, TrustRecord};

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "ZOETROPE_CONFIG";

/// The configuration file's name, in the working directory and in the user's folder.
pub const CONFIG_FILE: &str = "zoetrope.toml";

/// The name of the record of trusted files, in the user's folder.
pub const TRUST_FILE: &str = "trust.json";

/// A place where a configuration file is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The option `--config`.
    Option,
    /// The variable `ZOETROPE_CONFIG`.
    Variable,
    /// The working directory. Parent folders are not searched.
    WorkingDirectory,
    /// The user's configuration folder.
    User,
}

impl Place {
    /// All places. The first that has a file is used.
    pub const ALL: [Self; 4] = [
        Self::Option,
        Self::Variable,
        Self::WorkingDirectory,
        Self::User,
    ];

    /// Its name in `snake_case`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Option => "option",
            Self::Variable => "variable",
            Self::WorkingDirectory => "working_directory",
            Self::User => "user",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "--config",
            Self::Variable => CONFIG_VARIABLE,
            Self::WorkingDirectory => "the working directory",
            Self::User => "the user's own",
        })
    }
}

/// Where a configuration file is looked for. A place that is `None` is left out.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The file of `--config`.
    pub option: Option<PathBuf>,
    /// The file of `ZOETROPE_CONFIG`.
    pub variable: Option<PathBuf>,
    /// The working directory, as an absolute path.
    pub working_dir: Option<PathBuf>,
    /// The user's configuration folder, which also has the record of trusted files.
    pub user_dir: Option<PathBuf>,
}

impl Places {
    /// The places of this process.
    #[must_use]
    pub fn of_process(option: Option<PathBuf>, user_dir: Option<PathBuf>) -> Self {
        let variable = std::env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty());
        Self {
            option,
            variable: variable.map(PathBuf::from),
            working_dir: std::env::current_dir().ok().map(|folder| normal(&folder)),
            // A relative one would lie in the working directory, whose files are not trusted.
            user_dir: user_dir.filter(|folder| folder.is_absolute()),
        }
    }

    /// The file that is looked for at a place.
    #[must_use]
    pub fn file(&self, place: Place) -> Option<PathBuf> {
        let in_folder = |folder: &Option<PathBuf>| Some(folder.as_ref()?.join(CONFIG_FILE));
        match place {
            Place::Option => self.option.clone(),
            Place::Variable => self.variable.clone(),
            Place::WorkingDirectory => in_folder(&self.working_dir),
            Place::User => in_folder(&self.user_dir),
        }
    }

    /// The record of trusted files.
    #[must_use]
    pub fn trust_record(&self) -> Option<PathBuf> {
        Some(self.user_dir.as_ref()?.join(TRUST_FILE))
    }

    /// Whether a file is the user's own one, which needs no trust.
    #[must_use]
    pub fn is_own(&self, file: &Path) -> bool {
        let folders = self.user_dir.as_deref().zip(file.parent());
        file.file_name().is_some_and(|name| name == CONFIG_FILE)
            && folders.is_some_and(|(own, folder)| is_same(own, folder))
    }

    /// Finds the configuration file. Files are never merged. A file in the working directory is
    /// used only if it is trusted; if it is not, no later place is tried.
    ///
    /// # Errors
    ///
    /// When a named file, or the user's own one, cannot be read. A named file must exist.
    pub fn locate(&self) -> Result<Located, ConfigError> {
        for place in [Place::Option, Place::Variable] {
            if let Some(path) = self.file(place) {
                let file = ConfigFile::read(&path)?;
                return Ok(Located::File { place, file });
            }
        }
        if let Some(located) = self.in_working_dir() {
            return Ok(located);
        }
        let Some(path) = self.file(Place::User) else {
            return Ok(Located::Nothing);
        };
        match ConfigFile::read(&path) {
            Ok(file) => Ok(Located::File {
                place: Place::User,
                file,
            }),
            Err(error) if error.is_missing() => Ok(Located::Nothing),
            Err(error) => Err(error),
        }
    }

    /// The file of the working directory; `None` if there is none, or if the folder is the
    /// user's own.
    fn in_working_dir(&self) -> Option<Located> {
        let folder = self.working_dir.as_deref()?;
        if self
            .user_dir
            .as_deref()
            .is_some_and(|own| is_same(own, folder))
        {
            return None;
        }
        let path = folder.join(CONFIG_FILE);
        let why = match ConfigFile::read_found(&path) {
            Err(error) if error.is_missing() => return None,
            Err(error) => NotTrusted::Unreadable(error),
            Ok(file) => match self.distrust(&file) {
                None => {
                    let place = Place::WorkingDirectory;
                    return Some(Located::File { place, file });
                }
                Some(why) => why,
            },
        };
        Some(Located::NotTrusted { path, why })
    }

    /// Why this file is not trusted; `None` if it is.
    fn distrust(&self, file: &ConfigFile) -> Option<NotTrusted> {
        let Some(path) = self.trust_record() else {
            return Some(NotTrusted::New);
        };
        match TrustRecord::read(&path) {
            Err(error) => Some(NotTrusted::Record(error)),
            Ok(record) => match record.entry(file.path()) {
                None => Some(NotTrusted::New),
                Some(entry) if entry.digest() == file.digest() => None,
                Some(_) => Some(NotTrusted::Changed),
            },
        }
    }
}

/// The configuration file that was found.
#[derive(Debug)]
pub enum Located {
    /// There is none.
    Nothing,
    /// This file is used.
    File {
        /// Where it was found.
        place: Place,
        /// The file.
        file: ConfigFile,
    },
    /// The working directory has a file that is not trusted. No file is used.
    NotTrusted {
        /// Its absolute path.
        path: PathBuf,
        /// Why it is not used.
        why: NotTrusted,
    },
}

/// Why a file of the working directory is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotTrusted {
    /// It was never trusted.
    #[error("it is not trusted")]
    New,
    /// It has changed since it was trusted.
    #[error("it has changed since it was trusted")]
    Changed,
    /// It cannot be read, or is no regular file.
    #[error(transparent)]
    Unreadable(ConfigError),
    /// The record of trusted files cannot be used.
    #[error(transparent)]
    Record(TrustError),
}

/// The absolute path under which the record has a file of a folder: without links in the path of
/// the folder. Neither the file nor the folder need exist.
///
/// # Errors
///
/// When the path is empty, or there is no working directory.
pub fn recorded_path(file: &Path) -> io::Result<PathBuf> {
    let file = std::path::absolute(file)?;
    match (file.parent(), file.file_name()) {
        (Some(folder), Some(name)) => Ok(normal(folder).join(name)),
        _ => Ok(file),
    }
}

/// A folder's path without links. What does not exist any more is resolved as text.
#[cfg(unix)]
fn normal(folder: &Path) -> PathBuf {
    use std::path::Component;

    let existing = folder.ancestors().find_map(|ancestor| {
        let resolved = std::fs::canonicalize(ancestor).ok()?;
        Some((resolved, folder.strip_prefix(ancestor).ok()?))
    });
    let Some((mut path, rest)) = existing else {
        return folder.to_owned();
    };
    let mut is_upward = false;
    for component in rest.components() {
        if component == Component::ParentDir {
            path.pop();
            is_upward = true;
        } else {
            path.push(component);
        }
    }
    // Above the missing folder, what follows may exist and have links.
    if is_upward { normal(&path) } else { path }
}

/// A folder's path as the system gives it: without links, it would have an unusual prefix.
#[cfg(not(unix))]
fn normal(folder: &Path) -> PathBuf {
    folder.to_owned()
}

/// Whether both paths lead to the same folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let [one, other] = [one, other].map(std::fs::canonicalize);
    matches!((one, other), (Ok(one), Ok(other)) if one == other)
}
