//! What people are told about a node, compared with its document: the text of `zoetrope nodes NAME`,
//! the advice of `zoetrope check`, the next step after a refusal, and the comments of the WIT.

use serde_json::{Map, Value, json};
use wit_parser::{Docs, Interface, Resolve, TypeDefKind};

use crate::published_documents::{
    AGENTICFLOW, IMAGE, POPIART, SHORTAPI, VIDEO, entry, keyword, popiart_fields, types,
};
use crate::support::document::Document;
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::{root, schema};

/// The skill that PopiArt's documents name to a user who has no picture.
const TEXT_TO_IMAGE: &str = "popiskill-image-text2image-basic-v1";

/// The names of a document's fields, in its order.
fn field_names(document: &Document) -> Vec<String> {
    let mut tables = document.tables().into_iter();
    let rows = match tables.find(|(heading, _)| *heading == "Input Parameters") {
        Some((_, rows)) => rows,
        None if document.front_matter.is_empty() => document.section("Input Schema").parameters(),
        None => return popiart_fields(document),
    };
    rows.iter().map(|row| row["Name"].clone()).collect()
}

/// What a node's page shows of each field: the lines from the one that begins with its name up to
/// the next field's, as one line. Further lines of a field are indented further.
#[track_caller]
fn shown_fields(page: &str, names: &[String]) -> Vec<String> {
    let (_, page) = page.split_once("\nInput").expect("the inputs");
    let (page, _) = page.split_once("\nOutput").expect("the outputs");
    let lines: Vec<_> = page.lines().collect();
    let is_of = |line: &str, name: &str| line.split_whitespace().next() == Some(name);
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let first = lines.iter().find(|line| is_of(line, &names[0]));
    let indented = indentation(first.expect("the first field"));
    let place = |name: &String| {
        let begins = |line: &&str| is_of(line, name) && indentation(line) == indented;
        let place = lines.iter().position(begins);
        place.unwrap_or_else(|| panic!("no {name} in {page}"))
    };
    let mut places: Vec<_> = names.iter().map(place).collect();
    assert!(places.is_sorted(), "not in the document's order: {page}");
    places.push(lines.len());
    let text = |place: &[usize]| in_one_line(&lines[place[0]..place[1]].join(" "));
    places.windows(2).map(text).collect()
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The texts that a node's page must show of a field, its description first.
fn expected_texts(entry: &Value, name: &str) -> Vec<String> {
    let property = &entry["input_schema"]["properties"][name];
    let mut fields = entry["extensions"]["fields"]
        .as_array()
        .into_iter()
        .flatten();
    let field = fields.find(|field| field["name"] == name);
    let about = |key: &str| field.and_then(|field| field.get(key));
    let description = about("description").unwrap_or(&property["description"]);
    let kind = about("type").and_then(Value::as_str);
    let mut texts = vec![
        in_one_line(description.as_str().expect("a description")),
        kind.map_or_else(|| types(property).join(" or "), str::to_owned),
    ];
    let shown = |value: &Value| {
        let text = value.as_str().map(str::to_owned);
        text.unwrap_or_else(|| value.to_string())
    };
    texts.extend(property.get("default").map(shown));
    texts.extend(property["enum"].as_array().into_iter().flatten().map(shown));
    for limit in ["minimum", "maximum", "maxLength"] {
        let limit = Some(keyword(property, limit)).filter(|limit| !limit.is_null());
        texts.extend(limit.map(shown));
    }
    let choices = about("choices").and_then(Value::as_array);
    for choice in choices.into_iter().flatten() {
        let shown = choice.as_array().expect("a value and its meaning").iter();
        texts.extend(shown.map(|text| in_one_line(text.as_str().expect("a text"))));
    }
    texts
}

#[test]
fn node_page_shows_types_ranges_and_choices() {
    let documents = AGENTICFLOW.into_iter().chain([SHORTAPI]).chain(POPIART);
    for (document, node) in documents {
        let names = field_names(&Document::open(document));
        let outcome = Sandbox::new().run(["nodes", node]);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let entry = entry(node);
        for (name, shown) in names.iter().zip(shown_fields(&outcome.stdout, &names)) {
            let mut texts = expected_texts(&entry, name).into_iter();
            let description = texts.next().expect("a description");
            assert!(
                shown.contains(&description),
                "{node}: {description}: {shown}"
            );
            // The description alone repeats some of the others.
            let rest = shown.replacen(&description, "", 1);
            for text in texts {
                assert!(rest.contains(&text), "{node}: no {text}: {shown}");
            }
        }
    }
}

/// An input of a document that gets no advice: its second example, or its template.
fn good_input(document: &Document) -> Map<String, Value> {
    let mut examples = document.examples();
    if examples.is_empty() {
        serde_json::from_str(&document.code("json").text).expect("a template")
    } else {
        examples.remove(1).input
    }
}

fn checked(node: &str, input: &Map<String, Value>) -> Outcome {
    let sandbox = Sandbox::new();
    sandbox.write("input.json", json!(input).to_string());
    sandbox.run(["--json", "check", node, "--input", "input.json"])
}

/// A change of a good input, the pointer and adjustment of the note that it gets, and the words of
/// the document from which the note comes.
type Advice = (Value, &'static str, &'static str, &'static str);

#[track_caller]
fn are_noted((document, node): (&str, &str), advice: impl IntoIterator<Item = Advice>) {
    let document = Document::open(document);
    let good = good_input(&document);
    assert_eq!(checked(node, &good).answer()["notes"], json!([]), "{node}");
    for (changes, path, adjustment, words) in advice {
        assert!(document.says(words), "{words}");
        let mut input = good.clone();
        input.extend(changes.as_object().expect("fields").clone());
        let plan = checked(node, &input).answer();
        let notes = plan["notes"].as_array().expect("notes");
        let is_expected =
            |note: &Value| note["instance_path"] == path && note["adjustment"] == adjustment;
        assert!(notes.iter().any(is_expected), "{node} {changes}: {plan}");
        // Advice changes nothing.
        if adjustment == "advice" {
            assert_eq!(plan["input"], json!(input), "{node}");
        }
    }
}

#[test]
fn advice_comes_from_the_documents() {
    let [one, three] = AGENTICFLOW;
    let https = "publicly accessible and uses https:// protocol";
    let advice = |changes, path, words| (changes, path, "advice", words);
    let image = |image: &str, words| advice(json!({ "image": image }), "/image", words);
    let large = json!({"size": "Square FullHD (1:1)"});
    let small = json!({"model": "Pixel S"});
    are_noted(
        one,
        [
            image("http://example.com/a.jpg", https),
            image("the portrait", https),
            advice(large, "/size", "Higher resolutions (FullHD)"),
            (small, "/size", "not_forwarded", "(Only for Pixel M model)"),
        ],
    );
    let guidance = |value: u8, words| {
        let changes = json!({ "guidance_scale": value });
        advice(changes, "/guidance_scale", words)
    };
    let rate = |value: u8, words| advice(json!({ "frame_rate": value }), "/frame_rate", words);
    let rates = "24fps (cinematic), 30fps (smooth), or 8-15fps (stylized)";
    are_noted(
        three,
        [
            image("the portrait", "properly formatted"),
            advice(json!({"steps": 31}), "/steps", "Higher steps (30-50)"),
            guidance(2, "Lower values (1-3)"),
            guidance(8, "higher values (7-10)"),
            rate(20, rates),
            rate(30, "higher frame rates increase file size"),
        ],
    );
    let picture = "https://pictures.example/a.png";
    let both = json!({"image_url": picture, "reference_image_url": picture});
    let alias = "`reference_image_url` is a compatibility alias for `image_url`";
    let pictures = || (both.clone(), "/reference_image_url", "dropped", alias);
    let seconds = "`seconds` is a compatibility alias for `duration_s`";
    let lengths = (json!({"seconds": 6}), "/seconds", "dropped", seconds);
    are_noted(VIDEO, [pictures(), lengths]);
    are_noted(IMAGE, [pictures()]);
}

#[test]
fn refusal_of_a_prompt_without_a_picture_names_the_skill_of_the_documents() {
    for (document, node) in POPIART {
        assert!(Document::open(document).says(TEXT_TO_IMAGE));
        let input = Map::from_iter([("prompt".into(), "waves".into())]);
        let error = checked(node, &input).error("invalid_input");
        assert!(error.to_string().contains(TEXT_TO_IMAGE), "{error}");
    }
}

/// The next step that is suggested after a submit got this reply.
#[track_caller]
fn next_step_after(node: &str, input: &Map<String, Value>, reply: Reply) -> String {
    let provider = Server::start(Script::from([("POST /v1/jobs".into(), vec![reply])]));
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("input.json", json!(input).to_string());
    let outcome = sandbox.run(["--json", "run", node, "--input", "input.json"]);
    let error = &outcome.json()["error"];
    assert_eq!(error["charged"], "no", "{outcome:?}");
    error["next"].as_str().expect("a next step").to_owned()
}

/// The replies by which a provider reports an error of the catalog: by a code, by a status, by words.
/// A server's error and a timeout leave open whether a job exists, so they have another next step.
fn refusals(error: &Value) -> Vec<Reply> {
    let first = |key: &str| error[key][0].as_str().map(str::to_owned);
    let reply = |status: u16, code: &str, message: &str| {
        Reply::json(status, json!({"error": {"code": code, "message": message}}))
    };
    let statuses = error["statuses"].as_array().into_iter().flatten();
    let statuses = statuses.filter_map(|status| u16::try_from(status.as_u64()?).ok());
    let refused = statuses.filter(|status| (400..500).contains(status) && *status != 408);
    let mut refusals: Vec<_> = refused.map(|status| reply(status, "e", "No.")).collect();
    refusals.extend(first("codes").map(|code| reply(422, &code, "No.")));
    refusals.extend(first("words").map(|words| reply(422, "e", &format!("So: {words}."))));
    refusals
}

#[test]
fn refusal_gives_the_published_solution() {
    for (document, node) in AGENTICFLOW {
        let document = Document::open(document);
        let input = good_input(&document);
        let entry = entry(node);
        let errors = entry["extensions"]["errors"].as_array().expect("errors");
        let rows = document.table("Error Handling");
        assert_eq!(errors.len(), rows.len());
        for (row, error) in rows.iter().zip(errors) {
            let refusals = refusals(error);
            assert!(refusals.len() >= 2, "{error}");
            for refusal in refusals {
                let next = next_step_after(node, &input, refusal.clone());
                assert!(next.contains(&row["Solution"]), "{refusal:?}: {next}");
            }
        }
    }
}

fn comment(docs: &Docs) -> String {
    in_one_line(docs.contents.as_deref().unwrap_or_default())
}

/// A default in the words of the WIT: a case of an enum for a text or a boolean.
fn default_in_wit(
    resolve: &Resolve,
    interface: &Interface,
    field: &str,
    property: &Value,
) -> String {
    let cases = interface
        .types
        .get(field)
        .map(|id| &resolve.types[*id].kind);
    match (&property["default"], cases) {
        (Value::Bool(true), _) => "`on`".to_owned(),
        (Value::Bool(false), _) => "`off`".to_owned(),
        (Value::String(default), Some(TypeDefKind::Enum(named))) => {
            let choices = property["enum"].as_array().expect("choices");
            assert_eq!(choices.len(), named.cases.len(), "{field}");
            let place = choices.iter().position(|choice| choice == default);
            format!("`{}`", named.cases[place.expect("a choice")].name)
        }
        (other, _) => other.to_string(),
    }
}

#[test]
fn wit_comments_name_limits_and_defaults() {
    let mut resolve = Resolve::default();
    resolve.push_dir(root().join("wit")).expect("the contract");
    for (_, node) in AGENTICFLOW {
        let name = node.replace('_', "-");
        let mut interfaces = resolve.interfaces.iter().map(|(_, interface)| interface);
        let interface = interfaces.find(|interface| interface.name.as_ref() == Some(&name));
        let interface = interface.expect("an interface for each typed node");
        let TypeDefKind::Record(input) = &resolve.types[interface.types["input"]].kind else {
            panic!("{node}: the input is a record");
        };
        let schema: Value = serde_json::from_str(&schema(node, "input")).expect("JSON");
        let properties = schema["properties"].as_object().expect("properties");
        assert_eq!(input.fields.len(), properties.len(), "{node}");
        for field in &input.fields {
            let property = &properties[&field.name.replace('-', "_")];
            let comment = comment(&field.docs);
            let limits = ["minimum", "maximum", "maxLength"].map(|limit| keyword(property, limit));
            let limits = limits.into_iter().filter(|limit| !limit.is_null());
            let mut texts: Vec<_> = limits.map(Value::to_string).collect();
            if property.get("default").is_some() {
                texts.push(default_in_wit(&resolve, interface, &field.name, property));
                texts.push("when absent".to_owned());
            }
            for text in texts {
                assert!(comment.contains(&text), "{node}: no {text}: {comment}");
            }
        }
    }
}
