//! The arguments of `zoetrope practice`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::duration;

/// Run the practice provider as a server, until Ctrl-C.
///
/// It implements the providers' protocols and renders clips by moving a camera over the
/// picture. It is not an AI model. Writes the configuration of its connections to standard
/// output.
#[derive(Args)]
#[command(after_help = "\
With this file, a second shell uses the server: zoetrope --config practice.toml run …
Example: zoetrope practice > practice.toml")]
pub(crate) struct PracticeServer {
    /// Loopback address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Fault script in JSON; see docs/reference/practice-faults.md
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Answer every job with the same short clip, for load tests
    ///
    /// Nothing is rendered.
    #[arg(long)]
    pub(crate) instant: bool,
    /// Minimum time that a job is queued
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = duration)]
    pub(crate) queue_time: Duration,
}
