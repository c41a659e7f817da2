//! How loading a component and calling it can fail.

use crate::contract::{NodeError, PACKAGE, VERSION};
use crate::policy::{ManifestError, NotAllowed};

/// Why a file is no pack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// Not a WebAssembly component.
    #[error("this is {what}, not a WebAssembly component")]
    NotAComponent {
        /// What it is instead.
        what: &'static str,
    },
    /// What it asks for cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Nobody has allowed it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It does not validate or cannot be compiled within this engine's limits.
    #[error("the component cannot be compiled")]
    Compile(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It speaks another version of the contract.
    #[error("the component speaks {PACKAGE}@{found}, this host {PACKAGE}@{VERSION}")]
    WrongVersion {
        /// The version it speaks.
        found: String,
    },
    /// It is no pack of nodes.
    #[error("the component does not export {}", missing.join(", "))]
    MissingExports {
        /// The interfaces that are missing.
        missing: Vec<String>,
    },
    /// It asks for what no pack gets.
    #[error("the component asks for what packs are not given: {}", refused.join(", "))]
    RefusedImports {
        /// The interfaces that are not given.
        refused: Vec<String>,
    },
    /// Its interfaces have the right names and the wrong types.
    #[error("the component does not fit the contract")]
    Link(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How a call failed: by the component's own word, by being stopped, or by the host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The component answered with an error of the contract.
    #[error("{}", .0.cause.message())]
    Node(NodeError),
    /// The component was stopped.
    #[error("the component was stopped: {0}")]
    Trap(Trap),
    /// The host could not make the call.
    #[error("the component could not be called")]
    Host(#[source] HostFault),
}

/// A component that was stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trap {
    /// What it ran into.
    pub kind: TrapKind,
    /// The same in words, one line.
    pub message: String,
}

/// What a component ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrapKind {
    /// A fault of its own: a panic, an impossible instruction or access.
    Trapped,
    /// It ran for too long.
    OutOfTime,
    /// The call took too long, mostly waiting.
    TimedOut,
    /// It asked for more memory than there is for one call.
    OutOfMemory,
    /// It nested calls too deeply.
    StackOverflow,
    /// It ended itself instead of answering.
    Exited,
}

impl TrapKind {
    /// The kind's name in `snake_case`: `out_of_time`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trapped => "trapped",
            Self::OutOfTime => "out_of_time",
            Self::TimedOut => "timed_out",
            Self::OutOfMemory => "out_of_memory",
            Self::StackOverflow => "stack_overflow",
            Self::Exited => "exited",
        }
    }
}

/// Why the host could not make a call.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct HostFault {
    pub(super) message: String,
    pub(super) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}
