//! The errors of loading and calling a component.

use crate::contract::{NodeError, PACKAGE, VERSIONS};
use crate::engine::lacks_memory;
use crate::policy::{ManifestError, NotAllowed};

/// Why a file was not loaded as a pack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// Not a WebAssembly component.
    #[error("this is {what}, not a WebAssembly component")]
    NotAComponent {
        /// What the file is, with its article.
        what: String,
    },
    /// Its manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The policy does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It does not validate or cannot be compiled within this engine's limits.
    #[error("the component cannot be compiled")]
    Compile(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It implements another version of the contract.
    #[error("the component implements {PACKAGE}@{found}; this host supports {PACKAGE}@{}", VERSIONS.join(" and @"))]
    WrongVersion {
        /// The version that it implements.
        found: String,
    },
    /// It does not export the contract's interfaces.
    #[error("the component does not export {}", missing.join(", "))]
    MissingExports {
        /// The interfaces that are missing.
        missing: Vec<String>,
    },
    /// It imports interfaces that the host does not provide.
    #[error("the component imports interfaces that packs may not use: {}", refused.join(", "))]
    RefusedImports {
        /// The interfaces that the host does not provide.
        refused: Vec<String>,
    },
    /// Its interfaces have the right names and the wrong types.
    #[error("the component's functions do not have the contract's types")]
    Link(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl PackError {
    /// Whether the system had too little memory to compile or load it.
    #[must_use]
    pub fn lacks_memory(&self) -> bool {
        lacks_memory(self)
    }
}

/// How a call failed: the component returned an error, was stopped, or the host failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The component returned an error of the contract.
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
    /// Why it was stopped.
    pub kind: TrapKind,
    /// The reason in one line of text.
    pub message: String,
}

/// Why a component was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrapKind {
    /// It trapped: a panic, an illegal instruction or an illegal memory access.
    Trapped,
    /// It exceeded [`Limits::cpu`](super::Limits::cpu).
    OutOfTime,
    /// The call exceeded [`Limits::wall`](super::Limits::wall).
    TimedOut,
    /// It exceeded the memory limit of a call.
    OutOfMemory,
    /// It nested calls too deeply.
    StackOverflow,
    /// It exited instead of returning.
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

/// An error of the host that prevented a call.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct HostFault {
    pub(super) message: String,
    pub(super) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}
