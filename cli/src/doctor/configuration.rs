//! The configuration file in use, and whether it is trusted.

use zoetrope_host::config::{Located, Place};
use zoetrope_host::error::chain;
use zoetrope_host::sanitize::escaped_path;

use super::check::Check;
use crate::context::Context;
use crate::shell::quoted;

const NAME: &str = "configuration";

pub(super) async fn check(context: &Context) -> Check {
    let located = match context.configuration().located().await {
        Ok(located) => located,
        Err(failure) => return Check::of_failure(NAME, &failure),
    };
    match located {
        Located::Nothing => {
            let text = "none: the practice provider serves every run";
            Check::ok(NAME, text).with("path", None::<String>)
        }
        Located::NotTrusted { path, why } => {
            let (shown, file) = (escaped_path(path), quoted(path));
            let text = format!("`{shown}` is not used: {}", chain(why));
            let next = format!("Show what it does: zoetrope trust --show {file}");
            Check::warning(NAME, text, next)
                .with("path", shown)
                .with("trusted", false)
        }
        Located::File { place, file } => {
            let shown = escaped_path(file.path());
            let trust = match place {
                Place::WorkingDirectory => "of the working directory, trusted",
                Place::User => "the user's own",
                Place::Option => "named by --config",
                Place::Variable => "named by ZOETROPE_CONFIG",
            };
            let check = match context.config().await {
                Ok(_) => Check::ok(NAME, format!("`{shown}`, {trust}")),
                Err(failure) => Check::of_failure(NAME, &failure),
            };
            check
                .with("path", shown)
                .with("place", place.as_str())
                .with("trusted", true)
        }
    }
}
