//! Runs packs of workflow nodes, WebAssembly components that export the contract
//! `zoetrope:workflow-node`, in a sandbox.
//!
//! A component knows providers; this host knows everything else: where a provider lives,
//! which credential opens it, what may leave this machine and what did. The component
//! never sees the credential, has no files and no sockets, and is gone between two calls.
//!
//! # Layout
//!
//! - [`contract`]: the contract's types, generated from `wit/`
//! - [`engine`]: the engine, its pool, its clock, its cache of compiled code
//! - [`component`]: a loaded component, its calls, their limits and answers
//! - [`net`]: addresses, hostnames and URLs as plain data
//! - [`connections`]: where a provider lives and the credential that opens it
//! - [`config`]: what `zoetrope.toml` says
//! - [`policy`]: what a pack asks for, what it is granted, and what therefore holds
//! - [`egress`]: the broker that everything leaving this process goes through
//! - [`media`]: local pictures on their way to a provider
//! - [`jobs`]: the commands that programs give for jobs
//! - [`ledger`]: the durable jobs; [`driver`]: what drives them to their end
//! - [`download`]: clips on their way to the disk
//! - [`digest`]: SHA-256; [`error`]: errors with their causes; [`words`]: what people can be shown
//! - [`trace`]: to which trace a request belongs, and who is told of it
//! - `bindings`: what is generated from `wit/`, before [`contract`] picks from it
//! - `hex`, `sniff`: bytes as digits, and what a file is by its first bytes
//!
//! # Example
//!
//! Starts a run and asks once how it is getting on, without the ledger (a host with durable
//! jobs uses [`jobs::Jobs`]):
//!
//! ```no_run
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
//! let config = Config::load(None)?;
//! let pack = Pack::load(&engine, component, config.policy())?;
//! let nodes = pack.node_types(&CallContext::offline()).await?;
//! let node = nodes.first().ok_or("an empty pack")?;
//! let requirement = node.connection.as_ref().ok_or("a node without provider")?;
//!
//! let connection = config
//!     .select(&requirement.category, None)?
//!     .ok_or("nothing is configured")?;
//! let connection = Arc::clone(connection).open(requirement)?;
//! let context = CallContext::online(&Egress::default(), Arc::new(connection));
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

mod bindings;
pub mod component;
pub mod config;
pub mod connections;
pub mod contract;
pub mod digest;
pub mod download;
pub mod driver;
pub mod egress;
pub mod engine;
pub mod error;
mod file_type;
mod hex;
pub mod jobs;
pub mod ledger;
pub mod media;
pub mod net;
pub mod policy;
pub mod sanitize;
pub mod trace;
