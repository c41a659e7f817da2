//! A measured process from inside: its commands and its reports.

use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::Failure;

/// Runs the process on as many threads as the machine has.
pub(super) fn main(work: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(work))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the name of a finished step and its duration.
pub(super) fn report_step(name: &str, begun: Instant) {
    println!("{}", json!({ name: begun.elapsed().as_secs_f64() }));
}

/// The commands of the bench, one line of standard input each.
pub(super) struct Commands(UnboundedReceiver<()>);

impl Commands {
    /// Reads commands from now on, and ends the process when standard input ends.
    pub(super) fn new() -> Self {
        let (sender, commands) = unbounded_channel();
        std::thread::spawn(move || {
            for _ in std::io::stdin().lines().map_while(Result::ok) {
                let _ = sender.send(());
            }
            std::process::exit(0);
        });
        Self(commands)
    }

    /// Waits for the next command.
    pub(super) async fn next(&mut self) -> Result<(), Failure> {
        Ok(self.0.recv().await.ok_or("no further command")?)
    }
}
