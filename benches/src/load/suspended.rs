//! The simplest design: an instance of the component for each job, suspended in the request of its
//! poll.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use zoetrope_bundled_pack::COMPONENT;

use super::measured::{self, Commands, report_step};
use crate::minimal_host::{Allocation, Client, Instance, Kept, MinimalHost};
use crate::{Failure, INPUT, NODE};

/// The main function of the process. Its arguments are the provider's base URL, the number of jobs,
/// and the maximum number of concurrent calls.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    measured::main(async {
        let [base_url, jobs, calls] = arguments else {
            return Err("not three arguments".into());
        };
        suspended(base_url, jobs.parse()?, calls.parse()?).await
    })
}

async fn suspended(base_url: &str, jobs: usize, calls: usize) -> Result<(), Failure> {
    let credential = "Bearer sk-load";
    let host = MinimalHost::load_with(Allocation::Separate, COMPONENT, base_url, credential)?;
    let mut commands = Commands::new();
    report_step("ready", Instant::now());
    commands.next().await?;

    let (begun, client) = (Instant::now(), Kept::default());
    let mut started = Vec::with_capacity(jobs);
    for number in 0..jobs {
        let mut instance = host.instance(Client::Kept(client.clone())).await?;
        let ticket = instance
            .start(NODE, INPUT, &format!("load-{number}"))
            .await?;
        started.push((instance, ticket));
    }
    report_step("submitted", begun);

    let calls = Arc::new(Semaphore::new(calls));
    let mut polling = JoinSet::new();
    for (instance, ticket) in started {
        polling.spawn(poll(instance, ticket, Arc::clone(&calls)));
    }
    match polling.join_next().await {
        Some(ended) => ended?,
        None => Ok(()),
    }
}

/// Polls until a poll fails.
async fn poll(
    mut instance: Instance,
    ticket: String,
    calls: Arc<Semaphore>,
) -> Result<(), Failure> {
    loop {
        let _permit = calls.acquire().await?;
        instance.poll(&ticket).await?;
    }
}
