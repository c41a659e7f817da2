//! `zoetrope check`.

use std::process::ExitCode;

use zoetrope_host::component::CallContext;
use zoetrope_host::contract::{CheckOptions, NodeType};
use zoetrope_host::jobs::check_context;
use zoetrope_host::sanitize::sanitize;

use super::args::{Check, Profile};
use super::context::Context;
use super::report::{Failure, Phase, next_step, plan};
use super::{input, jsonl};

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let printer = context.printer();
        let node = context.node_type(&self.node).await?;
        let connection = self.connection.as_deref();
        let (call, options) = offline(context, &node, connection, self.profile).await?;
        let pack = context.pack().await?;
        if self.jsonl {
            return jsonl::check(pack, &call, &node.name, options, &self.input, printer).await;
        }
        let check_again = |failure: Failure| {
            let next = next_step::check_again(&node.name, &self.input, &context.options());
            failure.then(next)
        };
        let text = input::read(&self.input).map_err(check_again)?;
        let checked = pack.check(&call, &node.name, &text, options).await;
        let checked =
            checked.map_err(|error| check_again(Failure::of_call(error, Phase::Check)))?;
        let answer = plan::document(&node.name, &checked);
        if printer.json() {
            printer.line(&answer)?;
        } else {
            printer.text(&format!("{:#}\n", answer["input"]))?;
            plan::show_notes(&checked, printer);
            plan::show_estimate(&checked, printer);
            if checked.request.is_some() {
                let request = format!("{:#}", answer["request"]);
                printer.message(&format!("request: {}", sanitize(&request)));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The context of a check without network access. A configured connection is part of it: some
/// rules depend on its options, and the request is shown for it.
pub(super) async fn offline(
    context: &Context,
    node: &NodeType,
    connection: Option<&str>,
    profile: Profile,
) -> Result<(CallContext, CheckOptions), Failure> {
    if connection.is_none() && context.configuration().is_unused().await {
        context.note_unused_config().await;
        return Ok(check_context(None, profile.into()));
    }
    let configured = context.configured(node, connection).await?;
    Ok(check_context(configured.as_ref(), profile.into()))
}
