//! The placeholders of pictures in a document: `{"$picture": DIGEST}`, at any depth.
//!
//! A document may have an object of this form itself. [`detach`] writes its key with one more `$`,
//! and [`attach`] removes it again, so that no input and no component can name a stored picture:
//! for every document, what [`attach`] returns is what [`detach`] was given.

use serde_json::{Map, Value};

/// The key of the object that replaces a picture.
const KEY: &str = "$picture";

/// Replaces the texts at `fields` (JSON Pointers into `document` as it is) that `is_picture`
/// selects by placeholders. `keep` stores a text and returns its digest.
pub(super) fn detach<E>(
    document: &mut Value,
    fields: &[&str],
    is_picture: impl Fn(&str) -> bool,
    mut keep: impl FnMut(&str) -> Result<String, E>,
) -> Result<(), E> {
    let fields: Vec<_> = fields.iter().filter_map(|field| tokens(field)).collect();
    let here: Vec<_> = fields.iter().map(Vec::as_slice).collect();
    detach_below(document, &here, &is_picture, &mut keep)
}

/// Puts the texts back; `load` returns the one of a digest.
pub(super) fn attach<E>(
    document: &mut Value,
    load: &mut impl FnMut(&str) -> Result<String, E>,
) -> Result<(), E> {
    if let Some(digest) = digest_of(document) {
        let text = load(digest)?;
        *document = text.into();
        return Ok(());
    }
    match document {
        Value::Array(values) => values.iter_mut().try_for_each(|value| attach(value, load)),
        Value::Object(fields) => {
            fields
                .values_mut()
                .try_for_each(|value| attach(value, load))?;
            if let Some(key) = only_key(fields)
                && let Some(rest) = key.strip_prefix('$')
                && is_marked(rest)
            {
                let rest = rest.to_owned();
                rename_only(fields, rest);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Calls `each` with the digest of every placeholder in a document, and of what may be one.
pub(super) fn digests(document: &Value, each: &mut impl FnMut(&str)) {
    match document {
        Value::Array(values) => values.iter().for_each(|value| digests(value, each)),
        Value::Object(fields) => {
            if let Some(digest) = fields.get(KEY).and_then(Value::as_str) {
                each(digest);
            }
            fields.values().for_each(|value| digests(value, each));
        }
        _ => {}
    }
}

fn detach_below<E>(
    value: &mut Value,
    fields: &[&[String]],
    is_picture: &impl Fn(&str) -> bool,
    keep: &mut impl FnMut(&str) -> Result<String, E>,
) -> Result<(), E> {
    let below = |name: &dyn Fn(&str) -> bool| -> Vec<&[String]> {
        let steps = fields.iter().filter_map(|field| field.split_first());
        let steps = steps.filter(|(first, _)| name(first));
        steps.map(|(_, rest)| rest).collect()
    };
    match value {
        Value::String(text) if fields.iter().any(|field| field.is_empty()) && is_picture(text) => {
            let digest = keep(text)?;
            *value = Value::Object(Map::from_iter([(KEY.to_owned(), digest.into())]));
        }
        Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                let index = index.to_string();
                detach_below(value, &below(&|first| first == index), is_picture, keep)?;
            }
        }
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                detach_below(value, &below(&|first| first == key), is_picture, keep)?;
            }
            if let Some(key) = only_key(object)
                && is_marked(key)
            {
                let longer = format!("${key}");
                rename_only(object, longer);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The digest of a value that is a placeholder. Rows of earlier versions may have objects of its
/// form that are none: their text is no digest.
fn digest_of(value: &Value) -> Option<&str> {
    let fields = value.as_object()?;
    let text = fields.get(KEY)?.as_str()?;
    let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (fields.len() == 1 && is_digest).then_some(text)
}

/// Whether a key is that of a placeholder, or one that was lengthened.
fn is_marked(key: &str) -> bool {
    key.strip_suffix(KEY)
        .is_some_and(|more| more.bytes().all(|byte| byte == b'$'))
}

fn only_key(fields: &Map<String, Value>) -> Option<&str> {
    let mut keys = fields.keys();
    let key = keys.next()?;
    keys.next().is_none().then_some(key)
}

/// Gives the only field of an object another key.
fn rename_only(fields: &mut Map<String, Value>, key: String) {
    if let Some((_, value)) = std::mem::take(fields).into_iter().next() {
        fields.insert(key, value);
    }
}

/// The steps of a JSON Pointer (RFC 6901); `None` if it is none.
fn tokens(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let steps = pointer.strip_prefix('/')?.split('/');
    Some(
        steps
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
            .collect(),
    )
}

#[cfg(test)]
mod tests;
