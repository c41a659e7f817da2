//! `zoetrope check`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use zoetrope_host::component::CallContext;
use zoetrope_host::contract::{CheckOptions, NodeType};
use zoetrope_host::words::harmless;

use super::failure::{Failure, Phase};
use super::input::Profile;
use super::setup::{Setup, quoted, quoted_text};
use super::{input, lines, output};

/// Say what a run would do, without sending anything.
///
/// Needs neither connection nor credential; opens no file and no URL that the input
/// names. Prints the input as it would be run; notes go to standard error.
#[derive(Args)]
pub(super) struct Check {
    /// Node type, as `zoetrope nodes` lists it
    node: String,
    /// Input document, JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// How strictly the input is read
    #[arg(long, default_value = "strict")]
    profile: Profile,
    /// Show the request as this connection's
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// One input a line in, one JSON result a line out; exit code 3 if any was refused
    #[arg(long)]
    pub(super) jsonl: bool,
}

impl Check {
    pub(super) async fn run(self, setup: &Setup) -> Result<ExitCode, Failure> {
        let node = setup.node_type(&self.node).await?;
        let connection = self.connection.as_deref();
        let (context, options) = offline(setup, &node, connection, self.profile).await?;
        let pack = setup.pack().await?;
        if self.jsonl {
            return lines::check(pack, &context, &node.name, options, &self.input).await;
        }
        let again = |failure: Failure| {
            let next = format!(
                "correct the input, then: zoetrope check {} --input {}{}",
                quoted_text(&node.name),
                quoted(&self.input),
                setup.options()
            );
            failure.then(next)
        };
        let text = input::read(&self.input).map_err(again)?;
        let checked = pack.check(&context, &node.name, &text, options).await;
        let plan = checked.map_err(|error| again(Failure::of_call(error, Phase::Check)))?;
        if setup.json() {
            output::line(&output::plan(&node.name, &plan))?;
        } else {
            let answer = output::plan(&node.name, &plan);
            output::text(&format!("{:#}\n", answer["input"]))?;
            output::show_notes(&plan);
            output::show_estimate(&plan);
            if plan.request.is_some() {
                let request = format!("{:#}", answer["request"]);
                eprintln!("request: {}", harmless(&request));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a check needs: nothing, or the configured connection, whose options some rules
/// depend on, and which the request is shown for.
pub(super) async fn offline(
    setup: &Setup,
    node: &NodeType,
    connection: Option<&str>,
    profile: Profile,
) -> Result<(CallContext, CheckOptions), Failure> {
    let configured = setup.configured(node, connection).await?;
    let options = CheckOptions {
        profile: profile.into(),
        preview_request: configured.is_some(),
    };
    let context = configured.map_or_else(CallContext::offline, |connection| {
        CallContext::previewing(Arc::new(connection.without_credential()))
    });
    Ok((context, options))
}
