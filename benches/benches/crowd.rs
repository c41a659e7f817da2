//! Thousands of jobs in flight: `cargo bench -p zoetrope-benches --bench crowd`.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_benches::Failure;
use zoetrope_benches::bench::{Bench, ZOETROPE};
use zoetrope_benches::crowd::{HOST, host, report, round};

/// May be given several times.
const JOBS: &str = "--jobs N";

/// How many jobs, unless somebody says otherwise.
const SIZES: [usize; 2] = [1_000, 10_000];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(HOST) {
        return host::main(&arguments.collect::<Vec<_>>());
    }
    Bench::main("crowd", &[JOBS, ZOETROPE], measure)
}

fn measure(bench: &Bench) -> Result<Value, Failure> {
    let mut sizes = bench
        .values(JOBS)
        .map(jobs)
        .collect::<Result<Vec<_>, _>>()?;
    if sizes.is_empty() {
        sizes.extend(SIZES);
    }
    let zoetrope = bench.zoetrope()?;
    let mut all = Vec::new();
    for jobs in sizes {
        let folder = bench.folder("crowd")?;
        all.push(round::measure(&folder, jobs, &zoetrope)?);
    }
    print!("{}", report::table(&all));
    Ok(json!({"crowds": all.iter().map(report::to_json).collect::<Vec<_>>()}))
}

fn jobs(number: &str) -> Result<usize, Failure> {
    let jobs: NonZeroUsize = number
        .parse()
        .map_err(|error| format!("`--jobs {number}`: {error}"))?;
    Ok(jobs.get())
}
