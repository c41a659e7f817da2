//! Proxies and further certificate authorities, through the real binary. The tests of
//! `host-harness/src/egress/` have the connections through a proxy: those need names and
//! certificates of their own.

use serde_json::json;

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server, connection};
use crate::support::raw_http::{Answer, Raw};
use crate::support::sandbox::Sandbox;

/// The password of the proxy. No output contains it.
const PASSWORD: &str = "canary-proxy-password";

const RUN: [&str; 8] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--set",
    "prompt=p",
    "--set",
    "image=https://p.example/a.png",
    "--out=clip.mp4",
];

const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

fn run(sandbox: &Sandbox, environment: &[(&str, &str)], more: &[&str]) -> Outcome {
    let mut command = sandbox.command(RUN);
    command.args(more).envs(environment.iter().copied());
    command.env("ZOETROPE_LOG", "trace");
    let outcome = sandbox.start(command).end();
    let shown = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(
        !shown.contains(PASSWORD),
        "a password is shown: {outcome:?}"
    );
    outcome
}

/// A provider that makes a clip.
fn provider() -> Server {
    let ended = json!({"status": "succeeded", "output": {"video": "{provider}/1.mp4"}});
    Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]))
}

#[test]
fn connection_to_this_machine_never_goes_to_a_proxy() {
    let proxy = Raw::start([]);
    let url = format!("http://user:{PASSWORD}@{}", proxy.address());
    let by_variables = VARIABLES.map(|name| (name, url.as_str()));
    let by_setting = format!("[network]\nproxy = \"{url}\"\nproxy_resolves = true\n");
    for (network, environment) in [("", &by_variables[..]), (&by_setting, &[])] {
        let provider = provider();
        let sandbox = Sandbox::new();
        sandbox.configure(&format!("{network}{}", provider.connection("")));
        run(&sandbox, environment, &[]).answer();
        assert_eq!(provider.arrived().len(), 3);
    }
    assert!(proxy.heard().is_empty());
}

#[test]
fn practice_run_behind_a_proxy_makes_its_clip() {
    let proxy = Raw::start([]);
    let url = format!("http://user:{PASSWORD}@{}", proxy.address());
    let sandbox = Sandbox::new();
    sandbox.write(
        "a.png",
        crate::support::pictures::picture(image::ImageFormat::Png),
    );
    let mut command = sandbox.command(["--json", "run", "image_to_video_v3", "--image", "a.png"]);
    command.args([
        "--set",
        "prompt=p",
        "--set",
        "frame_rate=1",
        "--out=clip.mp4",
    ]);
    command.envs(VARIABLES.map(|name| (name, url.as_str())));
    sandbox.start(command).end().answer();
    assert!(proxy.heard().is_empty());
}

#[test]
fn unusable_proxy_ends_the_run_before_anything_is_sent() {
    let provider = provider();
    let socks = format!("socks5h://user:{PASSWORD}@127.0.0.1:1080");
    let no_url = format!("http://user:{PASSWORD}@");
    let in_a_fragment = format!("http://user:1#{PASSWORD}@127.0.0.1");
    for value in [&socks, &no_url, &in_a_fragment] {
        for name in VARIABLES {
            let sandbox = Sandbox::with_provider(&provider);
            let outcome = run(&sandbox, &[(name, value)], &[]);
            let error = outcome.error("bad_config");
            assert_eq!(error["charged"], "no", "{outcome:?}");
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains(&format!("`{name}`")), "{message}");
        }
        let sandbox = Sandbox::new();
        let network = format!("[network]\nproxy = \"{value}\"\n");
        sandbox.configure(&format!("{network}{}", provider.connection("")));
        let outcome = run(&sandbox, &[], &[]);
        assert_eq!(outcome.error("bad_config")["charged"], "no", "{outcome:?}");
    }
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");

    // `none` needs no valid variable.
    let sandbox = Sandbox::new();
    let off = "[network]\nproxy = \"none\"\n";
    sandbox.configure(&format!("{off}{}", provider.connection("")));
    run(&sandbox, &[("HTTPS_PROXY", &socks)], &[]).answer();
}

#[test]
fn unusable_certificate_file_is_named_before_anything_is_sent() {
    let provider = provider();
    let cases: [(&str, Option<&[u8]>); 4] = [
        ("gone.pem", None),
        ("empty.pem", Some(b"")),
        ("text.pem", Some(b"no certificate")),
        (
            "damaged.pem",
            Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ),
    ];
    for (name, content) in cases {
        let sandbox = Sandbox::new();
        if let Some(content) = content {
            sandbox.write(name, content);
        }
        let path = sandbox.path(name);
        let path = path.to_str().expect("a path");
        sandbox.configure(&provider.connection(""));
        let by_variable = run(&sandbox, &[("SSL_CERT_FILE", path)], &[]);
        // Relative to the configuration.
        let network = format!("[network]\nca_file = \"{name}\"\n");
        sandbox.configure(&format!("{network}{}", provider.connection("")));
        let by_setting = run(&sandbox, &[], &[]);
        for outcome in [by_variable, by_setting] {
            let error = outcome.error("bad_config");
            assert_eq!(error["charged"], "no", "{outcome:?}");
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains(name), "{message}");
        }
    }
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
}

#[test]
fn proxy_that_refuses_a_connection_gets_no_request_and_nothing_is_charged() {
    let answer = Answer::reply("407 Proxy Authentication Required", "", "");
    let proxy = Raw::start(std::iter::repeat_n(answer, 100));
    let url = format!("http://user:{PASSWORD}@{}", proxy.address());
    let sandbox = Sandbox::new();
    // A public address, which needs no lookup and is not dialled.
    sandbox.configure(&connection("https://93.184.216.34", ""));
    let outcome = run(&sandbox, &[("https_proxy", &url)], &["--deadline=1s"]);
    assert_ne!(outcome.code, 0);
    assert_eq!(outcome.json()["error"]["charged"], "no", "{outcome:?}");
    let requests = proxy.heard();
    assert!(!requests.is_empty());
    for request in requests {
        let head = &request.head;
        assert!(
            head.starts_with("connect 93.184.216.34:443 http/1.1\r\n"),
            "{head}"
        );
        assert!(head.contains("proxy-authorization: basic "), "{head}");
        assert!(!head.contains("bearer"), "{head}");
    }
}

#[test]
fn connection_to_a_metadata_address_is_refused_before_the_proxy_is_asked() {
    let proxy = Raw::start([]);
    let sandbox = Sandbox::new();
    sandbox.configure(&connection("https://169.254.169.254", ""));
    let url = proxy.url("");
    let outcome = run(&sandbox, &[("HTTPS_PROXY", &url)], &["--deadline=1s"]);
    assert_ne!(outcome.code, 0);
    assert_eq!(outcome.json()["error"]["charged"], "no", "{outcome:?}");
    assert!(proxy.heard().is_empty());
}
