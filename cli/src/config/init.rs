//! `zoetrope config init`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use zoetrope_host::config::{CONFIG_FILE, Place, Places, create_file, create_private_folder};
use zoetrope_host::jobs::NextStep;
use zoetrope_host::sanitize::escaped_path;

use crate::args::config::Init;
use crate::context::Context;
use crate::report::{Failure, Phase, unwritten};
use crate::shell::quoted;

/// The new file: comments alone, so that it changes nothing until it is edited.
const TEXT: &str = include_str!("init.toml");

impl Init {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let is_own = self.file.is_none();
        let own = context.configuration().places().file(Place::User);
        let path = self.file.or(own).ok_or_else(|| {
            Failure::usage("there is no home directory for the configuration")
                .then("Name a file: zoetrope config init FILE".into())
        })?;
        let created = match path.parent() {
            Some(folder) if is_own => create_private_folder(folder),
            _ => Ok(()),
        };
        let shown = escaped_path(&path);
        let created = created.and_then(|()| create_file(&path, TEXT));
        created.map_err(|error| not_created(&path, &error))?;
        let printer = context.printer();
        let file = quoted(&path);
        let written = printer.answer(&json!({ "ok": true, "file": shown }), &shown);
        unwritten::end(written, printer, |error| {
            Failure::internal(Phase::Setup, format!("`{shown}` is created, but {error}"))
                .of_unwritten(Vec::new())
                .then(format!(
                    "Edit it, then check it: zoetrope config check {file}"
                ))
        })?;
        printer.info(&format!(
            "Created. Edit it, then check it: zoetrope config check {file}"
        ));
        if is_own {
            if let Some(other) = other_in_use(context.configuration().places(), &path) {
                printer.info(&other);
            }
            return Ok(ExitCode::SUCCESS);
        }
        printer.info(&format!("It is used with: --config {file}"));
        if path.file_name().is_some_and(|name| name == CONFIG_FILE) {
            printer.info(&format!(
                "Without --config it is used in its folder once it is trusted: zoetrope trust {file}"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The failure to create the file.
fn not_created(path: &Path, error: &io::Error) -> Failure {
    let (shown, file) = (escaped_path(path), quoted(path));
    match error.kind() {
        _ if path.is_dir() => {
            let file = quoted(&path.join(CONFIG_FILE));
            Failure::usage(format!("`{shown}` is a folder and was not changed"))
                .then(format!("Name a file in it: zoetrope config init {file}"))
        }
        ErrorKind::AlreadyExists => Failure::usage(format!("`{shown}` exists and was not changed"))
            .then(format!(
                "Edit it, then check it: zoetrope config check {file}"
            )),
        ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path).to_owned();
            Failure::usage(format!("`{shown}` cannot be created: {error}"))
                .then_step(NextStep::CreateFolder { folder }, "")
        }
        _ => Failure::usage(format!("`{shown}` cannot be created: {error}"))
            .then("Name another file: zoetrope config init FILE".into()),
    }
}

/// The message that the option or the variable names another file than the new one.
fn other_in_use(places: &Places, path: &Path) -> Option<String> {
    let mut named = [Place::Option, Place::Variable].into_iter();
    let (place, other) = named.find_map(|place| Some((place, places.file(place)?)))?;
    let [one, two] = [path, &other].map(fs::canonicalize);
    let is_same = matches!((one, two), (Ok(one), Ok(two)) if one == two);
    (!is_same).then(|| {
        let other = escaped_path(&other);
        format!("It is not used now: {place} names `{other}`, which is used instead.")
    })
}

#[cfg(test)]
mod tests {
    use zoetrope_host::config::check;

    use super::*;

    #[test]
    fn new_file_is_valid_with_and_without_its_commented_settings() {
        assert_eq!(check(TEXT, Path::new("zoetrope.toml")), []);
        // A setting is commented out by `#` alone, an explanation by `# `.
        let settings = TEXT.lines().map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => setting,
            _ => line,
        });
        let text: Vec<_> = settings.collect();
        let text = text.join("\n");
        assert!(text.contains("[connections.pixelml]"), "{text}");
        assert_eq!(check(&text, Path::new("zoetrope.toml")), []);
    }
}
