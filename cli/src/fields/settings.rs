//! `--set`: which fields it sets, and how their values are read.

use std::path::Path;

use serde_json::{Map, Value};
use zoetrope_host::catalog::InputSchema;
use zoetrope_host::contract::{MediaKind, NodeType, Violation};
use zoetrope_host::media::file_url;
use zoetrope_host::sanitize::line;

use super::explain::not_a_field;
use super::picture_value::{Given, is_file};
use super::takes::Schema;
use crate::args::{Setting, Source};
use crate::report::{Failure, field_name};
use crate::shell::quoted_text;

/// Refuses settings of fields that the schema does not name, and what is no URL in picture fields. A
/// schema without properties has any field.
pub(crate) fn refuse_wrong(settings: &[Setting], node: &NodeType) -> Result<(), Failure> {
    if settings.is_empty() {
        return Ok(());
    }
    let Ok(schema) = InputSchema::of(node) else {
        return Ok(());
    };
    let names: Vec<_> = schema.names().iter().map(String::as_str).collect();
    let is_unknown = |setting: &&Setting| !names.is_empty() && !names.contains(&&*setting.key);
    let unknown = settings.iter().filter(is_unknown).map(|setting| Violation {
        instance_path: pointer(&setting.key),
        keyword: "additionalProperties".into(),
        message: not_a_field(&setting.key, &names, &node.name),
    });
    let unknown: Vec<_> = unknown.collect();
    if !unknown.is_empty() {
        let fields = format!("zoetrope nodes {}", quoted_text(&node.name));
        let next = format!(
            "Correct --set, then run again (nothing was sent). List the \
             fields: {fields}. To pass a field that the schema does not name, use --input"
        );
        return Err(Failure::invalid_inputs(unknown).then(next));
    }
    match settings
        .iter()
        .find_map(|setting| no_picture(setting, node))
    {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Puts the settings into an input: as text if the field takes text, else as JSON. A value that is
/// not JSON is put in as text, which the schema refuses, or the profile `lax` reads.
pub(crate) fn apply(
    settings: &[Setting],
    node: &NodeType,
    input: &mut Map<String, Value>,
) -> Result<(), Failure> {
    refuse_wrong(settings, node)?;
    let schema = InputSchema::of(node).and_then(serde_json::to_value);
    let schema = schema.unwrap_or_default();
    for Setting { key, value: text } in settings {
        let field = Schema::new(&schema).at(std::slice::from_ref(key));
        let takes_text = field.is_none_or(Schema::takes_text);
        let parsed = zoetrope_host::json::parse(text).ok();
        let value = parsed.filter(|_| !takes_text);
        input.insert(key.clone(), value.unwrap_or_else(|| text.as_str().into()));
    }
    Ok(())
}

/// Refuses the path of a local file in a picture field of an input document: a provider would get
/// the path as a text.
pub(crate) fn refuse_paths(node: &NodeType, input: &str) -> Result<(), Failure> {
    let pictures = node.input_media.iter();
    let mut pictures = pictures
        .filter(|media| media.kind == MediaKind::Image)
        .peekable();
    if pictures.peek().is_none() {
        return Ok(());
    }
    // The component refuses what is not JSON.
    let Ok(document) = zoetrope_host::json::parse(input) else {
        return Ok(());
    };
    let paths = pictures.filter_map(|media| {
        let text = document.pointer(&media.pointer)?.as_str()?;
        let (name, url) = (field_name(&media.pointer), file_url::of(Path::new(text)));
        is_file(text).then(|| Violation {
            instance_path: media.pointer.clone(),
            keyword: "format".into(),
            message: format!("{} is a path; write \"{}\"", line(&name), line(&url)),
        })
    });
    let paths: Vec<_> = paths.collect();
    if paths.is_empty() {
        return Ok(());
    }
    let next = "Correct the input, then run the same command again (nothing was sent)";
    Err(Failure::invalid_inputs(paths).then(next.into()))
}

/// Refuses a field that is set twice, with different values: by `--set` alone, or by `--image` too.
pub(crate) fn refuse_twice(source: &Source, node: &NodeType) -> Result<(), Failure> {
    let first = node.input_media.iter();
    let mut first = first.filter(|media| media.kind == MediaKind::Image);
    let first = first.next().filter(|_| source.image.is_some());
    twice(&source.settings, first.map(|media| media.pointer.as_str())).map_or(Ok(()), Err)
}

/// `image`: the field that `--image` sets.
fn twice(settings: &[Setting], image: Option<&str>) -> Option<Failure> {
    let refused = |message: String| {
        let next = "Give one of them, then run the same command again (nothing was submitted)";
        Some(Failure::usage(message).then(next.into()))
    };
    for (index, setting) in settings.iter().enumerate() {
        let key = line(&setting.key);
        if image.is_some_and(|image| image == pointer(&setting.key)) {
            return refused(format!("--image and --set {key}=… set the same field"));
        }
        let mut before = settings[..index].iter();
        if before.any(|other| other.key == setting.key && other.value != setting.value) {
            return refused(format!(
                "--set {key}=… is given twice, with different values"
            ));
        }
    }
    None
}

/// The failure of a value in a picture field that is no URL.
fn no_picture(setting: &Setting, node: &NodeType) -> Option<Failure> {
    let Setting { key, value } = setting;
    let pictures = node.input_media.iter();
    let mut pictures = pictures.filter(|media| media.kind == MediaKind::Image);
    let first = pictures.next()?;
    let field = pointer(key);
    let is_first = first.pointer == field;
    if !(is_first || pictures.any(|media| media.pointer == field)) {
        return None;
    }
    let kind = Given::of(key, value)?;
    let way = |path: &str| {
        if is_first {
            return format!("--image {}", word(path));
        }
        let url = file_url::of(Path::new(path));
        format!("--set {}", quoted_text(&format!("{key}={url}")))
    };
    let name = line(key);
    let (message, way) = match kind {
        Given::Path(path) => {
            let way = way(path);
            (format!("{name} does not take a path; use {way}"), way)
        }
        Given::WithoutScheme => {
            let url = quoted_text(&format!("{key}=https://{value}"));
            let (set, file) = (format!("--set {url}"), way(value));
            let message = format!("{name} takes a URL with its scheme; use {set}");
            let message = format!("{message}, or {file} for a local file");
            (message, set)
        }
        Given::Other => {
            let way = way("FILE");
            let message =
                format!("{name} must be the URL of a picture; for a local file use {way}");
            (message, format!("a URL, or {way}"))
        }
    };
    let violation = Violation {
        instance_path: field,
        keyword: "format".into(),
        message,
    };
    let next = format!("Use {way} in place of --set {name}=…, then run again (nothing was sent)");
    Some(Failure::invalid_input(violation).then(next))
}

/// A path as a word of a shell command. `~` stays unquoted, so that the shell expands it.
fn word(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", quoted_text(rest)),
        None => quoted_text(path),
    }
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zoetrope_host::contract::MediaField;

    use super::*;

    fn node() -> NodeType {
        let picture = |pointer: &str| MediaField {
            pointer: pointer.into(),
            kind: MediaKind::Image,
        };
        let schema = json!({"properties": {
            "steps": {"type": "integer"},
            "prompt": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "image": {"type": "string"},
            "mask": {"type": "string"},
            "mask_id": {"type": "string"},
            "on": {"type": "boolean"},
        }});
        NodeType {
            name: "example".into(),
            version: "1.0.0".into(),
            title: String::new(),
            description: String::new(),
            connection: None,
            input_schema: schema.to_string(),
            rules: json!({"properties": {"extra": {"minimum": 1}}}).to_string(),
            output_schema: "{}".into(),
            input_media: vec![picture("/image"), picture("/mask"), picture("/mask_id")],
            output_media: Vec::new(),
            extensions: "{}".into(),
        }
    }

    fn setting(text: &str) -> Setting {
        let (key, value) = text.split_once('=').expect("a setting");
        Setting {
            key: key.into(),
            value: value.into(),
        }
    }

    fn refused(texts: &[&str]) -> Value {
        let settings: Vec<_> = texts.iter().map(|text| setting(text)).collect();
        let refused = refuse_wrong(&settings, &node()).expect_err("a failure");
        refused.document()["error"].clone()
    }

    #[test]
    fn misspelt_fields_are_refused_with_the_nearest_name() {
        let error = refused(&["stepps=3"]);
        assert_eq!(
            error["message"],
            "`stepps` is not a field of example; did you mean `steps`?"
        );
        assert_eq!(
            (&error["kind"], &error["charged"]),
            (&json!("invalid_input"), &json!("no"))
        );
        let violation = &error["violations"][0];
        assert_eq!(violation["instance_path"], "/stepps");
        assert_eq!(violation["keyword"], "additionalProperties");
        assert!(
            error["next"]
                .as_str()
                .is_some_and(|next| next.contains("--input"))
        );
        let error = refused(&["stepps=3", "qwertz=1", "steps=3"]);
        assert_eq!(error["violations"].as_array().map(Vec::len), Some(2));
        assert!(
            refuse_wrong(&[setting("extra=1")], &node()).is_ok(),
            "a field of the rules"
        );
        let open = NodeType {
            input_schema: "{}".into(),
            rules: "{}".into(),
            ..node()
        };
        assert!(
            refuse_wrong(&[setting("any=1")], &open).is_ok(),
            "a schema without properties"
        );
    }

    #[test]
    fn path_in_a_picture_field_is_refused_with_the_way_that_works() {
        let error = refused(&["image=lighthouse.jpg"]);
        assert_eq!(
            error["message"],
            "image does not take a path; use --image lighthouse.jpg"
        );
        assert_eq!(error["violations"][0]["instance_path"], "/image");
        let error = refused(&["image=~/my pictures/a.png"]);
        assert_eq!(
            error["message"],
            "image does not take a path; use --image ~/'my pictures/a.png'"
        );
        let error = refused(&["mask=a b.PNG"]);
        assert_eq!(
            error["message"],
            "mask does not take a path; use --set mask=file:a%20b.PNG"
        );
        for kept in [
            "image=https://p.example/a.png",
            "image=file:a.png",
            "image=data:image/png;base64,AAAA",
            "image=iVBORw0KGgo",
            "mask_id=art_123",
            "image={{ step.url }}",
            "prompt=a photo called lighthouse.jpg",
        ] {
            assert!(refuse_wrong(&[setting(kept)], &node()).is_ok(), "{kept}");
        }
        let input = json!({"image": "Cargo.toml", "mask": "no-such.png", "prompt": "Cargo.toml"});
        let refused = refuse_paths(&node(), &input.to_string()).expect_err("a path");
        assert_eq!(
            refused.message(),
            "image is a path; write \"file:Cargo.toml\""
        );
        let input = json!({"image": "file:Cargo.toml", "mask": "https://p.example/Cargo.toml"});
        assert!(refuse_paths(&node(), &input.to_string()).is_ok());
    }

    #[test]
    fn what_is_no_url_is_refused_in_a_picture_field() {
        let other = "image must be the URL of a picture; for a local file use --image FILE";
        let path = "image does not take a path; use --image lighthouse.jpg";
        for (value, expected) in [
            ("lighthouse", other),
            ("x", other),
            ("", other),
            (r#"{"a":1}"#, other),
            ("http://", other),
            ("https:///a.png", other),
            ("htp://x", other),
            ("ftp://files.example/a.png", other),
            ("https://p.example/a b.png", other),
            ("lighthouse.jpg ", path),
            ("\"lighthouse.jpg\"", path),
            (
                "www.example.com/a.png",
                "image takes a URL with its scheme; use --set image=https://www.example.com/a.png, or --image www.example.com/a.png for a local file",
            ),
        ] {
            let error = refused(&[&format!("image={value}")]);
            assert_eq!(error["message"], expected, "{value}");
        }
        assert_eq!(
            refused(&["mask=x"])["message"],
            "mask must be the URL of a picture; for a local file use --set mask=file:FILE"
        );
    }

    #[test]
    fn field_that_is_set_twice_is_refused() {
        let settings = |texts: &[&str]| -> Vec<_> { texts.iter().map(|it| setting(it)).collect() };
        let message = |texts: &[&str], image| {
            let failure = twice(&settings(texts), image);
            failure.map(|failure| failure.message().to_owned())
        };
        let both = message(&["image=https://p.example/a.png"], Some("/image"));
        assert_eq!(
            both.as_deref(),
            Some("--image and --set image=… set the same field")
        );
        let twice = message(&["steps=3", "on=true", "steps=4"], None);
        assert_eq!(
            twice.as_deref(),
            Some("--set steps=… is given twice, with different values")
        );
        assert_eq!(message(&["steps=3", "steps=3"], Some("/image")), None);
    }

    #[test]
    fn values_are_text_where_the_field_takes_text_and_json_elsewhere() {
        let settings = ["prompt=20", "steps=20", "on=maybe", "extra=2"].map(setting);
        let mut input = Map::new();
        apply(&settings, &node(), &mut input).expect("fields");
        let expected = json!({"prompt": "20", "steps": 20, "on": "maybe", "extra": 2});
        assert_eq!(Value::Object(input), expected);
    }
}
