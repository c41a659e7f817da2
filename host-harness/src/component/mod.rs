//! A loaded component and its calls.
//!
//! - [`Pack`]: a loaded component; every call runs in a fresh instance
//! - [`CheckSession`]: many checks on one instance
//! - [`CallContext`], [`Limits`]: the resources and the connection of a call
//! - [`CallError`], [`Trap`], [`PackError`]: the errors of calls and of loading
//! - `artifacts`: the calls of the optional interface `artifacts`
//! - [`judge`]: corrects the outcome of a `start` by what the host sent
//! - `call`, `state`, `exports`, `imports`: an instance, the host's state beside it, the
//!   contract's functions in a component, and the imports that a component may have
//! - `contract_0_1`: the types of the contract 0.1.0, which the host still supports
//! - `answer`: bounds, sanitizes and redacts a component's answers; `circumstances`: adds what
//!   only the host knows to a provider's refusal

mod answer;
mod artifacts;
mod call;
mod check_session;
mod circumstances;
mod context;
mod contract_0_1;
mod error;
mod exports;
mod foreign;
mod imports;
mod judge;
mod pack;
mod request_parts;
mod state;

pub use check_session::CheckSession;
pub(crate) use circumstances::with_file_length;
pub use context::{CallContext, Limits};
pub use error::{CallError, HostFault, PackError, Trap, TrapKind};
pub use foreign::not_a_component;
pub use judge::{Refusals, judge};
pub use pack::{Pack, StartReport};
pub use state::OUTPUT;
