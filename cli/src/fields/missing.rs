//! The options that give the missing fields of an input.

use zoetrope_host::catalog::InputSchema;
use zoetrope_host::contract::{MediaKind, NodeType, Violation};

use crate::shell::quoted_text;

/// `--image FILE --set prompt=VALUE`, if nothing else than fields is missing.
pub(crate) fn options(node: &NodeType, violations: &[Violation]) -> Option<String> {
    let schema = InputSchema::of(node).ok()?;
    let mut pictures = node.input_media.iter();
    let picture = pictures.find(|media| media.kind == MediaKind::Image);
    let picture = picture.and_then(|media| media.pointer.strip_prefix('/'));
    let options = violations.iter().map(|violation| {
        let name = name(violation)?;
        let is_known = schema.names().iter().any(|known| known == name);
        is_known.then(|| match picture {
            Some(picture) if picture == name => "--image FILE".to_owned(),
            _ => format!("--set {}=VALUE", quoted_text(name)),
        })
    });
    let options: Vec<_> = options.collect::<Option<_>>()?;
    (!options.is_empty()).then(|| options.join(" "))
}

/// The name of a field of the input that is missing.
fn name(violation: &Violation) -> Option<&str> {
    let is_of_input = violation.keyword == "required" && violation.instance_path.is_empty();
    let message = violation.message.as_str();
    let name = message.strip_prefix("The field `")?;
    name.strip_suffix("` is missing.").filter(|_| is_of_input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_that_of_a_missing_field_of_the_input() {
        let of = |pointer: &str, keyword: &str, message: &str| {
            let violation = Violation {
                instance_path: pointer.into(),
                keyword: keyword.into(),
                message: message.into(),
            };
            name(&violation).map(str::to_owned)
        };
        let missing = "The field `prompt` is missing.";
        assert_eq!(of("", "required", missing), Some("prompt".into()));
        assert_eq!(of("/a", "required", missing), None);
        assert_eq!(of("", "type", missing), None);
        assert_eq!(of("", "required", "Missing."), None);
    }
}
