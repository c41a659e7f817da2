//! The names of this program's files and folders in the data directory.

/// The folder in the data directory for results that were given no name.
pub(super) const CLIPS: &str = "clips";

/// The ledger's file in the data directory.
pub(super) const LEDGER: &str = "ledger.sqlite3";

/// The folder for compiled code.
#[cfg(unix)]
pub(super) const CODE: &str = "code";

/// The folders that this program makes in the data directory.
#[cfg(unix)]
pub(super) const FOLDERS: [&str; 6] = [
    CLIPS,
    CODE,
    "components",
    "pictures",
    "practice",
    "requesters",
];

/// The beginnings of the names of its files: `ledger.sqlite3-wal` is one, and the files that
/// `tempfile` names.
#[cfg(unix)]
pub(super) const FILES: [&str; 4] = [LEDGER, "driver.lock", "files.lock", ".tmp"];

/// Files that may be beside them: the configuration and the record of trusted ones, since macOS has
/// one folder for configuration and data, and the file in which it keeps how a folder is shown. Their
/// own rights stay as they are.
#[cfg(unix)]
pub(super) const BESIDE: [&str; 4] = ["zoetrope.toml", "trust.json", "trust.lock", ".DS_Store"];
