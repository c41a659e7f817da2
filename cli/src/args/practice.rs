//! What `zoetrope practice` takes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Run the practice provider on its own, until Ctrl-C.
///
/// It speaks the providers' protocols and really renders, by moving a camera over the
/// picture. It is not an AI model.
#[derive(Args)]
pub(crate) struct PracticeServer {
    /// Address to listen on; port 0 takes any
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Script of what goes wrong, in JSON; see docs/reference/practice-faults.md
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Render nothing: every job gets the same short clip, for load tests
    #[arg(long)]
    pub(crate) instant: bool,
    /// How long a job is queued at least
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = humantime::parse_duration)]
    pub(crate) queue_time: Duration,
}
