//! Thousands of jobs in flight: `cargo bench -p zoetrope-benches --bench crowd`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_benches::Failure;
use zoetrope_benches::crowd::{HOST, host, report, round};
use zoetrope_benches::environment::Environment;
use zoetrope_benches::lines;
use zoetrope_host::EMBEDDED_COMPONENT;

const USAGE: &str = "cargo bench -p zoetrope-benches --bench crowd \
                     [-- [--jobs N]… [--json FILE] [--zoetrope FILE]]";

/// How many jobs, unless somebody says otherwise.
const SIZES: [usize; 2] = [1_000, 10_000];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((HOST, rest)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        return host::main(rest);
    }
    let mut arguments = arguments.into_iter();
    let (mut measures, mut json_file, mut zoetrope) = (false, None, None);
    let mut sizes = Vec::new();
    while let Some(argument) = arguments.next() {
        let value = match argument.as_str() {
            "--jobs" | "--json" | "--zoetrope" => arguments.next(),
            _ => None,
        };
        match (argument.as_str(), value) {
            ("--bench", _) => measures = true,
            ("--json", Some(file)) => json_file = Some(PathBuf::from(file)),
            ("--zoetrope", Some(file)) => zoetrope = Some(PathBuf::from(file)),
            ("--jobs", Some(number)) if number.parse().is_ok_and(|jobs: usize| jobs > 0) => {
                sizes.extend(number.parse::<usize>());
            }
            _ => {
                eprintln!("usage: {USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    if !measures {
        eprintln!("measures under `cargo bench` alone");
        return ExitCode::SUCCESS;
    }
    if sizes.is_empty() {
        sizes.extend(SIZES);
    }
    match run(&sizes, json_file.as_deref(), zoetrope) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    sizes: &[usize],
    json_file: Option<&Path>,
    zoetrope: Option<PathBuf>,
) -> Result<(), Failure> {
    // Cargo runs this in the package's folder; people are in the workspace's.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let zoetrope = match zoetrope {
        Some(given) => workspace.join(given),
        None => lines::build_zoetrope(&workspace)?,
    };
    let environment = Environment::of(&workspace, EMBEDDED_COMPONENT.len());
    println!("{environment}\n");
    // Beside the builds: on a disk, where the folder for temporary files may be memory.
    let this = std::env::current_exe()?;
    let target = this.ancestors().nth(3).ok_or("an odd place to run from")?;
    let mut all = Vec::new();
    for jobs in sizes {
        let folder = target.join("crowd").join(jobs.to_string());
        all.push(round::measure(&folder, *jobs, &zoetrope)?);
    }
    print!("{}", report::table(&all));
    if let Some(path) = json_file {
        let document = json!({
            "environment": environment.to_json(),
            "crowds": all.iter().map(report::to_json).collect::<Vec<Value>>(),
        });
        std::fs::write(workspace.join(path), format!("{document:#}\n"))?;
    }
    Ok(())
}
