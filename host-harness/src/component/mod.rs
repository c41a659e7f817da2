//! A loaded component and its calls.
//!
//! - [`Pack`]: a loaded component; every call runs in a fresh instance
//! - [`CheckSession`]: many checks on one instance
//! - [`CallContext`], [`Limits`]: what a call may use and reach
//! - [`CallError`], [`Trap`], [`PackError`]: how calls and loading fail
//! - [`judge`]: the component's word against what the host saw leave
//! - `call`, `state`, `exports`, `imports`: an instance, what the host keeps beside it, where
//!   the contract's functions are, and what a component may import
//! - `answer`: a component's answer, bounded and made printable

mod answer;
mod call;
mod check_session;
mod context;
mod error;
mod exports;
mod imports;
mod judge;
mod pack;
mod state;

pub use check_session::CheckSession;
pub use context::{CallContext, Limits};
pub use error::{CallError, HostFault, PackError, Trap, TrapKind};
pub use judge::judge;
pub use pack::{Pack, StartReport};
pub use state::OUTPUT;
