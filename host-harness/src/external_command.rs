//! Programs that the user has the host start: the command of a job's end, and the one that prints a
//! credential. They are a list of a program and its arguments, and no shell reads them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::process::Command;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use crate::sanitize::escaped_path;

/// A program and its arguments.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExternalCommand {
    program: OsString,
    arguments: Vec<OsString>,
}

/// Without the arguments: they may hold what only their program may read.
impl fmt::Debug for ExternalCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ExternalCommand");
        shown.field("program", &self.program);
        shown.finish_non_exhaustive()
    }
}

impl ExternalCommand {
    /// The command of a list: the program, then its arguments.
    ///
    /// # Errors
    ///
    /// When the list names no program, holds a NUL character, or, on Windows, names a batch file,
    /// whose arguments `cmd.exe` would read as commands.
    pub fn new(list: impl IntoIterator<Item = OsString>) -> Result<Self, CommandFault> {
        let mut list = list.into_iter();
        let program = list.next().unwrap_or_default();
        let arguments: Vec<_> = list.collect();
        let has_nul = |text: &OsString| text.as_encoded_bytes().contains(&0);
        if program.is_empty() {
            Err(CommandFault::Empty)
        } else if has_nul(&program) || arguments.iter().any(has_nul) {
            Err(CommandFault::Nul)
        } else if cfg!(windows) && is_batch_file(&program) {
            Err(CommandFault::BatchFile)
        } else {
            Ok(Self { program, arguments })
        }
    }

    /// The command with the absolute path of its program below `folder`, if the program is a relative
    /// path and not a single name. A single name is looked up in the folders of `PATH`.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        let program = Path::new(&self.program);
        if program.is_absolute() || program.components().count() < 2 {
            return self;
        }
        let path = folder.join(program);
        let path = std::path::absolute(&path).unwrap_or(path);
        Self {
            program: path.into_os_string(),
            ..self
        }
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// The program and its arguments.
    pub fn list(&self) -> impl Iterator<Item = &OsStr> {
        let arguments = self.arguments.iter().map(OsString::as_os_str);
        std::iter::once(self.program.as_os_str()).chain(arguments)
    }

    /// The program for a message, with unprintable characters escaped.
    #[must_use]
    pub fn shown_program(&self) -> String {
        escaped_path(Path::new(&self.program))
    }

    /// The whole command as a JSON array, with unprintable characters escaped, for the user who
    /// decides whether it may run.
    #[must_use]
    pub fn shown(&self) -> String {
        let words = self.list().map(|word| escaped_path(Path::new(word)));
        serde_json::Value::from(words.collect::<Vec<_>>()).to_string()
    }

    /// A process of it that is to be started.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }
}

/// Whether Windows would start `cmd.exe` for this program. It ignores blanks and dots at the end of a
/// name.
fn is_batch_file(program: &OsStr) -> bool {
    let name = program.to_string_lossy().to_ascii_lowercase();
    let name = name.trim_end_matches(['.', ' ']);
    [".bat", ".cmd"].iter().any(|end| name.ends_with(end))
}

/// Why a list is not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandFault {
    /// There is no program.
    #[error("the list names no program")]
    Empty,
    /// No system starts such a command.
    #[error("the list has a NUL character")]
    Nul,
    /// It is run by `cmd.exe`, which is a shell.
    #[error("a .bat or .cmd file is run by cmd.exe, a shell; name a program")]
    BatchFile,
}

impl<'de> Deserialize<'de> for ExternalCommand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = ExternalCommand;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of the program and its arguments")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(
            "a command is a list of the program and its arguments, since no shell reads it: \
             [\"program\", \"argument\"]",
        ))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = list.next_element::<String>()? {
            words.push(OsString::from(word));
        }
        ExternalCommand::new(words).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Result<ExternalCommand, CommandFault> {
        ExternalCommand::new(words.iter().map(OsString::from))
    }

    #[test]
    fn list_without_a_program_or_with_a_nul_is_no_command() {
        assert_eq!(command(&[]), Err(CommandFault::Empty));
        assert_eq!(command(&["", "a"]), Err(CommandFault::Empty));
        assert_eq!(command(&["a", "b\0c"]), Err(CommandFault::Nul));
        let words = ["notify-send", "clip ready; rm -rf /"];
        let parsed = command(&words).expect("a command");
        assert_eq!(parsed.list().collect::<Vec<_>>(), words);
        assert!(!format!("{parsed:?}").contains("clip"), "{parsed:?}");
    }

    #[test]
    fn batch_files_are_recognized_as_windows_does() {
        for program in ["a.bat", "A.BAT", r"C:\tools\a.Cmd", "a.cmd.", "a.bat . "] {
            assert!(is_batch_file(OsStr::new(program)), "{program}");
        }
        for program in ["a.exe", "bat", "a.bat.exe", "cmd"] {
            assert!(!is_batch_file(OsStr::new(program)), "{program}");
        }
        let refused = command(&["a.bat"]).is_err();
        assert_eq!(refused, cfg!(windows));
    }

    #[cfg(unix)]
    #[test]
    fn path_of_a_program_is_relative_to_the_folder_and_a_name_is_not() {
        let folder = Path::new("/project");
        for (written, wanted) in [
            ("notify-send", "notify-send"),
            ("./bin/notify", "/project/./bin/notify"),
            ("bin/notify", "/project/bin/notify"),
        ] {
            let found = command(&[written]).expect("a command").relative_to(folder);
            assert_eq!(Path::new(found.program()), Path::new(wanted));
        }
    }

    #[test]
    fn text_in_the_place_of_a_list_is_refused_with_the_reason() {
        #[derive(Debug, serde::Deserialize)]
        struct Table {
            run: ExternalCommand,
        }
        let table: Table = toml::from_str("run = [\"pass\", \"show\"]").expect("a list");
        assert_eq!(table.run.list().count(), 2);
        let error = toml::from_str::<Table>("run = \"pass show\"").expect_err("a text");
        let message = error.message();
        assert!(message.contains("no shell reads it"), "{message}");
        assert!(!message.contains("pass show"), "{message}");
        for wrong in ["run = []", "run = [1]", "run = 1"] {
            toml::from_str::<Table>(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn shown_command_is_one_line() {
        let parsed = command(&["a\nb", "c\u{1b}[31m"]).expect("a command");
        let shown = parsed.shown();
        assert!(!shown.contains(['\n', '\u{1b}']), "{shown}");
    }
}
