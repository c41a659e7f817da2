//! `zoetrope check`.

use std::process::ExitCode;

use zoetrope_host::component::CallContext;
use zoetrope_host::contract::{CheckOptions, NodeType};
use zoetrope_host::jobs::check_context;
use zoetrope_host::words::harmless;

use super::args::{Check, Profile};
use super::report::{Failure, Phase, plan};
use super::setup::Setup;
use super::shell::{quoted, quoted_text};
use super::{input, lines};

impl Check {
    pub(super) async fn run(self, setup: &Setup) -> Result<ExitCode, Failure> {
        let printer = setup.printer();
        let node = setup.node_type(&self.node).await?;
        let connection = self.connection.as_deref();
        let (context, options) = offline(setup, &node, connection, self.profile).await?;
        let pack = setup.pack().await?;
        if self.jsonl {
            return lines::check(pack, &context, &node.name, options, &self.input, printer).await;
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
        let checked = checked.map_err(|error| again(Failure::of_call(error, Phase::Check)))?;
        let answer = plan::document(&node.name, &checked);
        if printer.json() {
            printer.line(&answer)?;
        } else {
            printer.text(&format!("{:#}\n", answer["input"]))?;
            plan::show_notes(&checked, printer);
            plan::show_estimate(&checked, printer);
            if checked.request.is_some() {
                let request = format!("{:#}", answer["request"]);
                printer.message(&format!("request: {}", harmless(&request)));
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
    Ok(check_context(configured.as_ref(), profile.into()))
}
