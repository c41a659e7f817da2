//! The command of `--exec`.

use std::env::{current_dir, split_paths, var_os};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use zoetrope_host::external_command::{CommandFault, ExternalCommand};

use crate::report::Failure;
use crate::shell::quoted;

const NEXT: &str = "Name a program with --exec, and give each of its arguments with another one: \
                    --exec notify-send --exec \"clip ready\" (nothing was sent)";

/// The command of the values of `--exec`: the program, then an argument each. A program that does
/// not exist is an error before anything is bought.
pub(crate) fn of_option(words: &[OsString]) -> Result<Option<ExternalCommand>, Failure> {
    if words.is_empty() {
        return Ok(None);
    }
    let command = ExternalCommand::new(words.iter().cloned());
    let command = command.map_err(|fault| {
        let message = match fault {
            CommandFault::Empty => {
                "--exec: the first value is empty, and is the program".to_owned()
            }
            fault => format!("--exec: {fault}"),
        };
        Failure::usage(message).then(NEXT.into())
    })?;
    let folder = current_dir().unwrap_or_default();
    let command = command.relative_to(&folder);
    let path = var_os("PATH").unwrap_or_default();
    if exists(command.program(), &path) {
        return Ok(Some(command));
    }
    let shown = command.shown_program();
    let program = Path::new(command.program());
    let is_name = program.components().count() < 2;
    if is_name && is_program(&folder.join(program)) {
        let local = Path::new(".").join(program);
        let message = format!("--exec: no program `{shown}` is found in PATH");
        let next = format!(
            "Name the one of this folder: --exec {} (nothing was sent)",
            quoted(&local)
        );
        return Err(Failure::usage(message).then(next));
    }
    if !is_name && program.is_file() {
        let message = format!("--exec: `{shown}` is not executable");
        let next = format!(
            "Make it a program: chmod +x {}, or name another one (nothing was sent)",
            quoted(program)
        );
        return Err(Failure::usage(message).then(next));
    }
    let message = format!("--exec: no program `{shown}` is found");
    Err(Failure::usage(message).then(NEXT.into()))
}

/// Whether there is such a program: at this path, or of this name in a folder of `path`.
fn exists(program: &OsStr, path: &OsStr) -> bool {
    let program = Path::new(program);
    if program.components().count() > 1 || program.is_absolute() {
        return is_program(program);
    }
    split_paths(path).any(|folder| is_program(&folder.join(program)))
}

/// Whether this is a file that can be executed, also with the extension that Windows adds.
fn is_program(path: &Path) -> bool {
    is_executable(path)
        || cfg!(windows) && path.extension().is_none() && is_executable(&path.with_extension("exe"))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let found = path.metadata();
    found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
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
        let empty = of_option(&[OsString::new()]).expect_err("an error");
        let text = "--exec: the first value is empty, and is the program";
        assert_eq!(empty.message(), text);
        assert!(
            empty.next().contains("--exec notify-send"),
            "{}",
            empty.next()
        );
    }

    #[test]
    fn program_is_found_by_its_path_or_in_a_folder_of_the_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("notify");
        std::fs::write(&program, "").expect("a file");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert!(!exists(program.as_os_str(), OsStr::new("")));
            let refused = of_option(&[program.clone().into()]).expect_err("no program");
            let text = format!("{} {}", refused.message(), refused.next());
            assert!(text.contains("is not executable"), "{text}");
            assert!(text.contains("chmod +x "), "{text}");
            let mode = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(&program, mode).expect("a mode");
        }
        let none = OsStr::new("");
        assert!(exists(program.as_os_str(), none));
        assert!(!exists(OsStr::new("notify"), none));
        assert!(exists(OsStr::new("notify"), folder.path().as_os_str()));
        assert!(!exists(folder.path().as_os_str(), none), "a folder");
    }
}
