use serde_json::json;

use super::super::{check_categories, check_options, option_problem};

#[test]
fn options_are_checked_by_the_schema_of_their_category() {
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "wire": {"type": "string", "enum": ["jobs", "agenticflow"]},
            "submit": {
                "type": ["object", "null", "boolean"],
                "additionalProperties": false,
                "properties": {"method": {"type": "string"}, "path": {"type": "string"}},
            },
            "actions": {"type": "object", "additionalProperties": {"type": "string"}},
            "full": {"type": "number"},
        },
    });
    let text = "\
[connections.a]
category = \"x\"
options = { wire = \"job\", submitt = 1, submit = { methd = \"POST\" }, full = \"1\" }

[connections.b]
category = \"other\"
options = { anything = 1 }

[connections.c]
category = \"x\"

[connections.c.options]
wire = \"agenticflow\"
submit = false
actions = { a = \"b\" }
full = 100
";
    let schema_of = |category: &str| (category == "x").then(|| schema.clone());
    let found: Vec<_> = check_options(text, &schema_of)
        .into_iter()
        .map(|problem| (problem.line, problem.column, problem.did_you_mean))
        .collect();
    let near = |name: &str| Some(name.to_owned());
    assert_eq!(
        found,
        [
            (3, 20, near("jobs")),
            (3, 27, near("submit")),
            (3, 51, near("method")),
            (3, 76, None),
        ]
    );
    assert_eq!(check_options("not = [toml", &schema_of), []);
}

#[test]
fn category_that_no_node_uses_is_a_problem_and_a_similar_one_is_named() {
    let categories = [
        "pixelml",
        "pixelm",
        "PixelML",
        "shortpai",
        "pixelml_studio",
        "music",
    ];
    let tables = categories.map(|name| format!("[connections.{name}]\ncategory = \"{name}\"\n"));
    let found: Vec<_> = check_categories(&tables.concat(), &["pixelml", "popiart", "shortapi"])
        .into_iter()
        .map(|problem| (problem.line, problem.column, problem.did_you_mean))
        .collect();
    let near = |name: &str| Some(name.to_owned());
    assert_eq!(
        found,
        [
            (4, 12, near("pixelml")),
            (6, 12, near("pixelml")),
            (8, 12, near("shortapi")),
            (10, 12, None),
            (12, 12, None),
        ]
    );
    assert_eq!(check_categories("not = [toml", &["pixelml"]), []);
}

#[test]
fn problem_of_options_is_at_the_options_of_its_connection() {
    let text = "\
[connections.a]
category = \"x\"
options = {}

[connections.b.options]
wire = \"y\"

[connections.c]
";
    for (id, place) in [
        ("a", (3, 1)),
        ("b", (5, 16)),
        ("c", (8, 14)),
        ("none", (1, 1)),
    ] {
        let problem = option_problem(text, id, "wrong");
        assert_eq!((problem.line, problem.column), place, "{id}");
        assert_eq!(problem.message, "wrong");
    }
}
