//! Runs a mode: the component is allowed, then each command runs in a process of its own.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::echoes::echoes;
use super::mode::Mode;
use crate::support::guests::digest_of;
use crate::support::hostile::{hostile_asking, hostile_asking_and_listing};
use crate::support::outcome::Outcome;
use crate::support::provider::{Arrived, Server, connection};
use crate::support::sandbox::Sandbox;

/// The key of the pack's own run.
const KEY: &str = "order-66";

/// A command that has ended.
pub(super) struct Step {
    pub(super) command: String,
    pub(super) code: i32,
    /// What it printed.
    pub(super) text: String,
    /// The pack's row after it.
    pub(super) row: Option<Value>,
    /// The number of requests that have arrived.
    pub(super) arrived: usize,
}

impl Step {
    /// One line for a failed test.
    pub(super) fn summary(&self) -> String {
        let row = self.row.as_ref().map(|row| {
            let field = |name: &str| row[name].to_string();
            ["state", "charged", "provider_job_id"].map(field).join(" ")
        });
        let text: String = self.text.chars().take(200).collect();
        format!(
            "{}: exit {}, row {row:?}, {} requests so far: {text:?}",
            self.command, self.code, self.arrived
        )
    }
}

/// A mode that was run.
pub(super) struct Run {
    pub(super) steps: Vec<Step>,
    /// The requests to the provider, and to the server at another port.
    pub(super) arrived: Vec<Arrived>,
    pub(super) elsewhere: Vec<Arrived>,
    pub(super) faults: Vec<String>,
}

impl Run {
    /// Runs the mode.
    pub(super) fn of(mode: &Mode) -> Self {
        let stage = Stage::new(mode);
        let mut run = Self {
            steps: Vec::new(),
            arrived: Vec::new(),
            elsewhere: Vec::new(),
            faults: Vec::new(),
        };
        let allowed = stage.sandbox.run(["packs", "allow", "hostile.wasm"]);
        if allowed.code != 0 {
            if !mode.allow_may_fail {
                run.faults.push(format!("not allowed: {allowed:?}"));
            }
            return run;
        }
        for command in &mode.commands {
            let row = run.steps.last().and_then(|step| step.row.as_ref());
            let job = row.and_then(|row| row["id"].as_str()).unwrap_or("none");
            let outcome = stage.command(command, job);
            let reached = |request: &Arrived| request.line() == "POST /v1/neighbour";
            if command == "neighbour" && !stage.provider.arrived().iter().any(reached) {
                run.faults
                    .push(format!("the neighbour is stopped: {outcome:?}"));
            }
            let rows = stage.sandbox.jobs();
            run.steps.push(Step {
                command: command.clone(),
                code: outcome.code,
                text: format!("{}{}", outcome.stdout, outcome.stderr),
                row: rows.into_iter().find(|row| row["key"] == KEY),
                arrived: stage.provider.arrived().len(),
            });
        }
        run.arrived = stage.provider.arrived();
        run.elsewhere = stage.cdn.arrived();
        run
    }
}

/// The servers and the sandbox of a mode.
struct Stage<'a> {
    mode: &'a Mode,
    sandbox: Sandbox,
    provider: Server,
    cdn: Server,
}

impl<'a> Stage<'a> {
    fn new(mode: &'a Mode) -> Self {
        let (provider, cdn) = (
            Server::start(mode.replies.clone()),
            Server::start(mode.cdn.clone()),
        );
        for server in [&provider, &cdn] {
            server.name("provider", provider.url());
            server.name("cdn", cdn.url());
            server.name("mebibyte", "x".repeat(1 << 20));
            for (name, echo) in echoes() {
                server.name(name, echo);
            }
        }
        let sandbox = Sandbox::new();
        let base = format!("{}/v1", provider.url());
        sandbox.configure(&connection(&base, &mode.connection));
        let stage = Self {
            mode,
            sandbox,
            provider,
            cdn,
        };
        stage.write_component("hostile", mode.listing.as_ref());
        stage.write_input();
        stage
    }

    fn write_component(&self, name: &str, listing: Option<&Value>) {
        let mut manifest = json!({
            "format": 1,
            "name": name,
            "version": "1",
            "connections": ["pixelml"],
        });
        for (field, value) in &self.mode.manifest {
            manifest[field] = value.clone();
        }
        let manifest = manifest.to_string();
        let component = match listing {
            Some(listing) => hostile_asking_and_listing(&manifest, listing),
            None => hostile_asking(&manifest),
        };
        self.sandbox.write(&format!("{name}.wasm"), &component);
        self.keep_compiled(&component, name);
    }

    /// Compiles each component once for all modes.
    fn keep_compiled(&self, component: &[u8], name: &str) {
        type Code = Vec<(std::ffi::OsString, Vec<u8>)>;
        static CODE: OnceLock<Mutex<HashMap<String, Code>>> = OnceLock::new();
        let folder = self.sandbox.data_dir().join("code");
        let code = CODE.get_or_init(Mutex::default);
        let digest = digest_of(component).to_string();
        let known = code.lock().expect("the code").get(&digest).cloned();
        if let Some(files) = known {
            for (file, content) in files {
                fs::write(folder.join(file), content).expect("a file");
            }
            return;
        }
        let config = fs::read_to_string(self.sandbox.path("zoetrope.toml")).expect("a file");
        let file = format!("{name}.wasm");
        let allowed = self.sandbox.run(["packs", "allow", &file]);
        if allowed.code == 0 {
            self.sandbox.run(["nodes", "--component", &file]);
        }
        self.sandbox.configure(&config);
        let mut code = code.lock().expect("the code");
        code.insert(digest, read_all(&folder));
    }

    /// The instructions, with the URLs of the servers and of the pictures.
    fn write_input(&self) {
        let mut input = self.mode.input.clone();
        if !self.mode.pictures.is_empty() {
            let names: Vec<_> = self.mode.pictures.iter().map(file_name).collect();
            for name in &names {
                let png = crate::support::pictures::picture(image::ImageFormat::Png);
                self.sandbox.write(name, png);
            }
            let url = |place: &usize| {
                let name = utf8_percent_encode(&names[*place], NON_ALPHANUMERIC);
                Value::from(format!("file:{name}"))
            };
            input["pictures"] = self.mode.fields.iter().map(url).collect();
        }
        let text = input.to_string();
        let text = text
            .replace("{provider}", &self.provider.url())
            .replace("{provider_host}", &self.provider.host())
            .replace("{cdn}", &self.cdn.url());
        self.sandbox.write("input.json", text);
    }

    fn command(&self, command: &str, job: &str) -> Outcome {
        if let Some(life) = command.strip_prefix("killed after ") {
            return self.killed(life.parse().expect("milliseconds"));
        }
        let deadline = self.mode.deadline.as_str();
        let pack = ["--component", "hostile.wasm"];
        let run = ["run", "hostile", "--input", "input.json", "--key", KEY];
        let arguments: Vec<&str> = match command {
            "run" | "text" => [&pack[..], &run, &["--deadline", deadline]].concat(),
            "detach" => [&pack[..], &run, &["--detach", "--deadline", deadline]].concat(),
            "resume" => [
                &pack[..],
                &["jobs", "resume", "--all", "--deadline", deadline],
            ]
            .concat(),
            "cancel" => [&pack[..], &["jobs", "cancel", job]].concat(),
            "list" | "list_json" => vec!["jobs"],
            "show" | "show_json" => vec!["jobs", "show", job],
            "nodes" | "nodes_json" => [&pack[..], &["nodes"]].concat(),
            "neighbour" => return self.neighbour(),
            other => panic!("no command {other}"),
        };
        let is_json =
            command.ends_with("_json") || ["run", "detach", "resume", "cancel"].contains(&command);
        let json = is_json.then_some("--json");
        self.sandbox.run(json.into_iter().chain(arguments))
    }

    /// A run whose process is killed after this many milliseconds.
    fn killed(&self, life_ms: u64) -> Outcome {
        let arguments = ["run", "hostile", "--input", "input.json", "--key", KEY];
        let pack = ["--component", "hostile.wasm"];
        let command = self.sandbox.command(pack.iter().chain(&arguments));
        let running = self.sandbox.start(command);
        std::thread::sleep(Duration::from_millis(life_ms));
        running.kill();
        Outcome {
            code: -1,
            stdout: String::new(),
            stderr: String::new(),
        }
    }

    /// A job of another pack on the same connection.
    fn neighbour(&self) -> Outcome {
        self.write_component("neighbour", None);
        self.sandbox.run(["packs", "allow", "neighbour.wasm"]);
        let submit = json!({"request": {"url": "{base}/neighbour", "body": {"text": "{}"}}});
        let input = json!({"start": {"do": [submit]}});
        self.sandbox.write("neighbour.json", input.to_string());
        self.sandbox.run([
            "--json",
            "--component",
            "neighbour.wasm",
            "run",
            "hostile",
            "--input",
            "neighbour.json",
            "--key",
            "neighbour",
            "--deadline",
            "30s",
        ])
    }
}

/// An instruction as the name of a file.
fn file_name(instruction: &Value) -> String {
    let instruction: &Map<String, Value> = instruction.as_object().expect("an instruction");
    let text = serde_json::to_string(instruction).expect("JSON");
    text.replace('/', "\\u002f")
}

fn read_all(folder: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .map(|file| {
            let content = fs::read(file.path()).expect("a file");
            (file.file_name(), content)
        })
        .collect()
}
