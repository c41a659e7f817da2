//! `zoetrope packs revoke`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use zoetrope_bundled_pack::DIGEST;

use super::{edit, named};
use crate::failure::Failure;
use crate::output;
use crate::setup::Setup;

/// Let a component run no longer.
///
/// Its jobs stay where they are, paid ones too, until it is allowed again.
#[derive(Args)]
pub(super) struct Revoke {
    /// An allowed pack's name or digest, which may be shortened, or its file
    #[arg(value_name = "NAME|DIGEST|FILE")]
    pack: String,
}

impl Revoke {
    pub(super) async fn run(self, setup: &Setup) -> Result<ExitCode, Failure> {
        let found = named(setup, &self.pack).await?;
        let config = setup.config().await?;
        if config.policy().grant(&found.digest).is_none() {
            let message = if found.digest == DIGEST.into() {
                "the built-in component is allowed by the build that embeds it"
            } else {
                "it is not allowed anyway"
            };
            let next = format!("zoetrope packs{}", setup.options());
            return Err(Failure::usage(message).then(next));
        }
        let place = edit::place(setup);
        edit::revoke(&place, &found.digest)?;
        if setup.json() {
            let revoked = json!({ "ok": true, "revoked": found.digest.to_string() });
            output::line(&revoked)?;
        } else {
            output::text(&format!("{}\n", found.digest))?;
        }
        eprintln!("Revoked in {}.", place.display());
        Ok(ExitCode::SUCCESS)
    }
}
