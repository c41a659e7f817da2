//! The forms in which providers give a reason.

use serde_json::{Value, json};

use crate::support::provider::Reply;

/// A body, and the words of its reason that must be shown.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) name: String,
    pub(super) words: Vec<String>,
    /// One of those that are tried at every place.
    pub(super) is_common: bool,
    pub(super) json: Option<Value>,
    text: String,
    media_type: &'static str,
}

impl Form {
    pub(super) fn of_json(name: &str, json: Value, words: &[&str]) -> Self {
        Self {
            name: name.into(),
            words: words.iter().map(|&words| words.into()).collect(),
            is_common: false,
            json: Some(json),
            text: String::new(),
            media_type: "application/json",
        }
    }

    fn common(self) -> Self {
        Self {
            is_common: true,
            ..self
        }
    }

    fn of_type(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    pub(super) fn reply(&self, status: u16) -> Reply {
        let mut reply = match &self.json {
            Some(json) => Reply::json(status, json.clone()),
            None => Reply::text(status, &self.text),
        };
        reply.header("content-type", self.media_type);
        reply
    }
}

/// A plain text.
pub(super) fn plain(text: &str, words: &[&str]) -> Form {
    Form {
        text: text.into(),
        json: None,
        ..Form::of_json("plain text", Value::Null, words).of_type("text/plain; charset=utf-8")
    }
}

/// An HTML page with a title.
pub(super) fn page(title: &str, words: &[&str]) -> Form {
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><style>p {{ margin: 0 }}\
         </style>\n<TITLE>{title}</TITLE></head><body><h1>Oops</h1><p>Ray ID 7f</p></body></html>"
    );
    Form {
        name: "a page".into(),
        ..plain(&text, words).of_type("text/html; charset=utf-8")
    }
}

/// Every form.
pub(super) fn forms() -> Vec<Form> {
    let taken = "the seed is taken";
    let two = ["the seed is taken", "the prompt is empty"];
    let of = Form::of_json;
    vec![
        of("detail, a text", json!({"detail": taken}), &[taken]).common(),
        of(
            "detail, a list",
            json!({"detail": [
                {"loc": ["body", "input", "steps"], "msg": "not a number", "type": "int_parsing"},
                {"loc": ["body", "images", 3], "msg": "too dark", "type": "value_error"},
            ]}),
            &["steps", "not a number", "images", "3", "too dark"],
        )
        .common(),
        of("error, a text", json!({"error": taken}), &[taken]),
        of(
            "error.message",
            json!({"error": {"code": "E7", "message": taken}}),
            &[taken],
        )
        .common(),
        of(
            "errors with messages",
            json!({"errors": [{"message": two[0]}, {"message": two[1]}]}),
            &two,
        ),
        of(
            "errors with details",
            json!({"errors": [{"detail": two[0], "status": "422"}, {"detail": two[1]}]}),
            &two,
        ),
        of("message", json!({"message": taken}), &[taken]),
        of("msg", json!({"msg": taken}), &[taken]),
        of("info", json!({"info": taken}), &[taken]),
        of(
            "problem JSON",
            json!({
                "type": "https://errors.example/seed", "title": "Unusable seed",
                "detail": "the seed 7 is taken", "instance": "/v1/orders/9",
            }),
            &["Unusable seed", "the seed 7 is taken"],
        )
        .of_type("application/problem+json"),
        plain(
            "upstream connect error: no healthy host\n",
            &["no healthy host"],
        )
        .common(),
        page("Gate closed &amp; locked", &["Gate closed"]).common(),
    ]
}

/// Forms whose reason has this text inside.
pub(super) fn with_echo(echo: &str) -> Vec<Form> {
    let said = format!("we do not draw {echo} today");
    let around = ["we do not draw", "today"];
    vec![
        Form::of_json("detail", json!({"detail": said}), &around),
        Form::of_json(
            "a list with the input",
            json!({"detail": [
                {"loc": ["body", "prompt"], "msg": said, "input": echo, "type": "value_error"},
                {"loc": ["body", echo], "msg": "an unknown name", "type": "extra"},
            ]}),
            &["we do not draw", "an unknown name"],
        ),
        Form::of_json(
            "error.message",
            json!({"error": {"message": said}}),
            &around,
        ),
        plain(&said, &around),
        page(&said, &around),
    ]
}

/// Reasons of 100 kB, of short words and of one.
pub(super) fn long_ones() -> Vec<Form> {
    let words = format!("seed-taken {}", "zq ".repeat(33_000));
    let word = format!("seed-taken-{}", "zq".repeat(50_000));
    let of = |name: &str, form: Form| Form {
        name: name.into(),
        ..form
    };
    let begins = &["seed-taken"];
    vec![
        Form::of_json("many words", json!({"detail": words}), begins),
        Form::of_json("one word", json!({"error": {"message": word}}), begins),
        Form::of_json(
            "many errors",
            json!({"detail": (0..1000).map(|index| {
                json!({"loc": ["seed-taken", index], "msg": "zq ".repeat(30)})
            }).collect::<Vec<_>>()}),
            begins,
        ),
        of("many words in plain text", plain(&words, begins)),
        of("a page with a long title", page(&words, begins)),
    ]
}
