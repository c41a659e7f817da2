//! Runs one contestant alone, for `benches/profile.sh`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zoetrope_benches::Failure;
use zoetrope_benches::bench::Bench;
use zoetrope_benches::cargo::target;
use zoetrope_benches::provider::Provider;
use zoetrope_benches::{INPUT, NODE};
use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::{CallContext, Pack};
use zoetrope_host::egress::Egress;
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::policy::Policy;

use super::connections::{CREDENTIAL, STRICT, keyed_connection, started};

/// The contestant. `call` is a start; each call uses a fresh instance.
pub(crate) const ONLY: &str = "--only call|poll|check";

/// The duration.
pub(crate) const SECONDS: &str = "--seconds N";

/// Repeats the contestant's call and counts the operations.
pub(crate) fn measure(bench: &Bench, name: &str) -> Result<Value, Failure> {
    let seconds = bench.value(SECONDS).unwrap_or("10").parse()?;
    let duration = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let provider = Provider::start(CREDENTIAL)?;
    let repeated = Box::pin(repeated(name, &provider, duration));
    let operations = runtime.block_on(repeated)?;
    println!("{name}: {operations} operations in {seconds} s");
    Ok(json!({"only": name, "operations": operations, "seconds": seconds}))
}

async fn repeated(name: &str, provider: &Provider, duration: Duration) -> Result<usize, Failure> {
    // Compiled code is cached, so that the profile does not show the compiler.
    let settings = EngineSettings {
        cache_dir: Some(target()?.join("benches/code")),
        ..EngineSettings::default()
    };
    let engine = Engine::new(settings)?;
    let pack = Pack::load(&engine, COMPONENT, &Policy::default().trusting(DIGEST))?;
    let open = keyed_connection(&pack, &format!("http://{}", provider.address())).await?;
    let online = CallContext::online(&Egress::default(), open);
    let offline = CallContext::offline();
    let ticket = started(&pack, &online).await?;
    let begun = Instant::now();
    let mut operations = 0;
    while begun.elapsed() < duration {
        match name {
            "call" => drop(started(&pack, &online).await?),
            "poll" => drop(pack.poll(&online, &ticket).await?),
            "check" => drop(pack.check(&offline, NODE, INPUT, STRICT).await?),
            _ => return Err(format!("no contestant `{name}`").into()),
        }
        operations += 1;
    }
    Ok(operations)
}
