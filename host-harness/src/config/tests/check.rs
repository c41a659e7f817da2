use std::path::Path;

use super::super::check;

/// The problems of a text, one a line.
fn problems(text: &str) -> String {
    let problems = check(text, Path::new("/etc/zoetrope.toml"));
    let lines = problems.iter().map(|problem| {
        let near = problem.did_you_mean.as_deref();
        let near = near.map_or_else(String::new, |name| format!(" -> {name}"));
        format!(
            "{}:{} {}{near}",
            problem.line, problem.column, problem.message
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn valid_configuration_has_no_problem() {
    assert_eq!(problems(""), "");
    assert_eq!(problems(super::WHOLE), "");
}

#[test]
fn every_problem_is_found_with_its_place_and_the_nearest_key() {
    let text = "\
[connections.a]
categroy = \"pixelml\"
base-url = \"https://a.example\"
credentials = { env = \"KEY\" }

[connections.b]
category = \"pixelml\"
base_url = \"ftp://b.example\"
credential = { environ = \"KEY\" }
requests_per_second = 0
idempotency = true

[connections.\"c d\"]
category = \"pixelml\"
base_url = \"https://c.example\"

[connection.e]
category = \"pixelml\"

[packs.nothing]
name = \"x\"

[packs.3f9c0000000000000000000000000000000000000000000000000000000000aa]
conections = [\"a\"]
hosts = [\"GET https://cdn.example/\", \"nonsense\"]
";
    let found = problems(text);
    for place in [
        "2:1 unknown field",
        "3:1 unknown field",
        "4:1 unknown field",
        "8:12 ",
        "9:16 unknown field",
        "10:23 ",
        "11:15 ",
        "13:14 ",
        "17:2 unknown field",
        "20:8 ",
        "23:1 missing field `name`",
        "24:1 unknown field",
        "25:38 ",
    ] {
        let line = found.lines().find(|line| line.starts_with(place));
        assert!(line.is_some(), "{place} is not in\n{found}");
    }
    for (line, key) in [
        ("2:1 ", "category"),
        ("3:1 ", "base_url"),
        ("4:1 ", "credential"),
        ("9:16 ", "env"),
        ("17:2 ", "connections"),
        ("24:1 ", "connections"),
    ] {
        let line = found.lines().find(|found| found.starts_with(line));
        let line = line.unwrap_or_default();
        assert!(line.ends_with(&format!(" -> {key}")), "{line}");
    }
    assert_eq!(found.lines().count(), 13, "{found}");
}

#[test]
fn most_similar_key_comes_before_one_that_the_written_key_begins_with() {
    let found = problems("[network]\nproxy_resolve = true\n");
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.ends_with(" -> proxy_resolves"), "{found}");
    let found = problems("[connections.a]\ncredential = { environment = \"KEY\" }\n");
    let line = found.lines().find(|line| line.starts_with("2:"));
    assert!(
        line.is_some_and(|line| line.ends_with(" -> env")),
        "{found}"
    );
}

#[test]
fn text_that_is_not_toml_gives_its_place_and_the_problems_of_the_rest() {
    let found = problems("[connections.a]\ncategory = \n[connection.b]\n");
    let mut lines = found.lines();
    assert!(
        lines.next().is_some_and(|line| line.starts_with("2:")),
        "{found}"
    );
    assert!(found.contains("3:2 unknown field"), "{found}");
    assert!(!found.contains("missing field"), "{found}");
}

#[test]
fn problems_do_not_quote_the_file() {
    for line in [
        "credential = \"sk-hunter2\"",
        "sk-hunter2 = 1",
        "credential = { sk-hunter2 = 1 }",
        "idempotency = \"sk-hunter2\"",
    ] {
        let text = format!("[connections.a]\n{line}\n");
        let found = problems(&text);
        assert!(!found.is_empty() && !found.contains("hunter2"), "{found}");
    }
}

#[test]
fn number_of_problems_is_bounded() {
    let keys = (0..1_000).map(|number| format!("wrong_{number} = 1\n"));
    let text = format!("[connections.a]\n{}", keys.collect::<String>());
    let count = problems(&text).lines().count();
    assert!((50..=200).contains(&count), "{count}");
}

#[test]
fn header_that_cannot_carry_a_credential_is_refused_with_its_place() {
    let digest = "3f9c0000000000000000000000000000000000000000000000000000000000aa";
    let base = "category = \"pixelml\"\nbase_url = \"https://a.example\"";
    for name in [
        "content-type",
        "User_Agent",
        "X-Forwarded-Host",
        "x_request_id",
        "cookie",
    ] {
        for (text, place) in [
            (
                format!(
                    "[connections.a]\n{base}\ncredential = {{ env = \"KEY\", header = \"{name}\" }}\n"
                ),
                "4:38 ",
            ),
            (
                format!(
                    "[connections.a]\n{base}\noptions = {{ credential_header = \"{name}\" }}\n"
                ),
                "4:11 ",
            ),
            (
                format!(
                    "[packs.{digest}]\nname = \"x\"\ncredentials = {{ pixelml = {{ header = \"{name}\" }} }}\n"
                ),
                "3:27 ",
            ),
        ] {
            let found = problems(&text);
            assert!(found.starts_with(place), "{text}{found}");
            assert!(found.contains("cannot carry a credential"), "{found}");
        }
    }
}
