//! Where a run writes its result: `--out`, `--out-dir` and `--name`, which may be templates, or a
//! file in the data directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use icu_normalizer::ComposingNormalizerBorrowed;
use jiff::Timestamp;
use serde_json::Value;
use zoetrope_host::contract::NodeType;
use zoetrope_host::jobs::{CLIPS_FOLDER, Checked, Destination};
use zoetrope_host::ledger::Millis;

use crate::args::Run;
use crate::clip_output;
use crate::context::Context;
use crate::name_template::{Template, TemplateError, safe_value};
use crate::out_path::absolute;
use crate::report::Failure;

use super::value_text::{of_other, of_picture, stem};

/// The names of values that are no fields of the input.
const NAMES: [&str; 5] = ["job", "key", "node", "index", "date"];

/// The digits of a job's id in a default name: its first ones, by which commands take the job.
const ID_DIGITS: usize = 8;

/// The place of results, as the command line names it.
pub(super) enum Place {
    /// In this folder of the data directory.
    DataDirectory(PathBuf),
    /// This file.
    File(Written),
    /// Files in a folder, one for each line.
    Folder {
        folder: Written,
        name: Option<Template>,
    },
}

/// A path as it is written on the command line.
pub(super) enum Written {
    Exact(PathBuf),
    Template(Template),
}

/// What is created for a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Creates {
    Nothing,
    Folders,
}

/// The job that a place is for.
pub(super) struct Subject<'a> {
    pub(super) checked: &'a Checked,
    pub(super) id: String,
    pub(super) created_at: Millis,
    pub(super) key: &'a str,
    /// The number of its line, with zeros before it.
    pub(super) index: String,
}

impl Place {
    /// The place of the single result of a run.
    pub(super) fn of_run(run: &Run, context: &Context, node: &NodeType) -> Result<Self, Failure> {
        match &run.out {
            Some(out) if !clip_output::is_standard_output(out) => {
                Ok(Self::File(Written::read("--out", out, node)?))
            }
            _ => Ok(Self::DataDirectory(context.data_dir()?.join(CLIPS_FOLDER))),
        }
    }

    /// The place of the results of a batch.
    pub(super) fn of_batch(run: &Run, folder: &Path, node: &NodeType) -> Result<Self, Failure> {
        let mut folder = Written::read("--out-dir", folder, node)?;
        if let Written::Exact(path) = &mut folder {
            *path = absolute(path)?;
        }
        let name = run.name.as_deref();
        let name = name
            .map(|name| template("--name", name, node))
            .transpose()?;
        Ok(Self::Folder { folder, name })
    }

    /// Whether the folder of a file is created: it has names in it.
    pub(super) fn creates_folder(&self) -> bool {
        matches!(self, Self::File(Written::Template(out)) if out.has_names_in_folders())
    }

    /// The destination of a job. Folders with names in them are created if that is wanted.
    pub(super) fn destination(
        &self,
        subject: &Subject<'_>,
        creates: Creates,
    ) -> Result<Destination, Failure> {
        let creates = creates == Creates::Folders;
        match self {
            Self::DataDirectory(folder) => Ok(Destination::Named {
                folder: folder.clone(),
                name: subject.default_name(),
            }),
            Self::File(out) => {
                let path = absolute(&out.path(subject))?;
                if let Some(folder) = path.parent()
                    && self.creates_folder()
                    && creates
                {
                    create("--out", folder)?;
                }
                Ok(Destination::File(path))
            }
            Self::Folder { folder, name } => {
                let is_named = matches!(folder, Written::Template(_));
                let folder = absolute(&folder.path(subject))?;
                let name = match name {
                    None => PathBuf::from(&subject.index),
                    Some(name) => name.path(|name| subject.value(name)),
                };
                let stem = absolute(&folder.join(name))?;
                // A name may have folders of its own.
                if let Some(folder) = stem.parent()
                    && (is_named || !folder.is_dir())
                    && creates
                {
                    create("--out-dir", folder)?;
                }
                Ok(Destination::Stem(stem))
            }
        }
    }
}

impl Written {
    fn read(option: &str, path: &Path, node: &NodeType) -> Result<Self, Failure> {
        // Other names have no templates: every byte of them counts.
        let Some(text) = path.to_str() else {
            return Ok(Self::Exact(path.to_owned()));
        };
        let template = template(option, text, node)?;
        Ok(if template.names().next().is_some() {
            Self::Template(template)
        } else {
            Self::Exact(template.path(|_| String::new()))
        })
    }

    fn path(&self, subject: &Subject<'_>) -> PathBuf {
        match self {
            Self::Exact(path) => path.clone(),
            Self::Template(template) => template.path(|name| subject.value(name)),
        }
    }
}

/// The template of an option. Its names are those of [`NAMES`] and the fields of the node.
fn template(option: &str, text: &str, node: &NodeType) -> Result<Template, Failure> {
    let refused = |error: TemplateError| {
        let next = format!("Correct {option}, then run again (nothing was sent)");
        Failure::usage(format!("{option}: {error}")).then(next)
    };
    if option == "--name" && !names_a_file(text) {
        let next = "Use another --name, then run again (nothing was sent)";
        return Err(Failure::usage("--name: this is no name of a file").then(next.into()));
    }
    let template = Template::parse(text).map_err(refused)?;
    let schema: Value = serde_json::from_str(&node.input_schema).unwrap_or(Value::Null);
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, _)| name.as_str());
    let known: Vec<_> = NAMES.into_iter().chain(fields).collect();
    template.check(&known).map_err(refused)?;
    Ok(template)
}

/// Whether a path ends with a name, and not with a separator or a dot for a folder.
fn names_a_file(text: &str) -> bool {
    let name = text.rsplit(std::path::is_separator).next();
    name.is_some_and(|name| !matches!(name, "" | "." | ".."))
}

/// Creates the folder that this option names.
fn create(option: &str, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let folder = folder.display();
        let message = format!("the directory `{folder}` cannot be created: {error}");
        let next = format!("Use another {option}, then run again (nothing was submitted)");
        Failure::usage(message).then(next)
    })
}

impl Subject<'_> {
    fn value(&self, name: &str) -> String {
        match name {
            "job" => self.id.clone(),
            "key" => self.key.to_owned(),
            "node" => self.checked.node().name.clone(),
            "index" => self.index.clone(),
            "date" => self.date(),
            field => self.field(field),
        }
    }

    /// The day on which the job was made, in UTC: the same for every command with its key.
    fn date(&self) -> String {
        let time = Timestamp::from_millisecond(self.created_at).unwrap_or_default();
        let text = time.to_string();
        text.get(..10).unwrap_or(&text).to_owned()
    }

    /// A field of the completed input, or of the input as it was given: the completed one may have it
    /// under another name.
    fn field(&self, name: &str) -> String {
        let input = zoetrope_host::json::parse(&self.checked.plan().input);
        let input = input.unwrap_or(Value::Null);
        let value = match &input[name] {
            Value::Null => &self.checked.raw_input()[name],
            value => value,
        };
        let media = &self.checked.node().input_media;
        let mut media = media.iter().map(|field| field.pointer.as_str());
        let is_media =
            media.any(|place| &place[1..] == name || input.pointer(place) == Some(value));
        match value {
            Value::String(url) if is_media => of_picture(url),
            value => of_other(value),
        }
    }

    /// The name of a result without a name: day, picture or node, and the start of the job's id.
    fn default_name(&self) -> String {
        let local = self.checked.pictures().next();
        let picture = local.map(|(_, picture)| stem(picture.file_name()));
        let about = picture.filter(|name| !name.is_empty());
        let about = about.unwrap_or_else(|| self.checked.node().name.clone());
        let id = self.id.get(..ID_DIGITS).unwrap_or(&self.id);
        format!("{}-{}-{id}", self.date(), safe_value(&about))
    }
}

/// The destinations of a batch, none of which may be that of two lines.
#[derive(Default)]
pub(super) struct Distinct(HashMap<String, usize>);

impl Distinct {
    /// Refuses a destination that another line has, before anything is sent. Some file systems do
    /// not tell names apart that differ in case, or in how an `ä` is composed.
    pub(super) fn add(&mut self, line: usize, destination: &Destination) -> Result<(), Failure> {
        let Destination::Stem(stem) = destination else {
            return Ok(());
        };
        let name = stem.to_string_lossy().to_lowercase();
        let name = ComposingNormalizerBorrowed::new_nfc().normalize(&name);
        let Some(other) = self.0.insert(name.into_owned(), line) else {
            return Ok(());
        };
        let message = format!(
            "lines {other} and {line} of the batch have the same name for their results: `{}`",
            stem.display()
        );
        let next = "Add {index} to --name, then run again (nothing was sent)";
        Err(Failure::usage(message).then(next.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_that_cannot_be_created_names_its_option() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("blocked");
        std::fs::write(&file, "mine").expect("write");
        for option in ["--out", "--out-dir"] {
            let refused = create(option, &file.join("x")).expect_err("no folder");
            let next = format!("Use another {option}, then run again (nothing was submitted)");
            assert_eq!(refused.next(), next);
        }
    }

    #[test]
    fn name_of_a_result_is_no_folder() {
        for (text, expected) in [
            ("{index}", true),
            ("night/{index}", true),
            ("", false),
            ("night/", false),
            ("..", false),
        ] {
            assert_eq!(names_a_file(text), expected, "{text}");
        }
    }

    #[test]
    fn same_name_for_two_lines_is_refused() {
        let mut distinct = Distinct::default();
        let stem = |path: &str| Destination::Stem(path.into());
        assert!(distinct.add(1, &stem("/clips/a")).is_ok());
        assert!(distinct.add(2, &stem("/clips/b")).is_ok());
        assert!(distinct.add(3, &stem("/clips/\u{e4}")).is_ok());
        assert!(distinct.add(4, &stem("/clips/a\u{308}")).is_err());
        let refused = distinct.add(5, &stem("/clips/A")).expect_err("the first");
        assert!(
            refused.message().contains("lines 1 and 5"),
            "{}",
            refused.message()
        );
    }
}
