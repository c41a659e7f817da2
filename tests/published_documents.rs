//! The published documents of the nodes, in `documents/`, compared with the catalog, with `check`
//! and with the requests of runs. Tables, schemas, examples and commands are read from the documents
//! at test time. `shortapi_page` has the samples of ShortAPI's page.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::document::{Document, Example, Row};
use crate::support::provider::{Reply, Script, Server, connection_of};
use crate::support::sandbox::Sandbox;
use crate::support::shell::words;

/// Each document of AgenticFlow and its node.
pub(crate) const AGENTICFLOW: [(&str, &str); 2] = [
    ("agenticflow-image_to_video", "image_to_video"),
    ("agenticflow-image_to_video_v3", "image_to_video_v3"),
];

/// ShortAPI's page and its node.
pub(crate) const SHORTAPI: (&str, &str) = (
    "shortapi-poppy-v1.0-image-to-video",
    "shortapi/poppy-v1.0/image-to-video",
);

/// PopiArt's document of a clip from a picture, and its node.
pub(crate) const VIDEO: (&str, &str) = (
    "popiart-video-image2video",
    "popiskill-video-image2video-basic-v1",
);

/// PopiArt's document of a picture from a picture, and its node.
pub(crate) const IMAGE: (&str, &str) =
    ("popiart-image-img2img", "popiskill-image-img2img-basic-v1");

/// Each document of PopiArt and its node.
pub(crate) const POPIART: [(&str, &str); 2] = [VIDEO, IMAGE];

/// A node's entry in the catalog.
#[track_caller]
pub(crate) fn entry(node: &str) -> Value {
    let outcome = Sandbox::new().run(["nodes", node, "--json"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    outcome.json()[0].take()
}

/// The types of a property, in the order in which the schema lists them.
pub(crate) fn types(property: &Value) -> Vec<&str> {
    let branches = property["anyOf"].as_array().into_iter().flatten();
    let branches = [property].into_iter().chain(branches);
    branches
        .filter_map(|branch| branch["type"].as_str())
        .collect()
}

/// A keyword of a property, or of one of its branches.
pub(crate) fn keyword<'a>(property: &'a Value, name: &str) -> &'a Value {
    let branches = property["anyOf"].as_array().into_iter().flatten();
    let mut branches = branches.chain([property]);
    branches
        .find_map(|branch| branch.get(name))
        .unwrap_or(&Value::Null)
}

/// A value as the documents write it: JSON, or plain words.
pub(crate) fn value_of(cell: &str) -> Value {
    serde_json::from_str(cell).unwrap_or_else(|_| cell.into())
}

#[test]
fn connection_tables_are_the_catalogs_requirements() {
    for (document, node) in AGENTICFLOW {
        let rows = Document::open(document).table("Connection");
        let [row] = &rows[..] else {
            panic!("{node}: {rows:?}");
        };
        let published = json!({
            "name": row["Name"],
            "description": row["Description"],
            "required": row["Required"] == "True",
            "connection_category": row["Category"],
        });
        assert_eq!(entry(node)["connection"], published, "{node}");
    }
}

#[test]
fn names_titles_and_descriptions_are_as_published() {
    for (document, node) in AGENTICFLOW {
        let document = Document::open(document);
        let entry = entry(node);
        let action = format!("**Action ID:** `{}`", entry["id"].as_str().expect("an id"));
        assert_eq!(document.section("").prose(), action);
        assert_eq!(entry["name"], entry["id"]);
        assert_eq!(entry["title"], document.title());
        let description = document.section("Description").prose();
        assert_eq!(entry["description"], description);
    }
    assert_eq!(
        entry(SHORTAPI.1)["name"],
        Document::open(SHORTAPI.0).title()
    );
    for (document, node) in POPIART {
        let document = Document::open(document);
        let entry = entry(node);
        for name in ["name", "description"] {
            assert_eq!(entry[name], document.front_matter[name], "{node}");
        }
        assert_eq!(entry["title"], document.title());
    }
}

/// A row of a table of inputs, compared with the property of the served schema.
#[track_caller]
fn is_the_property(node: &str, row: &Row, schema: &Value) {
    let (name, description) = (&row["Name"], &row["Description"]);
    let property = &schema["properties"][name];
    let types = types(property);
    match row["Type"].as_str() {
        "dropdown" => assert!(types == ["string"] && property["enum"].is_array(), "{name}"),
        // Its schema says that it may be null as well, and the schema goes before the table.
        "string" if (node, name.as_str()) == ("image_to_video", "negative_prompt") => {
            assert_eq!(types, ["string", "null"]);
        }
        "boolean" => assert_eq!(types[0], "boolean", "{name}"),
        word => assert_eq!(types.join(" or "), word, "{name}"),
    }
    let required = schema["required"].as_array().expect("names");
    // Its schema requires it, and the schema goes before the table.
    let is_required = ["✓", "required"].contains(&row["Required"].as_str())
        || (node, name.as_str()) == ("image_to_video", "negative_prompt");
    assert_eq!(required.contains(&json!(name)), is_required, "{name}");
    let default = row.get("Default").filter(|default| *default != "-");
    let default = default.map(|default| value_of(default));
    assert_eq!(property.get("default"), default.as_ref(), "{name}");
    if let Some((_, options)) = description.split_once("Options: ") {
        let options: Vec<_> = options.split(", ").collect();
        assert_eq!(property["enum"], json!(options), "{name}");
    }
    if let Some((_, range)) = description.split_once("Range: ") {
        let (least, most) = range.split_once(" to ").expect("a range");
        let range = [least, most].map(value_of);
        assert_eq!(
            ["minimum", "maximum"].map(|limit| property[limit].clone()),
            range
        );
    }
    if let Some((_, length)) = description.split_once("Max length: ") {
        let length = length.strip_suffix(" characters").map(value_of);
        assert_eq!(Some(keyword(property, "maxLength")), length.as_ref());
    }
}

#[test]
fn tables_are_the_catalogs_fields() {
    for (document, node) in AGENTICFLOW {
        let document = Document::open(document);
        let entry = entry(node);
        let fields = entry["extensions"]["fields"].as_array().expect("fields");
        let rows = document.table("Input Parameters");
        assert_eq!(rows.len(), fields.len(), "{node}");
        for (row, field) in rows.iter().zip(fields) {
            for (column, key) in [
                ("Name", "name"),
                ("Type", "type"),
                ("Description", "description"),
            ] {
                assert_eq!(field[key], row[column], "{node}");
            }
            is_the_property(node, row, &entry["input_schema"]);
        }
        let output = &entry["output_schema"];
        let rows = document.table("Output Parameters");
        let names: Vec<_> = rows.iter().map(|row| &row["Name"]).collect();
        assert_eq!(output["required"], json!(names), "{node}");
        for row in &rows {
            let property = &output["properties"][&row["Name"]];
            assert_eq!(property["type"], row["Type"], "{node}");
        }
    }
}

#[test]
fn lists_of_parameters_are_the_catalogs_fields() {
    let schema = &entry(SHORTAPI.1)["input_schema"];
    let rows = Document::open(SHORTAPI.0)
        .section("Input Schema")
        .parameters();
    let properties = schema["properties"].as_object().expect("properties");
    assert_eq!((rows.len(), properties.len()), (3, 3));
    for row in &rows {
        is_the_property(SHORTAPI.1, row, schema);
        let property = &properties[&row["Name"]];
        assert_eq!(property["description"], row["Description"]);
        let listed = |column: &str| -> Option<Value> {
            serde_json::from_str(&format!("[{}]", row.get(column)?)).ok()
        };
        for (column, key) in [("Examples", "examples"), ("Options", "enum")] {
            assert_eq!(property.get(key), listed(column).as_ref(), "{row:?}");
        }
    }
    for (document, node) in POPIART {
        let schema = &entry(node)["input_schema"];
        let properties = schema["properties"].as_object().expect("properties");
        let mut names = popiart_fields(&Document::open(document));
        names.sort();
        assert!(names.iter().eq(properties.keys()), "{node}: {names:?}");
    }
}

/// The fields of a document of PopiArt, in its order: in its lists, the first words in backticks.
pub(crate) fn popiart_fields(document: &Document) -> Vec<String> {
    let lists = ["Required input", "Optional input"];
    let items = lists.map(|heading| document.section(heading).items());
    let names = items.concat();
    let names = names.iter().filter_map(|item| item.split('`').nth(1));
    names.map(str::to_owned).collect()
}

#[test]
fn schemas_are_published() {
    let sandbox = Sandbox::new();
    for (document, node) in AGENTICFLOW {
        let document = Document::open(document);
        let blocks = document.code_blocks("json");
        let headings = ["Input Parameters", "Output Parameters"];
        assert_eq!(blocks.len(), headings.len());
        for ((block, heading), which) in blocks.iter().zip(headings).zip(["input", "output"]) {
            assert_eq!(block.heading, heading);
            let outcome = sandbox.run(["nodes", node, "--schema", which]);
            assert_eq!((outcome.code, &outcome.stdout), (0, &block.text), "{node}");
        }
    }
}

#[test]
fn examples_run_with_equal_requests() {
    for (document, node) in AGENTICFLOW {
        let examples = Document::open(document).examples();
        assert_eq!(examples.len(), 3, "{document}");
        for example in examples {
            runs_as_published(node, &example);
        }
    }
}

#[track_caller]
fn runs_as_published(node: &str, example: &Example) {
    let heading = &example.heading;
    let ended = json!({
        "id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
    });
    let provider = Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]));
    let sandbox = Sandbox::with_provider(&provider);
    let input = Value::Object(example.input.clone());
    sandbox.write("input.json", input.to_string());
    let command = |name| ["--json", name, node, "--input", "input.json"];

    let plan = sandbox.run(command("check")).answer();
    assert_eq!(plan["input"], input, "{heading}");
    for note in plan["notes"].as_array().expect("notes") {
        let adjustment = note["adjustment"].as_str().expect("a word");
        let is_unchanged = ["not_forwarded", "advice"].contains(&adjustment);
        assert!(is_unchanged, "{heading}: {note}");
    }

    let answer = sandbox.run(command("run")).answer();
    let mut sent = example.input.clone();
    if sent.get("model").is_some_and(|model| model == "Pixel S") {
        assert!(sent.remove("size").is_some(), "{heading}");
    }
    let submit = provider.arrived().remove(0);
    assert_eq!(submit.line(), "POST /v1/jobs");
    let published = json!({"action": node, "input": sent});
    assert_eq!(submit.json(), published, "{heading}");

    let output = answer["output"].as_object().expect("an output");
    assert!(output.keys().eq(example.output.keys()), "{heading}");
    for (name, published) in &example.output {
        let is_clip = |value: &Value| value.as_str().is_some_and(|url| url.starts_with("http"));
        assert!(is_clip(published) && is_clip(&output[name]), "{heading}");
    }
}

#[test]
fn error_tables_are_the_catalogs_errors() {
    let mut count = 0;
    for (document, node) in AGENTICFLOW {
        let rows = Document::open(document).table("Error Handling");
        let entry = entry(node);
        let errors = entry["extensions"]["errors"].as_array().expect("errors");
        assert_eq!(errors.len(), rows.len(), "{node}");
        for (error, row) in errors.iter().zip(&rows) {
            for (column, key) in [
                ("Error Type", "title"),
                ("Cause", "cause"),
                ("Solution", "solution"),
            ] {
                assert_eq!(error[key], row[column], "{node}");
            }
        }
        count += rows.len();
    }
    assert_eq!(count, 14);
}

#[test]
fn front_matter_is_in_extensions() {
    for (document, node) in POPIART {
        let document = Document::open(document);
        let entry = entry(node);
        let facts = &document.front_matter;
        assert_eq!(facts.len(), 8, "{node}");
        for (name, published) in facts {
            let place = match name.as_str() {
                "description" => &entry[name],
                _ => &entry["extensions"][name],
            };
            assert_eq!(place, published, "{node}: {name}");
        }
    }
}

#[test]
fn page_facts_are_in_extensions() {
    let page = Document::open(SHORTAPI.0);
    let entry = entry(SHORTAPI.1);
    let extensions = &entry["extensions"];
    let facts = page.section("Overview").items();
    assert_eq!(facts.len(), 4, "{facts:?}");
    for fact in facts {
        let fact = fact
            .strip_prefix("**")
            .and_then(|fact| fact.split_once("**: "));
        let (name, value) = fact.unwrap_or_else(|| panic!("no fact"));
        let name = name.to_lowercase().replace(' ', "_");
        assert_eq!(extensions[&name], value.trim_matches('`'), "{name}");
    }
    let price = &page.section("Pricing").heading;
    let price = price.strip_prefix("Pricing $").expect("a price in dollars");
    let (amount, unit) = price.split_once(" / ").expect("a unit");
    assert!(unit.starts_with("sec "), "{unit}");
    let published = json!({"amount": amount, "unit": "USD", "basis": "per_second_of_video"});
    assert_eq!(extensions["price"], published);
    let description = page.section("").prose();
    let listed = entry["description"].as_str();
    assert_eq!(listed, description.strip_prefix("> "));
}

/// The members of an object as they are written, numbers digit by digit.
#[track_caller]
fn raw(object: &str) -> BTreeMap<String, String> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(object).expect("an object");
    members
        .into_iter()
        .map(|(name, value)| (name, value.get().to_owned()))
        .collect()
}

/// A PopiArt server of one job, whose result is a clip or a picture.
fn popiart(result: &str) -> Server {
    let kind = if result == "1.mp4" {
        "video/mp4"
    } else {
        "image/png"
    };
    let item = json!({"id": "a-1", "content_type": kind, "url": format!("{{provider}}/{result}")});
    let script = [
        (
            "POST /v1/jobs",
            json!({"job_id": "j-1", "status": "pending"}),
        ),
        (
            "GET /v1/jobs/j-1",
            json!({"job_id": "j-1", "status": "done", "artifact_ids": ["a-1"]}),
        ),
        ("GET /v1/jobs/j-1/artifacts", json!({"items": [item]})),
    ];
    let script = script.map(|(line, json)| (line.to_owned(), vec![Reply::json(200, json)]));
    let server = Server::start(Script::from(script));
    let picture = json!({"status": 200, "picture": true});
    let file = match kind {
        "video/mp4" => Reply::clip(),
        _ => serde_json::from_value(picture).expect("a reply"),
    };
    server.script(Script::from([(format!("GET /{result}"), vec![file])]));
    server
}

#[test]
fn popiart_command_patterns_are_understood() {
    for ((document, node), result) in [(VIDEO, "1.mp4"), (IMAGE, "1.png")] {
        let document = Document::open(document);
        let template = &document.code("json").text;
        let commands = document.code_blocks("sh");
        let labels: Vec<_> = commands.iter().map(|block| &*block.label).collect();
        assert_eq!(labels, ["Command pattern", "Inline example:"]);
        for command in commands {
            let words = words(&command.text);
            let [program, run, name, option, value, wait] = &words[..] else {
                panic!("{words:?}");
            };
            let pattern = [program, run, name, option, wait].map(String::as_str);
            assert_eq!(pattern, ["popiart", "run", node, "--input", "--wait"]);
            let input = if value == "@params.json" {
                template
            } else {
                value
            };
            let server = popiart(result);
            let sandbox = Sandbox::new();
            sandbox.configure(&connection_of(
                "popiart",
                &format!("{}/v1", server.url()),
                "",
            ));
            sandbox.write("params.json", template);

            let outcome = sandbox.run(&words[1..]);
            assert_eq!(outcome.code, 0, "{command:?}\n{outcome:?}");
            assert!(Path::new(outcome.stdout.trim()).is_file(), "{outcome:?}");
            let submit = server.arrived().remove(0);
            assert_eq!(submit.line(), "POST /v1/jobs");
            let submit = raw(&String::from_utf8_lossy(&submit.body));
            assert_eq!(submit["skill_id"], format!("\"{node}\""));
            let sent = raw(&submit["input"]);
            assert_eq!(sent["source_artifact_id"], "\"art_123\"");
            assert_eq!(sent, raw(input), "{command:?}");
        }
    }
}
