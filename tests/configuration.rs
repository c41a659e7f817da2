//! Which configuration file is used, and `zoetrope config`.

use std::fs;

use serde_json::{Value, json};

use crate::support::guests::LISTS_ONLY;
use crate::support::outcome::Outcome;
use crate::support::provider::{Script, Server};
use crate::support::sandbox::Sandbox;

/// Runs a command as a user does who is in the folder.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    sandbox.start(sandbox.command_in_folder(arguments)).end()
}

/// The place of the file in use.
fn place(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let path = [&["--json", "config", "path"], arguments].concat();
    run(sandbox, &path).answer()["place"].take()
}

#[test]
fn first_place_with_a_file_is_used_and_files_are_not_merged() {
    let sandbox = Sandbox::new();
    assert_eq!(place(&sandbox, &[]), Value::Null);
    let table = |id: &str| {
        format!("[connections.{id}]\ncategory = \"pixelml\"\nbase_url = \"https://{id}.example\"\n")
    };
    fs::create_dir_all(sandbox.user_dir()).expect("a folder");
    fs::write(sandbox.user_dir().join("zoetrope.toml"), table("own")).expect("a file");
    assert_eq!(place(&sandbox, &[]), "user");
    sandbox.configure(&table("here"));
    assert_eq!(place(&sandbox, &[]), Value::Null, "it is not trusted");
    run(&sandbox, &["trust", "--json"]).answer();
    assert_eq!(place(&sandbox, &[]), "working_directory");
    let option = sandbox.write("option.toml", table("option"));
    let mut command = sandbox.command_in_folder(["--json", "config", "path"]);
    command.env("ZOETROPE_CONFIG", &option);
    let answer = sandbox.start(command).end().answer();
    assert_eq!(answer["place"], "variable");
    assert_eq!(place(&sandbox, &["--config", "option.toml"]), "option");

    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://p.example/a.png"}"#,
    );
    let check = |id| {
        let check = [
            "--json",
            "check",
            "image_to_video_v3",
            "--input",
            "input.json",
            "--connection",
            id,
        ];
        run(&sandbox, &check)
    };
    assert_eq!(check("here").code, 0);
    check("own").error("connection_unavailable");
}

#[test]
fn config_path_lists_every_place_and_why_its_file_is_not_used() {
    let sandbox = Sandbox::new();
    sandbox.configure("");
    let answer = run(&sandbox, &["--json", "config", "path"]).answer();
    assert_eq!(answer["path"], Value::Null);
    let states = answer["candidates"].as_array().expect("the places");
    let states: Vec<_> = states
        .iter()
        .map(|place| (&place["place"], &place["state"]))
        .collect();
    assert_eq!(
        states,
        [
            (&json!("option"), &json!("not_set")),
            (&json!("variable"), &json!("not_set")),
            (&json!("working_directory"), &json!("not_trusted")),
            (&json!("user"), &json!("absent")),
        ]
    );
    assert_eq!(answer["candidates"][2]["reason"], "it is not trusted");
    let text = run(&sandbox, &["config", "path"]);
    assert_eq!((text.code, text.stdout.as_str()), (0, ""));
    assert!(
        text.stderr.contains("not used: it is not trusted"),
        "{text:?}"
    );
    let named = run(&sandbox, &["config", "path", "--config", "zoetrope.toml"]);
    assert_eq!(named.stdout, "zoetrope.toml\n");
}

#[cfg(unix)]
#[test]
fn users_own_file_that_is_a_link_to_nowhere_is_an_error_and_stays() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.user_dir()).expect("a folder");
    let own = sandbox.user_dir().join("zoetrope.toml");
    std::os::unix::fs::symlink(sandbox.path("gone.toml"), &own).expect("a link");
    sandbox.write("pack.wasm", LISTS_ONLY.component());
    for command in [
        &["--json", "config", "path"][..],
        &["--json", "config", "check"],
        &["--json", "packs", "allow", "pack.wasm"],
    ] {
        let error = run(&sandbox, command).error("bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("leads nowhere"), "{message}");
        assert!(fs::symlink_metadata(&own).expect("the link").is_symlink());
    }
}

#[test]
fn users_own_configuration_needs_no_trust() {
    let server = Server::start(Script::new());
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.user_dir()).expect("a folder");
    fs::write(
        sandbox.user_dir().join("zoetrope.toml"),
        server.connection(""),
    )
    .expect("a file");
    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://p.example/a.png"}"#,
    );
    let check = [
        "--json",
        "check",
        "image_to_video_v3",
        "--input",
        "input.json",
    ];
    let answer = run(&sandbox, &check).answer();
    let url = answer["request"]["url"].as_str().expect("a request");
    assert!(url.starts_with(&server.url()), "{url}");

    let own = sandbox.user_dir().join("zoetrope.toml");
    let own = own.to_str().expect("a path");
    let text = run(&sandbox, &["trust", own]);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.stderr.contains("it needs no trust"), "{text:?}");
    let answer = run(&sandbox, &["--json", "trust", own]).answer();
    assert_eq!(answer["needs_trust"], false);
    assert!(!sandbox.user_dir().join("trust.json").exists());
}

#[test]
fn config_init_creates_a_valid_private_file_and_overwrites_nothing() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["--json", "config", "init"]).answer();
    let path = sandbox.user_dir().join("zoetrope.toml");
    let text = fs::read_to_string(&path).expect("the file");
    assert!(text.contains("#[connections.pixelml]"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(place(&sandbox, &[]), "user");
    run(&sandbox, &["--json", "config", "check"]).answer();
    fs::write(&path, "# mine\n").expect("a file");
    run(&sandbox, &["--json", "config", "init"]).error("usage");
    assert_eq!(fs::read_to_string(&path).expect("the file"), "# mine\n");

    run(&sandbox, &["--json", "config", "init", "other.toml"]).answer();
    assert_eq!(
        fs::read_to_string(sandbox.path("other.toml")).expect("the file"),
        text
    );
    run(&sandbox, &["--json", "config", "init", "other.toml"]).error("usage");
}

#[test]
fn config_init_says_how_the_new_file_is_used() {
    let sandbox = Sandbox::new();
    let named = run(&sandbox, &["config", "init", "new.toml"]);
    assert!(named.stderr.contains("--config new.toml"), "{named:?}");
    let own = run(&sandbox, &["config", "init", "--config", "new.toml"]);
    assert!(
        own.stderr
            .contains("not used now: --config names `new.toml`"),
        "{own:?}"
    );
    let other = Sandbox::new();
    let mut command = other.command_in_folder(["config", "init"]);
    command.env("ZOETROPE_CONFIG", sandbox.path("new.toml"));
    let own = other.start(command).end();
    assert!(
        own.stderr.contains("not used now: ZOETROPE_CONFIG names `"),
        "{own:?}"
    );
    let plain = run(&Sandbox::new(), &["config", "init"]);
    assert!(!plain.stderr.contains("not used now"), "{plain:?}");
}

#[test]
fn error_of_a_file_that_the_variable_names_names_the_variable() {
    let sandbox = Sandbox::new();
    sandbox.write("pack.wasm", LISTS_ONLY.component());
    for arguments in [
        &["--json", "config", "path"][..],
        &["--json", "config", "check"],
        &["--json", "packs", "allow", "pack.wasm"],
    ] {
        let mut command = sandbox.command_in_folder(arguments);
        command.env("ZOETROPE_CONFIG", "/nonexistent");
        let error = sandbox.start(command).end().error("bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("ZOETROPE_CONFIG"), "{message}");
        command = sandbox.command_in_folder(arguments);
        command.args(["--config", "/nonexistent"]);
        command.env("ZOETROPE_CONFIG", "/nonexistent");
        let error = sandbox.start(command).end().error("bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(!message.contains("ZOETROPE_CONFIG"), "{message}");
    }
}

#[test]
fn config_check_gives_every_problem_with_its_place_and_the_nearest_key() {
    let sandbox = Sandbox::new();
    // A file that is not trusted is checked too.
    sandbox.configure(
        "[connections.a]\ncategory = \"pixelml\"\nbase-url = \"https://a.example\"\n\
         credentials = { env = \"KEY\" }\nrequests_per_second = 0\n",
    );
    let outcome = run(&sandbox, &["--json", "config", "check"]);
    let error = outcome.error("bad_config");
    let problems = error["problems"].as_array().expect("the problems");
    let found: Vec<_> = problems
        .iter()
        .map(|problem| {
            (
                &problem["line"],
                &problem["column"],
                &problem["did_you_mean"],
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (&json!(3), &json!(1), &json!("base_url")),
            (&json!(4), &json!(1), &json!("credential")),
            (&json!(5), &json!(23), &Value::Null),
        ]
    );
    let text = run(&sandbox, &["config", "check", "zoetrope.toml"]);
    assert_eq!(text.code, 2, "{text:?}");
    assert_eq!(text.stdout.lines().count(), 3, "{text:?}");
    let line = text.stdout.lines().next().unwrap_or_default();
    assert!(line.starts_with("zoetrope.toml:3:1: "), "{line}");
    assert!(line.ends_with("did you mean `base_url`?"), "{line}");

    sandbox.configure(
        "[connections.a]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\n\
         options = { submitt = { method = \"POST\" } }\n",
    );
    let error = run(&sandbox, &["--json", "config", "check"]).error("bad_config");
    let problem = &error["problems"][0];
    assert_eq!(
        (&problem["line"], &problem["did_you_mean"]),
        (&json!(4), &json!("submit"))
    );

    // The configuration in use has another problem too.
    sandbox.configure(
        "[connections.a]\ncategory = \"pixelml\"\nbase-url = \"https://a.example\"\n\
         options = { submitt = { method = \"POST\" } }\n",
    );
    let check = ["--json", "config", "check", "--config", "zoetrope.toml"];
    let error = run(&sandbox, &check).error("bad_config");
    let problems = error["problems"].as_array().expect("the problems");
    let near: Vec<_> = problems.iter().map(|one| &one["did_you_mean"]).collect();
    assert_eq!(near, ["base_url", "submit"]);

    let bare = Sandbox::new();
    run(&bare, &["--json", "config", "check"]).error("usage");
    run(&bare, &["--json", "config", "check", "gone.toml"]).error("bad_config");
}
