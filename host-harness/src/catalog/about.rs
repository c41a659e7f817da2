//! The documentation of a node for people, in the contract's `extensions`.

use std::time::Duration;

use serde_json::Value;

use crate::contract::NodeType;

/// The documentation of a node type. Entries of another form are ignored, since the component
/// of a stranger writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Fields of the input, in the order of the documentation.
    pub fields: Vec<DocumentedField>,
    /// Fields of the output, in the order of the documentation.
    pub output_fields: Vec<DocumentedField>,
    /// The documented errors, in their order.
    pub errors: Vec<DocumentedError>,
    /// How long a run usually takes.
    pub estimated_duration: Option<Duration>,
    /// The published price, with its unit: `0.048 USD per second of video`.
    pub price: Option<String>,
}

/// A field of the input in the documentation.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentedField {
    /// Its name.
    pub name: String,
    /// Its type in the documentation's words: `dropdown`.
    pub type_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Values or ranges, and what each means, in the documentation's order.
    pub choices: Vec<(String, String)>,
}

/// An error that the documentation describes.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentedError {
    /// Its name.
    pub title: String,
    /// What to do about it, as published.
    pub solution: String,
    codes: Vec<String>,
    statuses: Vec<u64>,
    words: Vec<String>,
}

/// Longest estimated duration that is believed.
const LONGEST: f64 = 24.0 * 3600.0;

impl About {
    /// The documentation of this node type.
    #[must_use]
    pub fn of(node: &NodeType) -> Self {
        let about: Value = serde_json::from_str(&node.extensions).unwrap_or_default();
        let list = |name: &str| about[name].as_array().into_iter().flatten();
        let seconds = about["estimated_duration_s"].as_f64();
        Self {
            fields: list("fields").filter_map(field).collect(),
            output_fields: list("output_fields").filter_map(field).collect(),
            errors: list("errors").filter_map(error).collect(),
            estimated_duration: seconds
                .filter(|seconds| *seconds > 0.0 && *seconds <= LONGEST)
                .map(Duration::from_secs_f64),
            price: price(&about["price"]),
        }
    }

    /// The documentation of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&DocumentedField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The documented error that a provider's refusal is: by its code, else by the longest
    /// words that the message contains, if the status does not name another reason, else by its
    /// HTTP status.
    #[must_use]
    pub fn error(
        &self,
        code: Option<&str>,
        status: Option<u16>,
        message: &str,
    ) -> Option<&DocumentedError> {
        let code = code.map(normalized_code);
        let by_code = self
            .errors
            .iter()
            .find(|error| error.codes.iter().any(|known| Some(known) == code.as_ref()));
        // A refusal for another reason than the input may use the same words.
        let is_about_input =
            status.is_none_or(|status| matches!(status, 400 | 413 | 415 | 422 | 500..=599));
        by_code
            .or_else(|| self.by_words(message).filter(|_| is_about_input))
            .or_else(|| self.by_status(status?))
    }

    /// As [`error`](Self::error), for a text of
    /// [`ProviderFault::described`](crate::contract::ProviderFault::described).
    #[must_use]
    pub fn error_in(&self, text: &str) -> Option<&DocumentedError> {
        let (message, details) = divided(text);
        let detail = |name: &str| {
            let mut details = details.split(", ");
            details.find_map(|detail| detail.strip_prefix(name))
        };
        let status = detail(STATUS).or_else(|| message.strip_prefix(STATUS));
        let status = status.and_then(|status| {
            let end = status.find(|digit: char| !digit.is_ascii_digit());
            status[..end.unwrap_or(status.len())].parse().ok()
        });
        self.error(detail("code "), status, message)
    }

    fn by_words(&self, message: &str) -> Option<&DocumentedError> {
        let message = message.to_lowercase();
        let found = self.errors.iter().filter_map(|error| {
            let words = error.words.iter().filter(|words| message.contains(*words));
            words.map(String::len).max().map(|length| (length, error))
        });
        // Of two equally long ones the first.
        let best = found.reduce(|best, other| if other.0 > best.0 { other } else { best });
        best.map(|(_, error)| error)
    }

    fn by_status(&self, status: u16) -> Option<&DocumentedError> {
        let has = |error: &&DocumentedError| error.statuses.contains(&status.into());
        self.errors.iter().find(has)
    }
}

/// The status in the details of an error, and in a message that is the status alone.
const STATUS: &str = "HTTP status ";

/// Message and details of a text of
/// [`ProviderFault::described`](crate::contract::ProviderFault::described), also if more text
/// follows.
fn divided(text: &str) -> (&str, &str) {
    let begins = [" (HTTP status ", " (code "];
    let at = begins.iter().filter_map(|begin| text.rfind(begin)).max();
    let divide = |at: usize| {
        let (details, _) = text[at + 2..].split_once(')')?;
        Some((&text[..at], details))
    };
    at.and_then(divide).unwrap_or((text, ""))
}

fn price(price: &Value) -> Option<String> {
    let [amount, unit, basis] = ["amount", "unit", "basis"].map(|name| price[name].as_str());
    Some(format!(
        "{} {} {}",
        amount?,
        unit?,
        basis?.replace('_', " ")
    ))
}

fn field(entry: &Value) -> Option<DocumentedField> {
    let text = |name: &str| entry[name].as_str().map(str::to_owned);
    let choices = entry["choices"].as_array().into_iter().flatten();
    Some(DocumentedField {
        name: text("name")?,
        type_name: text("type"),
        description: text("description"),
        choices: choices
            .filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned())))
            .collect(),
    })
}

fn error(entry: &Value) -> Option<DocumentedError> {
    let texts = |name: &str| {
        let listed = entry[name].as_array().into_iter().flatten();
        let texts = listed.filter_map(Value::as_str);
        texts.filter(|text| !text.is_empty()).collect::<Vec<_>>()
    };
    let statuses = entry["statuses"].as_array().into_iter().flatten();
    let title = entry["title"].as_str()?;
    let own = [Some(title), entry["cause"].as_str()];
    let words = own.into_iter().flatten().chain(texts("words"));
    Some(DocumentedError {
        title: title.to_owned(),
        solution: entry["solution"].as_str()?.to_owned(),
        codes: texts("codes").into_iter().map(normalized_code).collect(),
        statuses: statuses.filter_map(Value::as_u64).collect(),
        words: words
            .filter(|words| !words.is_empty())
            .map(str::to_lowercase)
            .collect(),
    })
}

/// A code without its case, and with `-`, `_` and blanks as the same sign.
fn normalized_code(code: &str) -> String {
    code.to_lowercase().replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::ProviderFault;

    fn about() -> About {
        let error = |title: &str, code: &str, status: u64, words: [&str; 2]| json!({"title": title, "solution": title, "codes": [code], "statuses": [status], "words": words});
        let extensions = json!({
            "errors": [
                error("failed", "generation_failed", 500, ["generation failed", "failed"]),
                error("memory", "out_of_memory", 507, ["out of memory, failed", "oom"]),
                {"title": "incomplete"},
            ],
            "estimated_duration_s": 2.5,
            "fields": [{"name": "size", "choices": [["S", "small"], ["L", 5], "M"]}, 7],
        });
        let of = |name: &str| extensions[name].as_array().cloned().unwrap_or_default();
        About {
            fields: of("fields").iter().filter_map(field).collect(),
            output_fields: Vec::new(),
            errors: of("errors").iter().filter_map(super::error).collect(),
            estimated_duration: None,
            price: price(&json!({"amount": "2", "unit": "credits", "basis": "per_run"})),
        }
    }

    #[test]
    fn refusal_is_found_by_code_then_words_then_status() {
        let about = about();
        let title = |code, status, message| {
            let found = about.error(code, status, message);
            found.map(|error| error.title.clone())
        };
        assert_eq!(
            title(Some("Out-Of Memory"), None, "failed").as_deref(),
            Some("memory")
        );
        assert_eq!(
            title(None, Some(500), "It ended OUT OF MEMORY, failed").as_deref(),
            Some("memory")
        );
        assert_eq!(
            title(Some("other"), Some(507), "it failed").as_deref(),
            Some("failed")
        );
        assert_eq!(title(None, Some(507), "no").as_deref(), Some("memory"));
        assert_eq!(title(Some("other"), Some(400), "no"), None);
        let fault = ProviderFault {
            status: Some(507),
            code: Some("generation-failed".into()),
            message: "no".into(),
        };
        let found = about.error_in(&fault.described());
        assert_eq!(found.map(|error| error.title.as_str()), Some("failed"));
        let more = format!("{}; nothing was charged", fault.described());
        assert_eq!(about.error_in(&more), found);
        for message in [
            "no",
            "HTTP status 507",
            "HTTP status 507; the file has 7 bytes",
        ] {
            let fault = ProviderFault {
                code: None,
                message: message.into(),
                ..fault.clone()
            };
            let found = about.error_in(&fault.described());
            assert_eq!(found.map(|error| error.title.as_str()), Some("memory"));
        }
    }

    #[test]
    fn entries_of_another_form_are_ignored() {
        let about = about();
        assert_eq!(about.errors.len(), 2);
        assert_eq!(about.fields.len(), 1);
        assert_eq!(about.price.as_deref(), Some("2 credits per run"));
        assert_eq!(price(&json!({"amount": 2})), None);
        assert_eq!(
            about.fields[0].choices,
            [("S".to_owned(), "small".to_owned())]
        );
    }
}
