//! The `lax` profile: coerces values of another type to the field's type as pydantic's lax
//! mode does, before the schema is validated.
//!
//! The rules are pydantic-core's; `docs/concepts/validation.md` has them as a table. Texts are
//! rewritten in JSON's notation and read by the same parser as numbers, so that `"20"` equals
//! `20`. A value that cannot be coerced stays unchanged, and the schema rejects it.

use serde_json::Value;

use crate::field::{Field, Kind};
use crate::json;

const TRUE: [&str; 6] = ["1", "t", "y", "on", "yes", "true"];
const FALSE: [&str; 6] = ["0", "f", "n", "no", "off", "false"];

/// Coerces the fields of a document to their types. Returns the names of those that changed,
/// in the order of `fields`, and the changes.
pub fn coerce(fields: &[Field], document: &mut Value) -> Vec<(&'static str, String)> {
    let mut coerced = Vec::new();
    for field in fields {
        let Some(value) = document.get_mut(field.name) else {
            continue;
        };
        let Some(read) = read(field.kind, value) else {
            continue;
        };
        let given = match value {
            Value::String(_) => "text",
            Value::Bool(_) => "boolean",
            _ => "number",
        };
        let wanted = field.kind.name();
        let message = format!("Read as the {wanted} that the {given} stands for.");
        coerced.push((field.name, message));
        *value = read;
    }
    coerced
}

/// The value coerced to `kind`; `None` if it has that type already, or cannot be coerced.
fn read(kind: Kind, value: &Value) -> Option<Value> {
    match (kind, value) {
        (Kind::Integer, Value::String(text)) => json::parse(&integer(text)?).ok(),
        (Kind::Number, Value::String(text)) => json::parse(&number(text)?).ok(),
        (Kind::Integer | Kind::Number, Value::Bool(value)) => Some(u8::from(*value).into()),
        (Kind::Boolean, Value::String(text)) => {
            let is = |word: &&str| word.eq_ignore_ascii_case(text);
            let is_true = TRUE.iter().any(is);
            (is_true || FALSE.iter().any(is)).then_some(is_true.into())
        }
        (Kind::Boolean, Value::Number(number)) => match number.as_f64()? {
            0.0 => Some(false.into()),
            1.0 => Some(true.into()),
            _ => None,
        },
        _ => None,
    }
}

/// `" +0_020.00 "` as `"20"`: an integer's text in JSON's notation.
fn integer(text: &str) -> Option<String> {
    let (sign, digits) = signed(text.trim());
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if !is_digits(fraction) || !without_zeros(fraction).is_empty() {
        return None;
    }
    // Between leading zeros only, pydantic accepts any number of underscores.
    let significant = whole.trim_start_matches(['0', '_']);
    if significant.is_empty() {
        return (whole.starts_with('0') && whole.ends_with('0')).then(|| "0".into());
    }
    let significant = without_underscores(significant)?;
    (!whole.starts_with('_') && is_digits(&significant)).then(|| [sign, &significant].concat())
}

/// `" +.5E3 "` as `"0.5E3"`: a number's text in JSON's notation.
fn number(text: &str) -> Option<String> {
    // Pydantic accepts white space or underscores, not both.
    let text = if text.contains('_') {
        without_underscores(text)?
    } else {
        text.trim().to_owned()
    };
    let (sign, rest) = signed(&text);
    let (mantissa, exponent) = rest.split_at(rest.find(['e', 'E']).unwrap_or(rest.len()));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let power = exponent.get(1..).unwrap_or("0");
    if !is_digits(&[whole, fraction].concat()) || !is_digits(signed(power).1) {
        return None;
    }
    let whole = match without_zeros(whole) {
        "" => "0",
        whole => whole,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some([sign, whole, point, fraction, exponent].concat())
}

/// Splits off the sign; a plus is dropped, since JSON has none.
fn signed(text: &str) -> (&'static str, &str) {
    match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    }
}

fn without_zeros(digits: &str) -> &str {
    digits.trim_start_matches('0')
}

/// Single underscores may stand between other characters.
fn without_underscores(text: &str) -> Option<String> {
    let is_between = text.split('_').all(|part| !part.is_empty());
    is_between.then(|| text.replace('_', ""))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The outcome as JSON text: `1` and `1.0` differ.
    fn outcome(kind: Kind, value: &Value) -> Option<String> {
        read(kind, value).map(|read| json::text(&read))
    }

    fn stand_for(kind: Kind, cases: &[(Value, &str)]) {
        for (value, expected) in cases {
            assert_eq!(outcome(kind, value).as_deref(), Some(*expected), "{value}");
        }
    }

    fn stand_for_nothing(kind: Kind, values: &[Value]) {
        for value in values {
            assert_eq!(outcome(kind, value), None, "{value}");
        }
    }

    #[test]
    fn integer_is_coerced_from_the_values_that_pydantic_accepts() {
        let zeros = "0".repeat(5000);
        stand_for(
            Kind::Integer,
            &[
                (json!(true), "1"),
                (json!(false), "0"),
                (json!("20"), "20"),
                (json!("\t\u{a0}20\u{2003}\n"), "20"),
                (json!("+20"), "20"),
                (json!("-20"), "-20"),
                (json!("20.0"), "20"),
                (json!(format!(" 20.{zeros}")), "20"),
                (json!(format!("{zeros}20")), "20"),
                (json!("-020"), "-20"),
                (json!("-0"), "0"),
                (json!("00.0"), "0"),
                (json!("2_0"), "20"),
                (json!(" +0__0_2_0.00 "), "20"),
                (json!("0_0_0"), "0"),
                (json!("9223372036854775807"), "9223372036854775807"),
            ],
        );
    }

    #[test]
    fn integer_is_not_coerced_from_values_that_pydantic_rejects() {
        stand_for_nothing(
            Kind::Integer,
            &[
                json!(20),
                json!(20.5),
                json!(null),
                json!(["20"]),
                json!({"20": 20}),
                json!(""),
                json!(" "),
                json!("-"),
                json!("- 20"),
                json!("--20"),
                json!("+-20"),
                json!("20."),
                json!(".0"),
                json!("20.5"),
                json!("20.0_0"),
                json!("20.0.0"),
                json!("2e1"),
                json!("0x14"),
                json!("2__0"),
                json!("_20"),
                json!("-_20"),
                json!("20_"),
                json!("0_"),
                json!("20_.0"),
                json!("0-5"),
                json!("20 .0"),
                json!("2 0"),
                json!("20\u{0}"),
                json!("\u{200b}20"),
                json!("\u{feff}20"),
                json!("\u{1f}20"),
                json!("\u{662}\u{660}"),
                json!("\u{ff12}\u{ff10}"),
                json!("20\u{301}"),
                json!("twenty"),
                json!("true"),
                json!("nan"),
                json!("9".repeat(400)),
            ],
        );
    }

    #[test]
    fn boolean_is_coerced_from_the_values_that_pydantic_accepts() {
        for (words, expected) in [(TRUE, "true"), (FALSE, "false")] {
            for word in words {
                stand_for(
                    Kind::Boolean,
                    &[
                        (json!(word), expected),
                        (json!(word.to_uppercase()), expected),
                    ],
                );
            }
        }
        stand_for(
            Kind::Boolean,
            &[
                (json!(1), "true"),
                (json!(1.0), "true"),
                (json!(0), "false"),
                (json!(-0.0), "false"),
            ],
        );
        stand_for_nothing(
            Kind::Boolean,
            &[
                json!(true),
                json!(null),
                json!(2),
                json!(-1),
                json!(0.5),
                json!(""),
                json!(" true"),
                json!("yes\n"),
                json!("01"),
                json!("1.0"),
                json!("o\u{fb00}"),
                json!("ye\u{17f}"),
                json!([true]),
            ],
        );
    }

    #[test]
    fn number_is_coerced_from_the_values_that_pydantic_accepts() {
        stand_for(
            Kind::Number,
            &[
                (json!(true), "1"),
                (json!("5"), "5"),
                (json!(" +005.50 "), "5.50"),
                (json!(".5"), "0.5"),
                (json!("5."), "5"),
                (json!("-.5e1"), "-0.5e1"),
                (json!("1E+3"), "1E+3"),
                (json!("1_0.2_5"), "10.25"),
                (json!("-_5"), "-5"),
                (json!("1e_1"), "1e1"),
                (json!("1e-400"), "1e-400"),
            ],
        );
        stand_for_nothing(
            Kind::Number,
            &[
                json!(5),
                json!(null),
                json!(""),
                json!("."),
                json!("e5"),
                json!("5e"),
                json!("5e+-1"),
                json!("5e 1"),
                json!("1.2.3"),
                json!("+-5"),
                json!("1__0"),
                json!("_1"),
                json!(" 1_0 "),
                json!("1_0e5 "),
                json!("0x1p3"),
                json!("inf"),
                json!("NaN"),
                json!("1e400"),
                json!("\u{665}"),
            ],
        );
    }

    #[test]
    fn text_is_not_coerced() {
        stand_for_nothing(
            Kind::Text,
            &[json!(5), json!(true), json!("5"), json!(null)],
        );
    }
}
