//! A measured process from inside: what it is told, and what it says.

use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::Failure;

/// Does the process's whole work, on as many threads as the machine has.
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

/// Says what is done, and how long it took.
pub(super) fn report_step(name: &str, begun: Instant) {
    println!("{}", json!({ name: begun.elapsed().as_secs_f64() }));
}

/// What whoever measures says.
pub(super) struct Commands(UnboundedReceiver<()>);

impl Commands {
    /// Listens from now on, and ends the process once nobody measures it any more.
    pub(super) fn new() -> Self {
        let (sender, orders) = unbounded_channel();
        std::thread::spawn(move || {
            for _ in std::io::stdin().lines().map_while(Result::ok) {
                let _ = sender.send(());
            }
            std::process::exit(0);
        });
        Self(orders)
    }

    /// Waits until it may do the next thing.
    pub(super) async fn next(&mut self) -> Result<(), Failure> {
        Ok(self.0.recv().await.ok_or("nobody measures")?)
    }
}
