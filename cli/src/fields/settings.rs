//! `--set`: which fields it sets, and how their values are read.

use std::path::Path;

use serde_json::{Map, Value};
use zoetrope_host::catalog::InputSchema;
use zoetrope_host::contract::{MediaKind, NodeType, Violation};
use zoetrope_host::media::file_url;
use zoetrope_host::sanitize::line;

use super::explain::not_a_field;
use super::takes::Schema;
use crate::args::Setting;
use crate::report::Failure;
use crate::shell::quoted_text;

/// Extensions by which a text is taken for the path of a picture.
const EXTENSIONS: [&str; 14] = [
    "avif", "bmp", "gif", "heic", "heif", "jfif", "jpeg", "jpg", "jxl", "png", "svg", "tif",
    "tiff", "webp",
];

/// Longest text that is taken for a path.
const LONGEST_PATH: usize = 4096;

/// Refuses settings of fields that the schema does not name, and paths in picture fields. A
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
            "Correct --set, then run the same command again (nothing was submitted). List the \
             fields: {fields}. To pass a field that the schema does not name, use --input"
        );
        return Err(Failure::invalid_inputs(unknown).then(next));
    }
    match settings
        .iter()
        .find_map(|setting| path_in_picture(setting, node))
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

/// The failure of a path in a picture field, which takes a URL.
fn path_in_picture(setting: &Setting, node: &NodeType) -> Option<Failure> {
    let Setting { key, value } = setting;
    let pictures = node.input_media.iter();
    let mut pictures = pictures.filter(|media| media.kind == MediaKind::Image);
    let first = pictures.next()?;
    let field = pointer(key);
    let is_first = first.pointer == field;
    if !(is_first || pictures.any(|media| media.pointer == field)) || !is_path(value) {
        return None;
    }
    let way = if is_first {
        format!("--image {}", word(value))
    } else {
        let url = file_url::of(Path::new(value));
        format!("--set {}", quoted_text(&format!("{key}={url}")))
    };
    let violation = Violation {
        instance_path: field,
        keyword: "format".into(),
        message: format!("{} does not take a path; use {way}", line(key)),
    };
    let next = format!(
        "Use {way} in place of --set {}=…, then run the same command again (nothing was submitted)",
        line(key)
    );
    Some(Failure::invalid_input(violation).then(next))
}

/// Whether a text is the path of a local file, not a URL, an id or base64. A file on another
/// machine is not looked for.
fn is_path(text: &str) -> bool {
    if text.is_empty() || text.len() > LONGEST_PATH || text.contains(['\n', '\r', '\0']) {
        return false;
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    // One letter is a drive.
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme.len() > 1
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    if has_scheme {
        return false;
    }
    let path = Path::new(text);
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    let is_picture = extension.is_some_and(|extension| EXTENSIONS.contains(&&*extension));
    let begins = ["./", "../", "~/", ".\\", "..\\", "\\\\"];
    let is_remote = text.starts_with("\\\\") || text.starts_with("//");
    is_picture || begins.iter().any(|begin| text.starts_with(begin)) || !is_remote && path.is_file()
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
            input_media: vec![picture("/image"), picture("/mask")],
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
            "mask=art_123",
            "prompt=a photo called lighthouse.jpg",
        ] {
            assert!(refuse_wrong(&[setting(kept)], &node()).is_ok(), "{kept}");
        }
        assert!(is_path(r"C:\a.png"), "a drive is no scheme");
        assert!(!is_path("art:1.png"), "a scheme");
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
