//! `zoetrope man`: the manual pages.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;
use serde_json::json;
use zoetrope_host::sanitize::escaped_path;

use super::args::{Cli, Man};
use super::context::Context;
use super::out_path::absolute;
use super::report::{Failure, Phase, unwritten};
use super::shell::quoted;

impl Man {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let folder = absolute(&self.folder)?;
        let pages = pages().and_then(|pages| {
            write(&folder, &pages)?;
            Ok(pages.len())
        });
        let shown = escaped_path(&folder);
        let pages = pages.map_err(|error| {
            Failure::usage(format!(
                "the manual pages cannot be written to `{shown}`: {error}"
            ))
            .then("Name another folder: zoetrope man DIR".into())
        })?;
        let answer = json!({ "ok": true, "folder": shown, "pages": pages });
        let written = context.answer(&answer, &shown);
        unwritten::end(written, context.printer(), |error| {
            let message = format!("the manual pages are in `{shown}`, but {error}");
            Failure::internal(Phase::Setup, message)
                .of_unwritten(Vec::new())
                .then(format!("man {}", quoted(&folder.join("zoetrope.1"))))
        })
    }
}

/// The pages of all commands: the name of the file, and its content.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    // Gives each subcommand its whole name, `zoetrope-jobs-show`.
    program.build();
    let mut pages = Vec::new();
    collect(&program, &mut pages)?;
    Ok(pages)
}

fn collect(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let page = clap_mangen::Man::new(command.clone())
        .title(name)
        // Its place must not be taken by the source.
        .date("\"\"")
        .source(concat!("zoetrope ", env!("CARGO_PKG_VERSION")))
        .manual("Zoetrope");
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.push((page.get_filename(), text));
    for command in command.get_subcommands() {
        collect(command, pages)?;
    }
    Ok(())
}

fn write(folder: &Path, pages: &[(String, Vec<u8>)]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, text) in pages {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_with_its_name_and_its_options() {
        let pages = pages().expect("the pages");
        let page = |name: &str| {
            let found = pages.iter().find(|(file, _)| file == name);
            let (_, text) = found.unwrap_or_else(|| panic!("no page {name}"));
            String::from_utf8(text.clone()).expect("UTF-8")
        };
        let program = page("zoetrope.1");
        assert!(program.contains(r"zoetrope\-jobs(1)"), "{program}");
        let resume = page("zoetrope-jobs-resume.1");
        let version = env!("CARGO_PKG_VERSION");
        let title = format!(".TH zoetrope-jobs-resume 1 \"\" \"zoetrope {version}\" Zoetrope");
        assert!(resume.contains(&title), "{resume}");
        assert!(resume.contains(r"\-\-deadline"), "{resume}");
        assert!(resume.contains("Resume a job"), "{resume}");
    }
}
