//! Grants of components: `zoetrope packs`, and runs without a grant.

use serde_json::{Value, json};
use zoetrope_bundled_pack::COMPONENT;

use crate::support::guests::{Guest, LISTS_ONLY, PLANS, allowing, asking, digest_of};
use crate::support::hostile::hostile;
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::root;
use crate::support::sandbox::Sandbox;

const PACK: Guest = Guest {
    check: PLANS,
    ..LISTS_ONLY
};

/// A component of the pack `example` that asks for these hosts and limits.
fn version(number: u32, hosts: &[&str], limits: &Value) -> Vec<u8> {
    let manifest = json!({
        "format": 1,
        "name": "example",
        "version": number.to_string(),
        "description": "For tests.",
        "connections": ["pixelml"],
        "hosts": hosts,
        "limits": limits,
    });
    asking(PACK.nameless("0.2.0"), &manifest.to_string())
}

/// A sandbox with this component in `pack.wasm`, and one connection.
fn sandbox_with(component: &[u8]) -> (Sandbox, Server) {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("pack.wasm", component);
    sandbox.write("input.json", "{}");
    (sandbox, provider)
}

const CHECK: [&str; 7] = [
    "check",
    "image_to_video_v3",
    "--component",
    "pack.wasm",
    "--input",
    "input.json",
    "--json",
];

#[test]
fn component_without_a_grant_runs_nothing() {
    let (sandbox, provider) = sandbox_with(&version(1, &[], &json!({})));
    for command in [
        &["nodes"][..],
        &["check", "image_to_video_v3", "--input", "input.json"],
        &[
            "run",
            "image_to_video_v3",
            "--input",
            "input.json",
            "--out",
            "clip.mp4",
        ],
        &["jobs", "resume", "--all"],
    ] {
        let mut arguments = vec!["--json", "--component", "pack.wasm"];
        arguments.extend(command);
        let outcome = sandbox.run(arguments);
        let error = outcome.error("denied");
        let said = (outcome.code, &error["phase"], &error["charged"]);
        assert_eq!(said, (5, &"setup".into(), &"no".into()), "{outcome:?}");
        let next = error["next"].as_str().expect("a next command");
        assert!(next.contains("zoetrope packs allow pack.wasm"), "{next}");
    }
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn pack_is_allowed_shown_listed_and_revoked() {
    let component = version(
        1,
        &["GET https://*.cdn.example/media"],
        &json!({"requests_per_call": 8, "memory_bytes": 1_000_000_000}),
    );
    let digest = digest_of(&component).to_string();
    let (sandbox, _provider) = sandbox_with(&component);

    let asked = sandbox.run(["packs", "show", "pack.wasm", "--json"]).json();
    assert_eq!(asked["allowed"], false);
    assert_eq!(
        asked["asks"]["hosts"],
        json!(["GET https://*.cdn.example/media"])
    );
    assert_eq!(asked["granted"], Value::Null);

    let allowed = sandbox.run(["packs", "allow", "pack.wasm", "--json"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    let allowed = allowed.json();
    assert_eq!(allowed["digest"], json!(digest));
    assert_eq!(allowed["allowed"], true);
    assert_eq!(
        allowed["granted"],
        json!({
            "connections": ["scripted"],
            "hosts": ["GET https://*.cdn.example/media"],
            "unsafe_reads": false,
            "uploads": [],
            "cancels": [],
            "credentials": {},
            "idempotency": {},
            "refusals_in_2xx": false,
            "limits": {"requests_per_call": 8, "memory_bytes": 1_000_000_000},
        })
    );
    assert_eq!(allowed["limits"]["requests_per_call"], 8);
    assert_eq!(allowed["limits"]["requests_per_minute"], 6_000);
    assert_eq!(sandbox.run(CHECK).code, 0);
    assert_eq!(
        sandbox
            .run(["packs", "show", &digest[..4], "--json"])
            .json()["granted"],
        allowed["granted"]
    );

    let listed = sandbox.run(["packs", "--json"]).json();
    let names: Vec<_> = listed
        .as_array()
        .expect("an array")
        .iter()
        .map(|pack| (pack["name"].as_str(), pack["embedded"].as_bool()))
        .collect();
    let expected = [("zoetrope", true), ("example", false)];
    assert_eq!(names, expected.map(|(name, own)| (Some(name), Some(own))));

    let again = sandbox.run(["packs", "allow", "pack.wasm"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stderr.contains("already allowed"), "{again:?}");

    let revoked = sandbox.run(["packs", "revoke", "example", "--json"]);
    assert_eq!(revoked.json()["revoked"], digest, "{revoked:?}");
    sandbox.run(CHECK).error("denied");
    assert_eq!(sandbox.run(["packs", "revoke", "example"]).code, 2);
}

#[test]
fn packs_allow_changes_nothing_else_in_the_configuration() {
    let (sandbox, provider) = sandbox_with(&version(1, &[], &json!({})));
    let before = format!(
        "# mine\n{}\n# the end of it\n",
        provider.connection("").trim_end()
    );
    sandbox.configure(&before);
    assert_eq!(sandbox.run(["packs", "allow", "pack.wasm"]).code, 0);
    let text = std::fs::read_to_string(sandbox.path("zoetrope.toml")).expect("the configuration");
    assert!(text.starts_with("# mine\n"), "{text}");
    assert!(text.contains("# the end of it"), "{text}");
    assert_eq!(sandbox.run(["packs", "revoke", "example"]).code, 0);
    let text = std::fs::read_to_string(sandbox.path("zoetrope.toml")).expect("the configuration");
    assert_eq!(text.trim_end(), before.trim_end());

    // Without a configuration, the command creates the user's own.
    let bare = Sandbox::new();
    bare.write("pack.wasm", version(1, &[], &json!({})));
    let allowed = bare.run(["packs", "allow", "pack.wasm", "--json"]).json();
    assert_eq!(allowed["granted"]["connections"], json!(["practice"]));
    assert!(!bare.path("zoetrope.toml").exists());
    assert!(bare.user_dir().join("zoetrope.toml").is_file());
}

#[test]
fn new_version_that_asks_for_more_is_refused_with_the_difference() {
    let (sandbox, _provider) = sandbox_with(&version(
        1,
        &["GET https://*.cdn.example/media"],
        &json!({}),
    ));
    assert_eq!(sandbox.run(["packs", "allow", "pack.wasm"]).code, 0);
    let more = version(
        2,
        &[
            "GET https://a.cdn.example/media",
            "POST https://evil.example/",
        ],
        &json!({"requests_per_minute": 60_000}),
    );
    sandbox.write("pack.wasm", &more);
    let difference = "`POST https://evil.example/`, requests_per_minute 60000 instead of 6000";
    for outcome in [
        sandbox.run(CHECK),
        sandbox.run(["packs", "allow", "pack.wasm", "--json"]),
    ] {
        let error = outcome.error("denied");
        let message = error["message"].as_str().expect("a message");
        assert!(message.ends_with(difference), "{message}");
        let next = error["next"].as_str().expect("a next command");
        assert!(next.contains("packs allow pack.wasm --more"), "{next}");
    }
    assert_eq!(
        sandbox.run(["packs", "allow", "pack.wasm", "--more"]).code,
        0
    );
    assert_eq!(sandbox.run(CHECK).code, 0);
    // A version that asks for no more than an allowed one needs no `--more`.
    sandbox.write(
        "pack.wasm",
        version(3, &["POST https://evil.example/x"], &json!({})),
    );
    sandbox.run(CHECK).error("denied");
    assert_eq!(sandbox.run(["packs", "allow", "pack.wasm"]).code, 0);
}

/// Runs the component with changed lines of its grant.
fn run_with(component: &[u8], change: impl Fn(String) -> String) -> Outcome {
    let (sandbox, provider) = sandbox_with(component);
    let lines = change(allowing(component));
    sandbox.configure(&format!("{}{lines}", provider.connection("")));
    let outcome = sandbox.run([
        "run",
        "image_to_video_v3",
        "--component",
        "pack.wasm",
        "--input",
        "input.json",
        "--json",
    ]);
    assert_eq!(provider.arrived().len(), 0);
    outcome
}

#[test]
fn run_over_a_connection_that_is_not_granted_is_denied() {
    let component = version(1, &[], &json!({}));
    let digest = digest_of(&component);
    let outcome = run_with(&component, |lines| {
        lines.replace("connections = [\"scripted\"]", "connections = [\"other\"]")
    });
    let error = outcome.error("denied");
    assert_eq!((outcome.code, &error["charged"]), (5, &"no".into()));
    let message = error["message"].as_str().expect("a message");
    let line =
        format!("under [packs.{digest}] in zoetrope.toml: connections = [\"other\", \"scripted\"]");
    assert!(message.ends_with(&line), "{message}");

    // A component without a manifest asks for nothing, so it is given nothing.
    let outcome = run_with(&PACK.nameless("0.2.0"), |lines| lines);
    let error = outcome.error("denied");
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.ends_with("its author writes \"connections\": [\"pixelml\"] into it"),
        "{message}"
    );
}

#[test]
fn paid_job_of_a_revoked_pack_waits_until_it_is_allowed_again() {
    let provider = Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![Reply::json(200, json!({}))]),
        ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
    ]));
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("pack.wasm", hostile());
    let clip = format!("{}/clips/1.mp4", provider.url());
    let instructions = json!({
        "start": {"do": [{"request": {"body": {"text": "{}"}}}]},
        "poll": {"then": {"succeed": {"output": "{}", "media": 1, "url": clip}}},
    });
    sandbox.write("input.json", instructions.to_string());
    assert_eq!(sandbox.run(["packs", "allow", "pack.wasm"]).code, 0);
    let run = [
        "run",
        "hostile",
        "--component",
        "pack.wasm",
        "--input",
        "input.json",
    ];
    let accepted = sandbox.run(
        run.iter()
            .chain(&["--detach", "--out", "clip.mp4", "--json"]),
    );
    assert_eq!(accepted.code, 0, "{accepted:?}");

    assert_eq!(sandbox.run(["packs", "revoke", "pack.wasm"]).code, 0);
    let resumed = sandbox.run(["jobs", "resume", "--all", "--json"]);
    assert_eq!(resumed.code, 5, "{resumed:?}");
    let job = sandbox.jobs().remove(0);
    assert_eq!(
        (&job["state"], &job["charged"], &job["error"]["kind"]),
        (&"started".into(), &"unknown".into(), &"denied".into())
    );
    let allow_message = job["error"]["message"].as_str().expect("a message");
    let (_, allow) = allow_message
        .split_once("to allow it: zoetrope ")
        .expect("a next command");

    // The command in the message works, although the component's file is deleted.
    std::fs::remove_file(sandbox.path("pack.wasm")).expect("the file");
    assert_eq!(sandbox.run(allow.split(' ')).code, 0);
    let resumed = sandbox.run(["jobs", "resume", "--all", "--json"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts().get("POST /v1/jobs"), Some(&1));
}

#[test]
fn embedded_component_is_allowed_by_default_and_can_be_restricted() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    let shown = sandbox.run(["packs", "show", "zoetrope", "--json"]).json();
    assert_eq!(shown["allowed"], true);
    assert_eq!(shown["granted"]["connections"], Value::Null);
    assert_eq!(sandbox.run(["packs", "revoke", "zoetrope"]).code, 2);
    let allowed = sandbox.run(["packs", "allow", "nowhere.wasm", "--json"]);
    assert_eq!(allowed.error("bad_component")["phase"], "setup");

    let lines = allowing(COMPONENT).replace("[\"scripted\"]", "[]");
    sandbox.configure(&format!("{}{lines}", provider.connection("")));
    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://p.example/a.png"}"#,
    );
    let outcome = sandbox.run([
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
        "--json",
    ]);
    outcome.error("denied");
    assert_eq!(provider.arrived().len(), 0);
}

/// Valid and invalid manifests.
fn manifests() -> Vec<Value> {
    let with = |name: &str, value: Value| {
        let mut document =
            json!({"format": 1, "name": "example", "version": "1", "connections": ["pixelml"]});
        document[name] = value;
        document
    };
    let own = std::fs::read_to_string(root().join("plugin/manifest.json")).expect("the manifest");
    let mut documents = vec![
        serde_json::from_str(&own).expect("JSON"),
        json!({}),
        json!([]),
        json!({"format": 1, "name": "example"}),
        with("format", json!(2)),
        with("format", json!("1")),
        with("name", json!("")),
        with("name", json!("Example")),
        with("name", json!("a/b.c-d_e0")),
        with("name", json!("x".repeat(65))),
        with("version", json!("1.0.0-rc.1+é")),
        with("version", json!("1\n")),
        with("version", json!("")),
        with("description", json!("d".repeat(400))),
        with("description", json!("d".repeat(401))),
        with("description", json!("\u{1b}[2J")),
        with("description", json!("\u{202e}gpj.exe")),
        with("connections", json!(["pixelml", "shortapi"])),
        with("connections", json!(["Pixel ML"])),
        with("connections", json!("pixelml")),
        with("hosts", json!(["GET https://*.cdn.example/media"])),
        with("hosts", json!(["https://cdn.example"])),
        with("hosts", json!(["TRACE https://cdn.example"])),
        with("hosts", json!(["GET https://user@cdn.example"])),
        with("hosts", json!(["GET https://cdn.example/?x"])),
        with("unsafe_reads", json!(true)),
        with("unsafe_reads", json!("yes")),
        with("uploads", json!(["POST /v1/files", "PUT /v1/<files>/*"])),
        with("uploads", json!(["GET /v1/files"])),
        with("uploads", json!(["POST v1/files"])),
        with("uploads", json!(["POST /v1/files?x=1"])),
        with("uploads", json!(["POST /v1/../files"])),
        with("uploads", json!(["POST /v1/%2e%2e/files"])),
        with("uploads", json!([format!("POST /{}", "x".repeat(255))])),
        with("uploads", json!([format!("POST /{}", "x".repeat(256))])),
        with("uploads", json!(vec!["POST /v1/files"; 64])),
        with("uploads", json!(vec!["POST /v1/files"; 65])),
        with("cancels", json!(["DELETE /v1/jobs/*"])),
        with("cancels", json!("DELETE /v1/jobs/*")),
        with(
            "credentials",
            json!({"pixelml": {"header": "X_Api-Key", "prefix": "Token "}}),
        ),
        with("credentials", json!({"pixelml": {"header": "x-api-key"}})),
        with("credentials", json!({"pixelml": {"prefix": "Token "}})),
        with("credentials", json!({"pixelml": {"header": "x key"}})),
        with("credentials", json!({"pixelml": {"header": ""}})),
        with(
            "credentials",
            json!({"pixelml": {"header": "x".repeat(64), "prefix": " ".repeat(64)}}),
        ),
        with(
            "credentials",
            json!({"pixelml": {"header": "x".repeat(65)}}),
        ),
        with(
            "credentials",
            json!({"pixelml": {"header": "x-key", "prefix": " ".repeat(65)}}),
        ),
        with(
            "credentials",
            json!({"pixelml": {"header": "x-key", "prefix": "Token\n"}}),
        ),
        with(
            "credentials",
            json!({"pixelml": {"header": "x-key", "prefix": "\""}}),
        ),
        with("credentials", json!({"Pixel ML": {"header": "x-key"}})),
        with(
            "credentials",
            json!({"pixelml": {"header": "x-key", "value": ""}}),
        ),
        with("idempotency", json!({"pixelml": "x-once"})),
        with("idempotency", json!({"pixelml": "/meta/key"})),
        with("idempotency", json!({"pixelml": "/"})),
        with("idempotency", json!({"pixelml": "/a b"})),
        with("idempotency", json!({"pixelml": "x once"})),
        with("idempotency", json!({"pixelml": ""})),
        with("idempotency", json!({"Pixel ML": "x-once"})),
        with("refusals_in_2xx", json!(true)),
        with("refusals_in_2xx", json!("true")),
        with("other", json!(1)),
        with("$schema", json!("https://example.com/manifest.json")),
    ];
    for (name, value) in [
        ("memory_bytes", json!(1)),
        ("instances", json!(0)),
        ("call_seconds", json!(-1)),
        ("request_bytes", json!(1.5)),
        ("reply_bytes", json!("1")),
        ("header_bytes", json!(null)),
        ("requests_per_call", json!(1)),
        ("requests_per_minute", json!(1)),
        ("request_per_minute", json!(1)),
    ] {
        documents.push(with("limits", json!({ name: &value })));
        documents.push(with("ceilings", json!({ name: value })));
    }
    let mut both = with("limits", json!({}));
    both["ceilings"] = json!({});
    documents.push(both);
    documents
}

#[test]
fn manifest_is_accepted_as_its_published_schema_accepts_it() {
    let published = std::fs::read_to_string(root().join("schemas/manifest.json")).expect("schema");
    let published: Value = serde_json::from_str(&published).expect("JSON");
    let validator = jsonschema::draft202012::new(&published).expect("a schema");
    for document in manifests() {
        let read = zoetrope_host::policy::Manifest::parse(document.to_string().as_bytes());
        assert_eq!(
            read.is_ok(),
            validator.is_valid(&document),
            "{document} {read:?}"
        );
    }
}
