//! From a process's start to its answer: `cargo bench -p zoetrope-benches --bench start`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its measurements")]

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zoetrope_benches::bench::{Bench, ZOETROPE};
use zoetrope_benches::measure::Group;
use zoetrope_benches::peers::{Peers, Platform};
use zoetrope_benches::{Failure, INPUT, NODE, report};

/// How often each process is started.
const ROUNDS: usize = 40;
/// The starts before, which are not measured.
const WARM_UP: usize = 2;

/// Imports the Python node's modules and validates one input.
const PYTHON: &str = r"
import sys
sys.path.insert(0, sys.argv[1])
import httpx
from models import MODELS
with open(sys.argv[3]) as file:
    print(MODELS[sys.argv[2]].model_validate_json(file.read(), strict=True).model_dump_json())
";

/// The same for Node.js.
const NODE_JS: &str = r"
const { readFileSync } = require('node:fs');
const { Ajv2020 } = require('ajv/dist/2020');
require('undici');
const [schema, file] = process.argv.slice(1);
const validate = new Ajv2020({ useDefaults: true }).compile(JSON.parse(readFileSync(schema)));
const input = JSON.parse(readFileSync(file));
if (!validate(input)) throw new Error(JSON.stringify(validate.errors));
console.log(JSON.stringify(input));
";

const WARM: &str = "zoetrope check, compiled code kept";
const COLD: &str = "zoetrope check, no compiled code yet";
const OF_PYTHON: &str = "python3 -c: pydantic and httpx imported";
const OF_NODE: &str = "node -e: ajv and undici imported";

fn main() -> ExitCode {
    Bench::main("start", &[ZOETROPE], measure)
}

fn measure(bench: &Bench) -> Result<Value, Failure> {
    let workspace = bench.workspace().canonicalize()?;
    let zoetrope = bench.zoetrope()?;
    let folder = bench.folder("start")?;
    let input = folder.join("input.json");
    std::fs::write(&input, INPUT)?;
    // Not the configuration of the user who runs the benchmark.
    let config = folder.join("empty.toml");
    std::fs::write(&config, "")?;
    let data = folder.join("data");
    let check = || {
        let mut check = Command::new(&zoetrope);
        check.args(["check", NODE, "--input"]).arg(&input);
        check.arg("--data-dir").arg(&data).current_dir(&folder);
        check.env("ZOETROPE_CONFIG", &config);
        check
    };
    let mut peers = Peers::find(&workspace)?;
    let mut python = peers.python();
    python
        .args(["-c", PYTHON])
        .arg(workspace.join("tests/pydantic"));
    python.arg(NODE).arg(&input);
    let mut node = peers.node();
    let schema = workspace.join("schemas").join(NODE).join("input.json");
    node.args(["-e", NODE_JS]).args([&schema, &input]);
    let mut others = Vec::new();
    if peers.have(Platform::Python, OF_PYTHON) {
        others.push((OF_PYTHON, python));
    }
    if peers.have(Platform::NodeJs, OF_NODE) {
        others.push((OF_NODE, node));
    }

    let title = "one input, from a process's start to its end";
    let mut group = Group::new(title, WARM).with_rounds(WARM_UP, ROUNDS);
    while group.next_round() {
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        group.record(COLD, vec![answered(&mut check())?]);
        group.record(WARM, vec![answered(&mut check())?]);
        for (name, command) in &mut others {
            group.record(name, vec![answered(command)?]);
        }
    }
    println!("{}", report::table(&group));
    println!("{peers}");
    Ok(json!({"tables": [report::group_json(&group)], "peers": peers.to_json()}))
}

/// Measures a process that answers with the completed input.
fn answered(command: &mut Command) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let taken = begun.elapsed();
    // The input has every field, so the completed input is the same.
    let given: Value = serde_json::from_str(INPUT)?;
    if output.status.success() && serde_json::from_slice::<Value>(&output.stdout)? == given {
        Ok(taken)
    } else {
        Err(format!("the answer differs from the input, {}", output.status).into())
    }
}
