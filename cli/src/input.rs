//! Reads input documents, and puts `--set` and `--image` into them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use zoetrope_host::component::{CallContext, CallError, Pack};
use zoetrope_host::contract::{CheckOptions, MediaKind, NodeType, Plan, Violation};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{NextStep, Repair};
use zoetrope_host::media::file_url;
use zoetrope_host::text_file::{Encoding, NotText, TextReader, text_of};

use super::args::{InputSource, Source};
use super::fields::explain::explained;
use super::fields::settings;
use super::report::{Failure, Phase, next_step};

/// The longest input document, in bytes: enough for a picture of 12 MiB in base64.
pub(super) const INPUT_LIMIT: u64 = 16 << 20;

/// Reads a document from its source.
pub(super) fn read(source: &InputSource) -> Result<String, Failure> {
    let mut reader = TextReader::new(open(source)?);
    let mut bytes = Vec::new();
    let read = reader
        .by_ref()
        .take(INPUT_LIMIT + 1)
        .read_to_end(&mut bytes);
    read.map_err(|error| match not_text(&error) {
        Some(error) => unreadable(sentence(error, "")),
        None => not_read(source, &error),
    })?;
    document(bytes, reader.encoding(), reader.mark_length(), "")
}

/// Whether a text is more than one document.
pub(super) fn has_several_documents(text: &str) -> bool {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut is_document = || matches!(documents.next(), Some(Ok(_)));
    is_document() && is_document()
}

/// The failure of an input that is more than one document.
pub(super) fn several_documents() -> Failure {
    unreadable("The input has more than one document.".into())
}

/// Opens a source of documents.
pub(super) fn open(source: &InputSource) -> Result<Box<dyn Read + Send>, Failure> {
    Ok(match source {
        InputSource::Inline(text) => Box::new(io::Cursor::new(text.clone().into_bytes())),
        InputSource::File(path) => open_file(path).map_err(|error| not_read(source, &error))?,
    })
}

/// Opens a file of documents; `-` is standard input.
pub(super) fn open_file(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    Ok(if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    })
}

/// The failure of a source that cannot be read.
pub(super) fn not_read(source: &InputSource, error: &io::Error) -> Failure {
    let path = match source {
        InputSource::File(path) => path.as_path(),
        InputSource::Inline(_) => Path::new("(the document on the command line)"),
    };
    let message = format!("the input `{}` cannot be read: {error}", path.display());
    let next = "Name a file that exists with --input, or `-` for standard input, then run again \
                (nothing was sent)";
    Failure::usage(message).then(next.into())
}

/// Checks the length and the encoding of a document, which a [`TextReader`] returned as these
/// bytes. It is not parsed yet. `mark`: the length of its byte-order mark; `counted`: where
/// the offset of an error is counted from, if that is not the start of the file.
pub(super) fn document(
    bytes: Vec<u8>,
    encoding: Encoding,
    mark: usize,
    counted: &str,
) -> Result<String, Failure> {
    if bytes.len() as u64 > INPUT_LIMIT {
        let message = format!("The document is longer than {} MiB.", INPUT_LIMIT >> 20);
        return Err(unreadable(message));
    }
    text_of(bytes, encoding, mark).map_err(|error| unreadable(sentence(error, counted)))
}

fn sentence(error: NotText, counted: &str) -> String {
    format!("The document cannot be read: {error}{counted}.")
}

fn not_text(error: &io::Error) -> Option<NotText> {
    error.get_ref()?.downcast_ref().copied()
}

fn unreadable(message: String) -> Failure {
    Failure::invalid_input(Violation {
        instance_path: String::new(),
        keyword: "json".into(),
        message,
    })
    .then(next_step::text(&NextStep::Repeat(Repair::Input), ""))
}

/// The input document of a run, after `--set` and `--image` are put into it. `text`: that of
/// `--input`, or a line. `options`: the global options to repeat in the next step.
pub(super) async fn completed(
    source: &Source,
    text: Option<String>,
    node: &NodeType,
    pack: &Pack,
    (context, checks): (&CallContext, CheckOptions),
    options: &str,
) -> Result<String, Failure> {
    let text = match text {
        Some(text) if !source.changes_input() => {
            settings::refuse_paths(node, &text)?;
            return Ok(text);
        }
        text => text,
    };
    let mut fields = match text {
        Some(text) => {
            let checked = pack.check(context, &node.name, &text, checks).await;
            let refused = |failure: Failure| {
                let failure =
                    failure.map_violations(|violations| explained(node, &text, violations));
                match failure.kind() {
                    ErrorKind::InvalidInput | ErrorKind::Usage => {
                        failure.then(next_step::correct_input(&node.name, options))
                    }
                    _ => failure,
                }
            };
            object(checked, &text).map_err(refused)?
        }
        None => Map::new(),
    };
    settings::refuse_twice(source, node)?;
    settings::apply(&source.settings, node, &mut fields)?;
    if let Some(path) = &source.image {
        put_image(path, node, &mut fields)?;
    }
    let text = Value::Object(fields).to_string();
    settings::refuse_paths(node, &text)?;
    Ok(text)
}

/// Parses a document to put fields into. The component has checked its text: the parser here
/// accepts a duplicate key and keeps its last value.
fn object(checked: Result<Plan, CallError>, text: &str) -> Result<Map<String, Value>, Failure> {
    match (checked, zoetrope_host::json::parse(text)) {
        (Err(error), _) if is_about_text(&error) => Err(Failure::of_call(error, Phase::Check)),
        (_, Ok(Value::Object(object))) => Ok(object),
        (Err(error), _) => Err(Failure::of_call(error, Phase::Check)),
        (Ok(_), _) => {
            let message = "--set and --image need an input that is a JSON object";
            Err(Failure::usage(message))
        }
    }
}

/// Puts the `file:` URL of a picture into the first picture field.
fn put_image(path: &Path, node: &NodeType, object: &mut Map<String, Value>) -> Result<(), Failure> {
    let field = image_field(node)?;
    let name = field.trim_start_matches('/');
    object.insert(name.to_owned(), file_url::of(path).into());
    Ok(())
}

/// The JSON Pointer of the first picture field.
pub(super) fn image_field(node: &NodeType) -> Result<&str, Failure> {
    let mut media = node.input_media.iter();
    let media = media.find(|media| media.kind == MediaKind::Image);
    media.map(|media| media.pointer.as_str()).ok_or_else(|| {
        let message = format!("the node `{}` has no picture field", node.name);
        let next = format!(
            "Omit --image. List the fields: {}",
            next_step::show_node(&node.name, "")
        );
        Failure::usage(message).then(next)
    })
}

fn is_about_text(error: &CallError) -> bool {
    matches!(error, CallError::Node(error) if error.cause.violations().iter().any(|found| found.keyword == "json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_documents_are_told_from_one() {
        for (text, expected) in [
            ("{}\n{}\n", true),
            ("{\"a\": 1}{\"a\": 2}", true),
            ("{}\n", false),
            ("{}\n}", false),
            ("{", false),
            ("", false),
        ] {
            assert_eq!(has_several_documents(text), expected, "{text}");
        }
    }
}
