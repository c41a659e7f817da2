//! The WebAssembly engine: how many calls run at once, and why they are fewer than usual.

use zoetrope_host::engine::{Allocation, Engine, InstanceMemory};

use super::check::Check;
use crate::context::built_in_node_types;
use crate::report::Failure;

const NAME: &str = "engine";

/// The engine, after one call of the built-in component where something was reduced.
pub(super) async fn tried(engine: Result<Engine, Failure>) -> Result<Engine, Failure> {
    let engine = engine?;
    if engine.allocation().reduced.is_some() {
        built_in_node_types(&engine).await?;
    }
    Ok(engine)
}

pub(super) fn check(engine: Result<Engine, Failure>, options: &str) -> Check {
    match engine {
        Ok(engine) => of(engine.allocation(), options),
        Err(failure) => {
            let next = format!(
                "Raise the limit of the address space (ulimit -v), then run: zoetrope doctor{options}"
            );
            Check::problem_of(failure.kind(), NAME, failure.message(), next)
        }
    }
}

fn of(allocation: &Allocation, options: &str) -> Check {
    let Allocation {
        instances,
        memory,
        wanted,
        reduced,
    } = allocation;
    let way = match memory {
        InstanceMemory::Pooled => "their memory is reserved in advance",
        InstanceMemory::OnDemand => "their memory is reserved when they begin",
    };
    let check = match reduced {
        None => Check::ok(NAME, format!("up to {instances} calls at once")),
        Some(why) => {
            let text = format!("{instances} calls at once instead of {wanted}; {way}: {why}");
            let next = format!(
                "Jobs can be collected. For more at once, raise the limit of the address space (ulimit -v), then run: zoetrope doctor{options}"
            );
            Check::warning(NAME, text, next)
        }
    };
    check
        .with("instances", *instances)
        .with("wanted", *wanted)
        .with("memory", memory.as_str())
        .with("reduced", reduced.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::home::Home;

    #[test]
    fn reduced_engine_is_a_warning_with_the_reason() {
        let mut allocation = Allocation {
            instances: 4,
            memory: InstanceMemory::OnDemand,
            wanted: 64,
            reduced: Some("mmap failed".into()),
        };
        let check = of(&allocation, "");
        let document = check.document(&Home::none());
        assert_eq!(document["state"], "warning");
        assert_eq!(document["reduced"], "mmap failed");
        assert_eq!(document["memory"], "on_demand");
        allocation.reduced = None;
        assert_eq!(of(&allocation, "").document(&Home::none())["state"], "ok");
    }
}
