//! The input of a run: the input document, `--set` and `--image`.

use zoetrope_host::contract::NodeType;
use zoetrope_host::jobs::{CheckRequest, Checked, check_context};

use crate::args::{InputSource, Run};
use crate::context::Context;
use crate::fields::explain::explained;
use crate::fields::missing;
use crate::notes::Note;
use crate::report::{Failure, next_step, of_jobs, plan};
use crate::shell::quoted;
use crate::{input, picture_notes};

/// Reads and checks the input of a single run.
pub(super) async fn read(run: &Run, context: &Context) -> Result<Checked, Failure> {
    let node = context.node_type(&run.node).await?;
    if run.source.is_empty() {
        let next = next_step::show_node(&node.name, &context.options());
        let message = "a run needs an input: --input, --set or --image";
        return Err(Failure::usage(message).then(next));
    }
    let text = run.source.input.as_ref().map(input::read).transpose()?;
    if let (Some(text), Some(InputSource::File(path))) = (&text, &run.source.input)
        && input::has_several_documents(text)
    {
        let file = quoted(path);
        let next = format!("Run a job for each document: --batch {file} --out-dir DIR");
        return Err(input::several_documents().then(next));
    }
    let checked = check(run, context, &node, text).await?;
    let wanted = run.source.connection.as_deref();
    context.configured(&node, wanted).await?;
    plan::show_notes(checked.plan(), context.printer());
    refuse_damaged(run, &checked)?;
    for (field, picture) in checked.pictures() {
        for message in picture_notes::notes(picture) {
            context.note(&Note::of_field(field, message));
        }
    }
    Ok(checked)
}

/// The failure of `--strict` for a picture that is truncated or damaged.
pub(super) fn refuse_damaged(run: &Run, checked: &Checked) -> Result<(), Failure> {
    let mut pictures = checked.pictures().filter(|_| run.source.strict);
    let refused = pictures.find_map(|(field, picture)| picture_notes::refused(field, picture));
    refused.map_or(Ok(()), Err)
}

/// Checks an input document, after the fields of `--set` and `--image` are put into it.
pub(super) async fn check(
    run: &Run,
    context: &Context,
    node: &NodeType,
    text: Option<String>,
) -> Result<Checked, Failure> {
    let (pack, source) = (context.pack().await?, &run.source);
    let profile = source.profile.into();
    let configured = context.chosen(node, source.connection.as_deref()).await?;
    let (call, options) = check_context(configured.as_ref(), profile);
    let global = context.options();
    let text = input::completed(source, text, node, pack, (&call, options), &global).await?;
    let request = CheckRequest {
        node,
        input: &text,
        profile,
        connection: configured.as_ref(),
    };
    let checked = Checked::check(pack, &request).await;
    checked.map_err(|error| {
        let failure = of_jobs(error, &context.options());
        let failure = failure.map_violations(|violations| explained(node, &text, violations));
        match missing::options(node, failure.violations()) {
            Some(add) => {
                let fields = next_step::show_node(&node.name, &context.options());
                failure.then(format!(
                    "Add {add} and run again (nothing was sent). List the fields: {fields}"
                ))
            }
            None => failure,
        }
    })
}
