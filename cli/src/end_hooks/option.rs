//! The command of `--exec`.

use std::env::{current_dir, split_paths, var_os};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use zoetrope_host::external_command::ExternalCommand;

use crate::report::Failure;

/// The command of the values of `--exec`: the program, then an argument each. A program that does
/// not exist is an error before anything is bought.
pub(crate) fn of_option(words: &[OsString]) -> Result<Option<ExternalCommand>, Failure> {
    if words.is_empty() {
        return Ok(None);
    }
    let command = ExternalCommand::new(words.iter().cloned());
    let command = command.map_err(|fault| Failure::usage(format!("--exec: {fault}")))?;
    let folder = current_dir().unwrap_or_default();
    let command = command.relative_to(&folder);
    let path = var_os("PATH").unwrap_or_default();
    if exists(command.program(), &path) {
        return Ok(Some(command));
    }
    let message = format!("--exec: no program `{}` is found", command.shown_program());
    let next = "Name a program with --exec, and give each of its arguments with another one: \
                --exec notify-send --exec \"clip ready\" (nothing was sent)";
    Err(Failure::usage(message).then(next.into()))
}

/// Whether there is such a program: at this path, or of this name in a folder of `path`.
fn exists(program: &OsStr, path: &OsStr) -> bool {
    let program = Path::new(program);
    if program.components().count() > 1 || program.is_absolute() {
        return is_program(program);
    }
    split_paths(path).any(|folder| is_program(&folder.join(program)))
}

/// Whether this is a file, also with the extension that Windows adds.
fn is_program(path: &Path) -> bool {
    path.is_file()
        || cfg!(windows) && path.extension().is_none() && path.with_extension("exe").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_no_command_and_a_missing_program_is_an_error() {
        assert!(of_option(&[]).is_ok_and(|command| command.is_none()));
        let one_text = [OsString::from("notify-send clip ready")];
        let failure = of_option(&one_text).expect_err("an error");
        let text = format!("{} {}", failure.message(), failure.next());
        assert!(
            text.contains("no program `notify-send clip ready`"),
            "{text}"
        );
        assert!(text.contains("--exec notify-send --exec"), "{text}");
        assert!(of_option(&[OsString::new()]).is_err());
    }

    #[test]
    fn program_is_found_by_its_path_or_in_a_folder_of_the_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("notify");
        std::fs::write(&program, "").expect("a file");
        let none = OsStr::new("");
        assert!(exists(program.as_os_str(), none));
        assert!(!exists(OsStr::new("notify"), none));
        assert!(exists(OsStr::new("notify"), folder.path().as_os_str()));
        assert!(!exists(folder.path().as_os_str(), none), "a folder");
    }
}
