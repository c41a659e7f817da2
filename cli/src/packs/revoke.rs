//! `zoetrope packs revoke`.

use std::process::ExitCode;

use serde_json::json;
use zoetrope_bundled_pack::DIGEST;
use zoetrope_host::sanitize::escaped_path;

use super::edit::Target;
use super::find;
use crate::args::packs::Revoke;
use crate::context::Context;
use crate::report::{Failure, Phase, next_step, unwritten};

impl Revoke {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let target = Target::of(context).await?;
        let found = find(context, &self.pack).await?;
        let config = context.config().await?;
        if config.policy().grant(&found.digest).is_none() {
            let message = if found.digest == DIGEST.into() {
                "the built-in component cannot be revoked: the program itself allows it"
            } else {
                "this component is not allowed"
            };
            let next = next_step::list_packs(&context.options());
            return Err(Failure::usage(message).then(next));
        }
        target.revoke(&found.digest)?;
        let (digest, printer) = (found.digest.to_string(), context.printer());
        let written = printer.answer(&json!({ "ok": true, "revoked": digest }), &digest);
        unwritten::end(written, printer, |error| {
            let message = format!("the component {digest} is revoked, but {error}");
            Failure::internal(Phase::Setup, message)
                .of_unwritten(Vec::new())
                .then(next_step::list_packs(&context.options()))
        })?;
        printer.info(&format!("Revoked in {}.", escaped_path(target.path())));
        Ok(ExitCode::SUCCESS)
    }
}
