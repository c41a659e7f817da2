//! How many instances an engine has at once, and where their memory is reserved.
//!
//! The pool of instances reserves address space, which a limit (`ulimit -v`, a container) may not
//! permit. A job that is paid must be collected all the same, so the engine then has fewer
//! instances: half as many each time, and at last instances that reserve nothing in advance.

use std::sync::Once;

use crate::error::chain;

/// The smallest pool. Below it, instances on demand serve as many calls with less.
const FEWEST_POOLED: u32 = 4;

/// Instances at once without a pool: each needs its memory and a stack of 2 MiB.
const ON_DEMAND: u32 = 4;

/// How the memory of instances is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceMemory {
    /// In advance, for all instances: a new one takes microseconds.
    Pooled,
    /// When an instance is made, as much as it uses.
    OnDemand,
}

impl InstanceMemory {
    /// Its name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::OnDemand => "on_demand",
        }
    }
}

/// The instances of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Most instances at once; further calls wait.
    pub instances: u32,
    /// How their memory is reserved.
    pub memory: InstanceMemory,
    /// The instances that the settings ask for.
    pub wanted: u32,
    /// Why they are fewer, or not pooled; `None` if nothing was reduced.
    pub reduced: Option<String>,
}

impl Allocation {
    /// Logs what was reduced, once in a process.
    pub(super) fn log_once(&self) {
        static LOGGED: Once = Once::new();
        let Self {
            instances,
            wanted,
            memory,
            reduced: Some(why),
        } = self
        else {
            return;
        };
        LOGGED.call_once(|| {
            tracing::warn!(
                instances,
                wanted,
                memory = memory.as_str(),
                why,
                "the address space is limited: fewer calls run at once"
            );
        });
    }
}

/// What `make` returns for the most instances for which it succeeds, at most `wanted`.
///
/// # Errors
///
/// The last one of `make`, if it never succeeds.
pub(super) fn first_that_fits<T, E: std::error::Error + 'static>(
    wanted: u32,
    mut make: impl FnMut(InstanceMemory, u32) -> Result<T, E>,
) -> Result<(T, Allocation), E> {
    let mut reduced = None;
    let mut instances = wanted;
    loop {
        let memory = InstanceMemory::Pooled;
        match make(memory, instances) {
            Ok(engine) => {
                let allocation = Allocation {
                    instances,
                    memory,
                    wanted,
                    reduced,
                };
                return Ok((engine, allocation));
            }
            Err(error) => reduced.get_or_insert_with(|| chain(error.source().unwrap_or(&error))),
        };
        instances /= 2;
        if instances < FEWEST_POOLED {
            break;
        }
    }
    let (instances, memory) = (ON_DEMAND.min(wanted), InstanceMemory::OnDemand);
    let engine = make(memory, instances)?;
    let allocation = Allocation {
        instances,
        memory,
        wanted,
        reduced,
    };
    Ok((engine, allocation))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// The allocation where pools of at most `most` instances can be made.
    fn with_room_for(most: u32, wanted: u32) -> (Allocation, Vec<u32>) {
        let mut tried = Vec::new();
        let made = first_that_fits(wanted, |memory, count| {
            tried.push(count);
            let fits = memory == InstanceMemory::OnDemand || count <= most;
            let full = || io::Error::from(io::ErrorKind::OutOfMemory);
            fits.then_some(()).ok_or_else(full)
        });
        (made.expect("an allocation").1, tried)
    }

    #[test]
    fn pool_that_does_not_fit_is_halved_until_it_fits() {
        let (whole, tried) = with_room_for(64, 64);
        assert_eq!(
            (whole.instances, whole.memory),
            (64, InstanceMemory::Pooled)
        );
        assert_eq!((whole.reduced, tried), (None, vec![64]));
        let (half, tried) = with_room_for(20, 64);
        assert_eq!((half.instances, half.wanted), (16, 64));
        assert_eq!(half.memory, InstanceMemory::Pooled);
        assert!(half.reduced.is_some());
        assert_eq!(tried, [64, 32, 16]);
    }

    #[test]
    fn no_pool_fits_and_instances_are_made_on_demand() {
        let (reduced, tried) = with_room_for(0, 64);
        assert_eq!(reduced.memory, InstanceMemory::OnDemand);
        assert_eq!(reduced.instances, ON_DEMAND);
        assert!(reduced.reduced.is_some());
        assert_eq!(tried, [64, 32, 16, 8, 4, 4]);
        assert_eq!(with_room_for(0, 1).0.instances, 1);
    }

    #[test]
    fn engine_that_can_never_be_made_is_an_error() {
        let made = first_that_fits(64, |_, _| Err::<(), _>(io::Error::other("no memory")));
        assert_eq!(made.expect_err("no engine").to_string(), "no memory");
    }
}
