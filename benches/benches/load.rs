//! Thousands of jobs in flight: `cargo bench -p zoetrope-benches --bench load`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its measurements")]

use std::num::NonZeroUsize;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_benches::Failure;
use zoetrope_benches::bench::{Bench, ZOETROPE};
use zoetrope_benches::load::peers::{self as load_peers, Design};
use zoetrope_benches::load::{HOST, SUSPENDED, host, measurement, report, suspended};
use zoetrope_benches::peers::Peers;

/// The number of jobs; may be repeated.
const JOBS: &str = "--jobs N";

/// The numbers of jobs without `--jobs`.
const SIZES: [usize; 2] = [1_000, 10_000];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let role = arguments.next();
    let rest: Vec<_> = arguments.collect();
    match role.as_deref() {
        Some(HOST) => return host::main(&rest),
        Some(SUSPENDED) => return suspended::main(&rest),
        _ => {}
    }
    Bench::main("load", &[JOBS, ZOETROPE], measure)
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
    let mut peers = Peers::find(bench.workspace())?;
    let (mut all, mut others) = (Vec::new(), Vec::new());
    for jobs in sizes {
        let folder = bench.folder("load")?;
        all.push(measurement::measure(&folder, jobs, &zoetrope)?);
        if jobs <= load_peers::MOST_JOBS {
            for design in Design::ALL {
                others.extend(load_peers::measure(design, jobs, &mut peers)?);
            }
        }
    }
    println!("{}", report::table(&all));
    if !others.is_empty() {
        println!("{}", report::side_by_side(&all, &others));
    }
    println!("{peers}");
    Ok(json!({
        "loads": all.iter().map(report::to_json).collect::<Vec<_>>(),
        "designs": others.iter().map(report::design_to_json).collect::<Vec<_>>(),
        "peers": peers.to_json(),
    }))
}

fn jobs(number: &str) -> Result<usize, Failure> {
    let jobs: NonZeroUsize = number
        .parse()
        .map_err(|error| format!("`--jobs {number}`: {error}"))?;
    Ok(jobs.get())
}
