//! `zoetrope packs revoke`.

use std::process::ExitCode;

use serde_json::json;
use zoetrope_bundled_pack::DIGEST;

use super::{edit, named};
use crate::args::packs::Revoke;
use crate::context::Context;
use crate::report::Failure;

impl Revoke {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let found = named(context, &self.pack).await?;
        let config = context.config().await?;
        if config.policy().grant(&found.digest).is_none() {
            let message = if found.digest == DIGEST.into() {
                "the built-in component is allowed by the build that embeds it"
            } else {
                "it is not allowed anyway"
            };
            let next = format!("zoetrope packs{}", context.options());
            return Err(Failure::usage(message).then(next));
        }
        let place = edit::place(context);
        edit::revoke(&place, &found.digest)?;
        let (digest, printer) = (found.digest.to_string(), context.printer());
        printer.answer(&json!({ "ok": true, "revoked": digest }), &digest)?;
        printer.message(&format!("Revoked in {}.", place.display()));
        Ok(ExitCode::SUCCESS)
    }
}
