//! Translates a validator's errors into the contract's violations.
//!
//! A message has the rule, never the value, so that prompts do not get into logs and errors.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};

use crate::bindings::Violation;
use crate::json;

/// One violation for each error; an `anyOf` is reported by the branch of the value's type.
pub fn of<'a>(errors: impl Iterator<Item = ValidationError<'a>>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for error in errors {
        describe(&error, &mut violations);
    }
    violations
}

fn describe(error: &ValidationError<'_>, violations: &mut Vec<Violation>) {
    let keyword = error.kind().keyword();
    let message = match error.kind() {
        Kind::AnyOf { context } => {
            if let Some(branch) = meant_branch(error, context) {
                for error in branch {
                    describe(error, violations);
                }
            } else {
                let mut names = Vec::new();
                for error in context.iter().flatten() {
                    names.extend(type_names(error));
                }
                violations.push(violation(error, "type", must_be(&names)));
            }
            return;
        }
        Kind::Type { .. } => must_be(&type_names(error)),
        Kind::Required { property } => {
            format!(
                "The field `{}` is missing.",
                property.as_str().unwrap_or_default()
            )
        }
        Kind::Enum { options } => format!("Must be one of {}.", json::text(options)),
        Kind::MaxLength { limit } => format!("Must have at most {limit} characters."),
        Kind::MinLength { limit } => format!("Must have at least {limit} characters."),
        Kind::Maximum { limit } => format!("Must be at most {}.", json::text(limit)),
        Kind::Minimum { limit } => format!("Must be at least {}.", json::text(limit)),
        _ => format!("Breaks the rule `{keyword}` of the schema."),
    };
    violations.push(violation(error, keyword, message));
}

fn violation(error: &ValidationError<'_>, keyword: &str, message: String) -> Violation {
    Violation {
        instance_path: error.instance_path().as_str().to_owned(),
        keyword: keyword.to_owned(),
        message,
    }
}

/// The branch of an `anyOf` whose type the value has.
fn meant_branch<'a>(
    error: &ValidationError<'_>,
    branches: &'a [Vec<ValidationError<'static>>],
) -> Option<&'a [ValidationError<'static>]> {
    let has_type = |branch: &&Vec<ValidationError<'_>>| {
        !branch.iter().any(|inner| {
            matches!(inner.kind(), Kind::Type { .. })
                && inner.instance_path().as_str() == error.instance_path().as_str()
        })
    };
    branches.iter().find(has_type).map(Vec::as_slice)
}

fn type_names(error: &ValidationError<'_>) -> Vec<JsonType> {
    match error.kind() {
        Kind::Type {
            kind: TypeKind::Single(one),
        } => vec![*one],
        Kind::Type {
            kind: TypeKind::Multiple(set),
        } => set.iter().collect(),
        _ => Vec::new(),
    }
}

fn must_be(types: &[JsonType]) -> String {
    let names: Vec<_> = types.iter().map(|name| name.as_str()).collect();
    format!("Must be of type {}.", names.join(" or "))
}
