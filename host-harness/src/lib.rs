//! Runs packs of workflow nodes, WebAssembly components that export the contract
//! `zoetrope:workflow-node`, in a sandbox.
//!
//! A component contains the protocols of providers. The host does the rest: it holds base URLs
//! and credentials, decides which requests may be sent, and records which were sent. A
//! component never sees the credential, has no files and no sockets, and keeps no state
//! between two calls.
//!
//! # Layout
//!
//! - [`contract`]: the contract's types, generated from `wit/`
//! - [`catalog`]: the schema that forms are made from, and a node's documentation
//! - [`engine`]: the engine, its instance pool, its clock, its cache of compiled code
//! - [`component`]: a loaded component, its calls, their limits and results
//! - [`net`]: addresses, hostnames, URLs and the network settings as plain data
//! - [`connections`]: a provider's base URL and credential
//! - [`config`]: the configuration file `zoetrope.toml`
//! - [`policy`]: manifests, grants, and the permissions that follow from both
//! - [`egress`]: sends all requests of this process
//! - [`media`]: hands local pictures over to a provider; [`artifacts`]: a provider's stored
//!   files; [`clip`]: what the headers of a clip say
//! - [`jobs`]: the commands that programs give for jobs
//! - [`ledger`]: the durable jobs; [`driver`]: submits, polls and downloads them
//! - [`download`]: downloads results to files
//! - [`money`]: amounts of money and their sums; [`digest`]: SHA-256; [`disk`]: space on a disk;
//!   [`error`]: error kinds, and errors with their causes;
//!   [`external_command`]: programs that the user has the host start;
//!   [`sanitize`]: makes foreign text safe to display; [`text_file`]: reads text files in UTF-8
//!   and UTF-16; [`similar`]: misspelt names
//! - [`trace`]: the trace context of requests, and its export
//! - `bindings`: the code generated from `wit/`, from which [`contract`] re-exports types
//! - [`json`]: reads documents with numbers as they were written
//! - `bounded`: reads small files without waiting for a pipe
//! - `account_refusal`: recognizes a refusal of the provider's account
//! - `private_texts`: redacts the texts of an input in messages; `reserved_headers`: names of headers
//!   that components do not set and that carry no credential
//! - `cleanup`: removes files that no job needs; `durable`: files that survive a power cut
//! - `awake`: time limits that do not run while the process is stopped
//! - `lock_errors`: file systems without locks
//! - `hex`: hexadecimal digits; `file_type`: a file's type by its first bytes; `formats`: the
//!   names and extensions of types; `structure`: whether a picture or a clip is complete
//!
//! # Example
//!
//! Starts a run and polls it once, without the ledger (a host with durable jobs uses
//! [`jobs::Jobs`]):
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use zoetrope_host::component::{CallContext, Pack};
//! use zoetrope_host::config::Config;
//! use zoetrope_host::contract::{JobState, Started};
//! use zoetrope_host::egress::Egress;
//! use zoetrope_host::engine::{Engine, EngineSettings};
//!
//! # async fn example(component: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(EngineSettings::default())?;
//! let config = Config::read(Path::new("zoetrope.toml"))?;
//! let pack = Pack::load(&engine, component, config.policy())?;
//! let nodes = pack.node_types(&CallContext::offline()).await?;
//! let node = nodes.first().ok_or("an empty pack")?;
//! let requirement = node.connection.as_ref().ok_or("a node without provider")?;
//!
//! let connection = config
//!     .select(&requirement.category, None)?
//!     .ok_or("nothing is configured")?;
//! let placement = pack.permissions().credential_placement(requirement);
//! let connection = Arc::clone(connection).open(&placement)?;
//! let egress = Egress::for_network(config.network())?;
//! let context = CallContext::online(&egress, Arc::new(connection));
//!
//! let input = r#"{"prompt": "waves", "image": "https://example.com/sea.png"}"#;
//! let report = pack.start(&context, &node.name, input, "order-66").await;
//! let ticket = match report.judged()? {
//!     Started::Accepted(acceptance) => acceptance.ticket,
//!     Started::Finished(completion) => completion.ticket,
//! };
//! match pack.poll(&context, &ticket).await? {
//!     JobState::Waiting(progress) => println!("{}", progress.stage.as_str()),
//!     JobState::Succeeded(success) => println!("{}", success.output),
//!     JobState::Failed(failure) => println!("{}", failure.fault.message),
//!     JobState::Cancelled(_) => println!("cancelled"),
//! }
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod account_refusal;
pub mod artifacts;
mod awake;
mod bindings;
mod bounded;
pub mod catalog;
mod cleanup;
pub mod clip;
pub mod component;
pub mod config;
pub mod connections;
pub mod contract;
pub mod digest;
pub mod disk;
pub mod download;
pub mod driver;
mod durable;
pub mod egress;
pub mod engine;
pub mod error;
pub mod external_command;
mod file_type;
mod formats;
mod hex;
pub mod jobs;
pub mod json;
pub mod ledger;
mod lock_errors;
pub mod media;
pub mod money;
pub mod net;
pub mod open_files;
pub mod policy;
mod private_texts;
mod reserved_headers;
pub mod rights;
mod said;
pub mod sanitize;
pub mod similar;
mod structure;
pub mod text_file;
pub mod trace;
