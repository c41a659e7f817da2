//! The header of the key in the requests of strangers' packs, headers that such packs set, and an
//! account that changes under a job.

use serde_json::{Value, json};

use crate::support::hostile::{
    hostile, hostile_asking_and_listing, hostile_listing, run_node, sandbox_with,
};
use crate::support::provider::{Arrived, Reply, Script, Server};
use crate::support::sandbox::{CANARY_KEY, Sandbox};

const NODE: &str = "hostile";

/// A provider of one job.
fn provider() -> Server {
    Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![Reply::json(200, json!({}))]),
        ("GET /v1/jobs".into(), vec![Reply::json(200, json!({}))]),
        ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
    ]))
}

/// Instructions to submit once, and to succeed at the first poll.
fn one_job(provider: &Server) -> Value {
    let clip = format!("{}/clips/1.mp4", provider.url());
    json!({
        "start": {"do": [{"request": {"body": {"text": "{}"}}}]},
        "poll": {"then": {"succeed": {"output": "{}", "media": 1, "url": clip}}},
    })
}

/// A component whose catalog declares this header, and whose manifest asks for this place.
fn declaring(header: &str, place: &Value) -> Vec<u8> {
    let manifest = json!({
        "format": 1,
        "name": "guest",
        "version": "1",
        "connections": ["pixelml"],
        "credentials": {"pixelml": place},
    });
    let listing = json!({"credential_header": header});
    hostile_asking_and_listing(&manifest.to_string(), &listing)
}

/// Asserts that every submit carries the key in this header, and nothing carries it elsewhere.
#[track_caller]
fn carry_the_key_only_in(arrived: &[Arrived], header: &str, value: &str) {
    assert!(!arrived.is_empty());
    for request in arrived {
        let holding = |text: &str| text.contains(CANARY_KEY);
        let places: Vec<_> = request
            .headers
            .iter()
            .filter(|(_, value)| holding(value))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let expected = match request.method.as_str() {
            "POST" => vec![(header, value)],
            // A download carries it only if the result needs it.
            _ => Vec::new(),
        };
        assert_eq!(places, expected, "{}", request.line());
        assert!(!holding(&request.path));
        assert!(!holding(&String::from_utf8_lossy(&request.body)));
    }
}

#[test]
fn catalog_of_a_strangers_pack_does_not_choose_the_header_of_the_key() {
    for (header, expected) in [
        ("content-type", "which cannot carry a credential"),
        ("user-agent", "which cannot carry a credential"),
        ("x-forwarded-host", "which cannot carry a credential"),
        ("X_Forwarded_Host", "which cannot carry a credential"),
        // Many providers send it back.
        ("x-request-id", "which cannot carry a credential"),
        (
            "x_api_key",
            "\"credentials\": { \"pixelml\": { \"header\": \"x_api_key\", \"prefix\": \"Bearer \" } }",
        ),
    ] {
        let provider = provider();
        let component = hostile_listing(&json!({"credential_header": header}));
        let sandbox = sandbox_with(&component, &provider);
        let more = ["--out", "clip.mp4"];
        let outcome = run_node(&sandbox, NODE, &one_job(&provider), &more);
        let error = outcome.error("denied");
        assert_eq!((outcome.code, &error["charged"]), (5, &"no".into()));
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(expected), "{header}: {message}");
        assert_eq!(provider.arrived().len(), 0, "{header}");
    }
}

#[test]
fn key_is_sent_in_the_header_that_packs_allow_confirmed() {
    let provider = provider();
    let sandbox = Sandbox::with_provider(&provider);
    let place = json!({"header": "x_api_key", "prefix": "Bearer "});
    sandbox.write("hostile.wasm", declaring("x_api_key", &place));

    let asked = sandbox.run(["packs", "show", "hostile.wasm", "--json"]);
    assert_eq!(asked.json()["asks"]["credentials"]["pixelml"], place);
    let shown = sandbox.run(["packs", "show", "hostile.wasm"]);
    let line = "pixelml: in the header x_api_key, after \"Bearer \"";
    assert!(shown.stdout.contains(line), "{shown:?}");

    let allowed = sandbox.run(["packs", "allow", "hostile.wasm", "--json"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    let line =
        "The key of connection scripted is sent in the header x_api_key, after \"Bearer \".\n";
    assert!(allowed.stderr.contains(line), "{allowed:?}");
    assert_eq!(allowed.json()["granted"]["credentials"]["pixelml"], place);
    let listed = sandbox.run(["packs"]);
    let summary = "  scripted\n  the key in the header x_api_key\n";
    assert!(listed.stdout.contains(summary), "{listed:?}");

    let more = ["--out", "clip.mp4"];
    run_node(&sandbox, NODE, &one_job(&provider), &more).answer();
    let value = format!("Bearer {CANARY_KEY}");
    carry_the_key_only_in(&provider.arrived(), "x_api_key", &value);
}

#[test]
fn settings_of_the_connection_decide_before_the_pack() {
    let provider = provider();
    let component = hostile_listing(&json!({"credential_header": "content-type"}));
    let sandbox = sandbox_with(&component, &provider);
    let settings = std::fs::read_to_string(sandbox.path("zoetrope.toml")).expect("a file");
    sandbox.configure(&settings.replace(
        "_API_KEY\" }",
        "_API_KEY\", header = \"x-secret\", prefix = \"\" }",
    ));
    let shown = sandbox.run(["packs", "show", "hostile.wasm"]);
    let line = "  credentials  scripted: in the header x-secret (configured)\n";
    assert!(shown.stdout.contains(line), "{shown:?}");
    let more = ["--out", "clip.mp4"];
    run_node(&sandbox, NODE, &one_job(&provider), &more).answer();
    carry_the_key_only_in(&provider.arrived(), "x-secret", CANARY_KEY);
}

#[test]
fn new_version_with_another_header_is_refused_with_the_difference() {
    let provider = provider();
    let sandbox = Sandbox::with_provider(&provider);
    let first = json!({"header": "x-api-key", "prefix": ""});
    sandbox.write("hostile.wasm", declaring("x-api-key", &first));
    let allowed = sandbox.run(["packs", "allow", "hostile.wasm"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    let second = json!({"header": "x-key", "prefix": ""});
    sandbox.write("other.wasm", declaring("x-key", &second));
    let refused = sandbox.run(["packs", "allow", "other.wasm", "--json"]);
    let error = refused.error("denied");
    let message = error["message"].as_str().expect("a message");
    let difference = "the credential of `pixelml` sent as `x-key: …`";
    assert!(message.ends_with(difference), "{message}");
    let allowed = sandbox.run(["packs", "allow", "other.wasm", "--more"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
}

#[test]
fn manifest_that_asks_for_a_header_of_the_host_is_refused() {
    for header in ["content-type", "User_Agent", "x-forwarded-host"] {
        let sandbox = Sandbox::new();
        let place = json!({"header": header});
        sandbox.write("hostile.wasm", declaring(header, &place));
        let refused = sandbox.run(["packs", "allow", "hostile.wasm", "--json"]);
        let error = refused.error("bad_component");
        let message = error["message"].as_str().expect("a message");
        let named = format!("`{}` cannot carry a credential", header.to_lowercase());
        assert!(message.contains(&named), "{message}");
        let next = error["next"].as_str().expect("a next step");
        assert!(next.starts_with("Correct the manifest"), "{next}");
    }
}

#[test]
fn method_override_in_any_notation_never_leaves_with_a_read() {
    for header in [
        "x_http_method_override",
        "X-HTTP-Method-Override",
        "x_method_override",
        "x-http-method",
    ] {
        let provider = provider();
        let sandbox = sandbox_with(hostile(), &provider);
        let read = json!({"request": {
            "method": "GET", "url": "{base}/v1/jobs", "headers": [[header, "POST"]],
        }});
        let refused = json!({"error": {"cause": "unsupported"}});
        let instructions = json!({"start": {"do": [read], "then": refused}});
        let outcome = run_node(&sandbox, NODE, &instructions, &["--out", "clip.mp4"]);
        assert_ne!(outcome.code, 0, "{outcome:?}");
        for request in provider.arrived() {
            let sent = request.headers.iter();
            let names: Vec<_> = sent.map(|(name, _)| name.as_str()).collect();
            assert!(
                !names.iter().any(|name| name.contains("method")),
                "{names:?}"
            );
        }
    }
}

/// Killed between the commit of `submitting` and the provider's answer, and resumed with the key of
/// another account, then with the first one.
#[cfg(unix)]
#[test]
fn unknown_outcome_is_not_submitted_again_under_another_account() {
    use crate::support::cases::accepted;
    use crate::support::sandbox::KEY_VARIABLE;
    use crate::support::slow_server::{RUN, SUBMIT, end_the_job, slow_provider};

    let (provider, sandbox) = slow_provider();
    sandbox.configure(&provider.connection("idempotency = \"24h\""));
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(SUBMIT, 1);
    running.kill();
    provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
    end_the_job(&provider);

    for _ in 0..2 {
        let mut resume = sandbox.command(["--json", "jobs", "resume", "--all"]);
        resume.env(KEY_VARIABLE, "key-of-another-account");
        let outcome = sandbox.start(resume).end();
        assert_ne!(outcome.code, 0, "{outcome:?}");
        let job = sandbox.jobs().remove(0);
        assert_eq!(
            (&job["state"], &job["charged"], &job["error"]["kind"]),
            (
                &"outcome_unknown".into(),
                &"unknown".into(),
                &"connection_changed".into()
            ),
            "{job}"
        );
        let message = job["error"]["message"].as_str().expect("a message");
        let id = job["id"].as_str().expect("an id");
        assert!(message.contains("connection `scripted`"), "{message}");
        assert!(message.contains(&format!("jobs resolve {id}")), "{message}");
        assert_eq!(provider.counts()[SUBMIT], 1, "not sent again");
    }

    let resumed = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
    assert_eq!(resumed["summary"]["finalized"], 1, "{resumed}");
    assert_eq!(provider.counts()[SUBMIT], 2, "repeated under its key");
}
