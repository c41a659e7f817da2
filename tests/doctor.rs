//! `zoetrope doctor`: everything that a report of a problem needs, and nothing private.

use std::fs;

use crate::support::provider::{Script, Server, connection, unused_url};
use crate::support::sandbox::Sandbox;

/// The names of the checks with one connection, in their order.
const NAMES: [&str; 12] = [
    "program",
    "libraries",
    "component",
    "data directory",
    "ledger",
    "driver",
    "clock",
    "configuration",
    "connection",
    "network",
    "engine",
    "terminal",
];

#[test]
fn doctor_reaches_providers_only_online_and_sends_no_request() {
    let server = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&server);
    let checks = |arguments: &[&str]| {
        let outcome = sandbox.run([&["--json", "doctor"], arguments].concat());
        let answer = outcome.answer();
        let checks = answer["checks"].as_array().expect("the checks").clone();
        let names: Vec<_> = checks
            .iter()
            .filter_map(|check| check["name"].as_str())
            .collect();
        assert_eq!(names, NAMES);
        let connection = checks[8].clone();
        assert_eq!(connection["credential"], "present");
        assert_eq!(connection["origin"], server.url());
        (answer["sent"].clone(), connection)
    };
    let (sent, offline) = checks(&[]);
    assert!(
        sent.is_null() && offline.get("reached").is_none(),
        "{offline}"
    );
    let (sent, online) = checks(&["--online"]);
    assert!(
        sent.as_str()
            .is_some_and(|sent| sent.contains("costs nothing")),
        "{sent}"
    );
    assert_eq!(online["reached"], true);
    assert!(server.arrived().is_empty(), "no request");

    sandbox.configure(&connection(&unused_url(), ""));
    let outcome = sandbox.run(["--json", "doctor", "--online"]);
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("unavailable");
    assert_eq!(error["checks"][8]["reached"], false, "{error}");
}

#[test]
fn doctor_shows_no_home_folder_no_credential_and_fits_80_columns() {
    let server = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&server);
    let data_dir = sandbox.path("home/a folder/data");
    fs::create_dir_all(&data_dir).expect("a folder");
    fs::write(data_dir.join("letter.txt"), "x").expect("a file");
    let home = sandbox.path("home").display().to_string();
    for json in [false, true] {
        let mut command = sandbox.command(["doctor"]);
        command.arg("--data-dir").arg(&data_dir);
        command.env("HTTPS_PROXY", "http://ann:hunter2@proxy.example:3128");
        command.env_remove("PIXELML_API_KEY");
        if json {
            command.arg("--json");
        }
        let outcome = sandbox.start(command).end();
        // The credential is missing.
        assert_eq!(outcome.code, 4, "{outcome:?}");
        let shown = format!("{}{}", outcome.stdout, outcome.stderr);
        for private in [home.as_str(), "hunter2", "ann:"] {
            assert!(!shown.contains(private), "{private}: {shown}");
        }
        assert!(shown.contains("~/"), "{shown}");
        assert!(shown.contains("proxy.example:3128"), "{shown}");
        assert!(shown.contains("PIXELML_API_KEY"), "{shown}");
        let wide = |line: &&str| line.chars().count() > 80 && line.contains(' ');
        let wide = outcome.stdout.lines().find(|line| !json && wide(line));
        assert_eq!(wide, None);
    }
}
