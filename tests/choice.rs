//! Which provider serves a command: it is always said, and a misspelled category is an error.

use image::ImageFormat;

use crate::support::pictures::picture;
use crate::support::provider::{Script, Server, connection_of};
use crate::support::sandbox::Sandbox;

const CHECK: [&str; 4] = ["check", "image_to_video_v3", "--input", "input.json"];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://p.example/a.png"}"#,
    );
    sandbox
}

#[test]
fn misspelled_category_is_an_error_and_not_a_practice_run() {
    let server = Server::start(Script::new());
    let sandbox = sandbox();
    sandbox.write("a.png", picture(ImageFormat::Png));
    for (category, near) in [("pixelmi", true), ("PixelML", true), ("music", false)] {
        sandbox.configure(&connection_of(category, &server.url(), ""));
        let run = [
            "--json",
            "run",
            "image_to_video_v3",
            "--input",
            "input.json",
        ];
        for command in [&run[..], &[&["--json"], &CHECK[..]].concat()] {
            let outcome = sandbox.run(command);
            assert_eq!(outcome.code, 4, "{outcome:?}");
            let error = outcome.error("connection_unavailable");
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains(&format!("`{category}`")), "{message}");
            let next = error["next"].as_str().expect("a step");
            assert_eq!(next.contains("did you mean `pixelml`?"), near, "{next}");
        }
        let checked = sandbox.run(["config", "check"]);
        assert_eq!(checked.code, 2, "{checked:?}");
        let line = checked.stdout.lines().next().expect("a problem");
        assert_eq!(line.contains("did you mean `pixelml`?"), near, "{line}");
        let doctor = sandbox.run(["--json", "doctor"]);
        assert_eq!(doctor.code, 4, "{doctor:?}");
        assert_eq!(doctor.stdout.contains("did you mean `pixelml`?"), near);
    }
    assert!(
        !sandbox.data_dir().join("clips").exists(),
        "nothing was made"
    );
    assert!(server.arrived().is_empty());
}

#[test]
fn choice_of_provider_is_said_once_on_standard_error_and_is_in_json() {
    let server = Server::start(Script::new());
    let sandbox = sandbox();
    let said = |connection: &[&str]| {
        let outcome = sandbox.run(CHECK.iter().chain(connection).chain(&["--json"]));
        let answer = outcome.answer();
        let id = answer["connection"]
            .as_str()
            .expect("a connection")
            .to_owned();
        // The notes on the input follow.
        let choice = outcome.stderr.lines().next().unwrap_or_default();
        (id, format!("{choice}\n"))
    };
    let practice = "the practice provider on this machine";
    let (id, without) = said(&[]);
    let expected = format!(
        "No connection is configured for the category pixelml: {practice} renders the clip; it costs nothing.\n"
    );
    assert_eq!((id.as_str(), without), ("practice", expected));

    sandbox.configure(&server.connection(""));
    let (id, configured) = said(&[]);
    let expected = format!("Using connection `scripted` ({}).\n", server.url());
    assert_eq!((id.as_str(), configured), ("scripted", expected));
    let (id, named) = said(&["--connection", "practice"]);
    let expected = format!("Using {practice}: it renders the clip and costs nothing.\n");
    assert_eq!((id.as_str(), named), ("practice", expected));

    sandbox.configure(&connection_of("popiart", &server.url(), ""));
    let (_, of_another) = said(&[]);
    assert!(
        of_another.starts_with("No connection is configured"),
        "{of_another}"
    );
    let refused = sandbox.run(CHECK.iter().chain(&["--connection", "scripted", "--json"]));
    let error = refused.error("connection_unavailable");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("category `popiart`"), "{message}");
}

#[test]
fn config_check_finds_options_that_a_run_would_refuse() {
    let sandbox = sandbox();
    let options = "options = { wire = \"agenticflow\" }";
    sandbox.configure(&connection_of("pixelml", "https://a.example", options));
    let checked = sandbox.run(["--json", "config", "check"]);
    let error = checked.error("bad_config");
    let problem = &error["problems"][0];
    assert_eq!(problem["column"], 1, "{error}");
    let message = problem["message"].as_str().expect("a message");
    assert!(message.contains("`options.workflow_id`"), "{message}");
    let refused = sandbox.run(CHECK.iter().chain(&["--json"]));
    let of_run = refused.error("connection_unavailable");
    assert_eq!(of_run["message"], problem["message"]);
}

#[cfg(unix)]
#[test]
fn configuration_may_be_a_pipe_of_the_caller() {
    use crate::support::limited::start_by;

    let sandbox = sandbox();
    sandbox.write("piped", connection_of("pixelml", "https://a.example", ""));
    let command = [&["--config", "/dev/stdin", "--json"], &CHECK[..]].concat();
    let outcome = start_by(&sandbox, &command, "cat piped | \"$0\" \"$@\"").end();
    let answer = outcome.answer();
    assert_eq!(answer["connection"], "scripted");
    let url = answer["request"]["url"].as_str().expect("a request");
    assert!(url.starts_with("https://a.example/"), "{url}");
    let empty = start_by(&sandbox, &command, "true | \"$0\" \"$@\"").end();
    let error = empty.error("bad_config");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("empty pipe"), "{message}");
}
