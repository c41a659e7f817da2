//! The URLs of results, in every form that a provider may give them: what is sent for them, with
//! the credential or without, and to which places.

use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::provider::{Arrived, Reply, Script, Server, connection};
use crate::support::sandbox::{CANARY_KEY, Sandbox};
use crate::support::slow_server::{POLL, RUN, SUBMIT, run_next_command};

/// The reply to a poll of a job whose result is at this URL.
fn ended(url: &str) -> Vec<Reply> {
    let job =
        json!({"id": "j-1", "status": "succeeded", "output": {"video": url}, "charged": true});
    vec![Reply::json(200, job)]
}

/// A provider whose job ends with a result at this URL, and serves a clip at this path.
fn provider(url: &str, path: &str) -> Server {
    Server::start(Script::from([
        (SUBMIT.into(), vec![accepted()]),
        (POLL.into(), ended(url)),
        (format!("GET {path}"), vec![Reply::clip()]),
    ]))
}

/// A sandbox whose connection has this base URL and these further lines, with an input.
fn sandbox(base: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(&connection(base, more));
    let input = json!({"prompt": "push in", "image": "https://p.example/a.png"});
    sandbox.write("input.json", input.to_string());
    sandbox
}

fn run(sandbox: &Sandbox) -> Outcome {
    sandbox.run(RUN.into_iter().chain(["--deadline", "30s"]))
}

fn redirect(location: &str) -> Reply {
    let mut reply = Reply::text(302, "");
    reply.header("location", location);
    reply
}

/// The targets of the requests for a clip, as they arrived.
fn fetched(server: &Server) -> Vec<String> {
    let arrived = server.arrived().into_iter();
    let clips = arrived.filter(|request| !request.path.contains("/v1/"));
    clips.map(|request| request.path).collect()
}

fn has_credential(request: &Arrived) -> bool {
    let mut headers = request.headers.iter();
    headers.any(|(_, value)| value.contains(CANARY_KEY))
}

#[test]
fn signed_url_arrives_byte_for_byte_as_it_was_signed() {
    let path = "/media/o'brien/{tenant}/a|b^c%27d%2Fe/%C3%BC;v=1,2.mp4";
    let query = "X-Signature='{sig}'&p=%27|^`[1]&n=%C3%BC&e=%7b%7D+%zz";
    let encoded = format!("{path}?{query}");
    // The same as the provider writes it.
    let written = encoded.replace("%C3%BC", "\u{fc}");
    for url in [&encoded, &written] {
        let provider = provider(&format!("{{provider}}{url}"), path);
        let sandbox = sandbox(&provider.url(), "");
        run(&sandbox).answer();
        assert_eq!(fetched(&provider), [&*encoded], "{url}");
        assert!(sandbox.path("clip.mp4").is_file());
    }
    // After a redirect, which resolves against the URL that redirects.
    let provider = provider("{provider}/go/to", path);
    let location = written.replacen("/media", "../media", 1);
    provider.script(Script::from([(
        "GET /go/to".into(),
        vec![redirect(&location)],
    )]));
    let sandbox = sandbox(&provider.url(), "");
    run(&sandbox).answer();
    assert_eq!(fetched(&provider), ["/go/to", &*encoded]);
}

#[test]
fn form_of_a_url_alone_refuses_no_result() {
    for (url, path) in [
        ("{provider}/x/y/../../clips/1.mp4", "/clips/1.mp4"),
        ("{provider}/x/%2e%2E/clips/1.mp4", "/clips/1.mp4"),
        ("HTTP://{provider_host}/clips/1.mp4#t=0", "/clips/1.mp4"),
        ("\n\t {provider}/clips/1.mp4 \r\n", "/clips/1.mp4"),
        ("{provider}\\clips\\1.mp4", "/clips/1.mp4"),
        ("http:\\\\{provider_host}\\clips\\1.mp4", "/clips/1.mp4"),
        ("http:/{provider_host}/../clips/1.mp4", "/clips/1.mp4"),
        ("{provider}//clips//1.mp4", "//clips//1.mp4"),
        ("{provider}/clips/one two.mp4", "/clips/one%20two.mp4"),
        ("//{provider_host}/clips/./1.mp4", "/clips/1.mp4"),
        ("\\clips\\1.mp4", "/clips/1.mp4"),
        ("../../clips/1.mp4", "/clips/1.mp4"),
        ("../../../../clips/1.mp4?", "/clips/1.mp4"),
    ] {
        let provider = provider(url, path);
        let sandbox = sandbox(&provider.url(), "");
        run(&sandbox).answer();
        let arrived = fetched(&provider);
        let [target] = &arrived[..] else {
            panic!("{url}: {arrived:?}")
        };
        assert_eq!(target.trim_end_matches('?'), path, "{url}");
    }
}

/// Asserts that the run was refused because of this storage server, and that the next command
/// collects the clip once the connection names the server.
#[track_caller]
fn is_collected_once_it_is_named(sandbox: &Sandbox, provider: &Server, storage: &Server) {
    let outcome = run(sandbox);
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("download_failed");
    assert_eq!(storage.arrived().len(), 0, "nothing was sent there");
    let message = error["message"].as_str().expect("a message");
    let line = storage.as_result_origin();
    for part in [
        "[connections.scripted]",
        &*line,
        "paid",
        "zoetrope jobs resume ",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("secret"), "{message}");

    // As long as nothing is changed, the same error, and no second submit.
    let again = run_next_command(sandbox, &error);
    assert_eq!(again.code, 9, "{again:?}");
    assert_eq!(storage.arrived().len(), 0);

    sandbox.configure(&provider.connection(&line));
    run_next_command(sandbox, &error).answer();
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
    let arrived = storage.arrived();
    assert!(!arrived.is_empty() && !arrived.iter().any(has_credential));
}

#[test]
fn result_at_another_port_of_this_machine_needs_its_origin_in_the_configuration() {
    let storage = Server::start(Script::from([("GET /1.mp4".into(), vec![Reply::clip()])]));
    let provider = provider("{storage}/1.mp4?signature=secret", "/unused");
    provider.name("storage", storage.url());
    let sandbox = sandbox(&provider.url(), "");
    is_collected_once_it_is_named(&sandbox, &provider, &storage);
}

#[test]
fn redirect_to_another_port_of_this_machine_needs_its_origin_in_the_configuration() {
    let storage = Server::start(Script::from([("GET /1.mp4".into(), vec![Reply::clip()])]));
    let provider = provider("/clips/1.mp4", "/unused");
    let there = format!("{}/1.mp4?signature=secret", storage.url());
    provider.script(Script::from([(
        "GET /clips/1.mp4".into(),
        vec![redirect(&there)],
    )]));
    let sandbox = sandbox(&provider.url(), "");
    is_collected_once_it_is_named(&sandbox, &provider, &storage);
}

#[test]
fn private_metadata_and_link_local_results_are_refused_and_the_last_two_name_no_line() {
    for (url, line) in [
        (
            "http://10.255.255.1:9/1.mp4",
            Some("result_origins = [\"http://10.255.255.1:9\"]"),
        ),
        ("http://169.254.169.254/1.mp4", None),
        ("http://169.254.7.7/1.mp4", None),
    ] {
        let provider = provider(url, "/unused");
        let sandbox = sandbox(&provider.url(), "");
        let outcome = sandbox.run(RUN.into_iter().chain(["--deadline", "3s"]));
        assert_eq!(outcome.code, 9, "{outcome:?}");
        let shown = outcome.json().to_string().replace("\\\"", "\"");
        match line {
            Some(line) => assert!(shown.contains(line), "{shown}"),
            None => assert!(!shown.contains("result_origins"), "{shown}"),
        }
        assert_eq!(provider.counts()[SUBMIT], 1);
    }
}

#[test]
fn credential_of_a_download_is_sent_below_the_base_path_alone() {
    // The result, its target, and whether the request carries the credential.
    let cases: [(&str, &[(&str, bool)]); 4] = [
        ("../../clips/1.mp4", &[("/api/clips/1.mp4", true)]),
        ("/clips/1.mp4", &[("/clips/1.mp4", false)]),
        ("../../../clips/1.mp4", &[("/clips/1.mp4", false)]),
        (
            "../../away",
            &[("/api/away", true), ("/clips/1.mp4", false)],
        ),
    ];
    for (url, expected) in cases {
        let clip = || vec![Reply::clip()];
        let provider = Server::start(Script::from([
            ("POST /api/v1/jobs".into(), vec![accepted()]),
            ("GET /api/v1/jobs/j-1".into(), ended(url)),
            ("GET /api/clips/1.mp4".into(), clip()),
            ("GET /clips/1.mp4".into(), clip()),
            ("GET /api/away".into(), vec![redirect("../clips/1.mp4")]),
        ]));
        let sandbox = sandbox(&format!("{}/api", provider.url()), "");
        run(&sandbox).answer();
        let arrived = provider.arrived();
        let clips: Vec<_> = arrived
            .iter()
            .filter(|request| !request.path.starts_with("/api/v1/jobs"))
            .map(|request| (request.path.as_str(), has_credential(request)))
            .collect();
        assert_eq!(clips, expected, "{url}");
    }
}

#[test]
fn configuration_accepts_private_result_origins_and_no_metadata_address() {
    let sandbox = Sandbox::new();
    let more = "result_origins = [\"http://media.internal:8080\"]";
    sandbox.configure(&connection("https://api.example.com", more));
    let shown = sandbox.run(["config", "check", "--json"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let more = "result_origins = [\"http://169.254.169.254\"]";
    sandbox.configure(&connection("https://api.example.com", more));
    let refused = sandbox.run(["config", "check", "--json"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    let problems: Value = refused.json()["error"]["problems"].take();
    assert!(problems.to_string().contains("metadata"), "{problems}");
}
