//! Logs: their destination, format and filters.
//!
//! Logs go to standard error. `ZOETROPE_LOG` sets their levels in the syntax of
//! [`EnvFilter`]; without it `--quiet` and `--verbose` do; the default is `warn`. Two kinds of logs may contain secrets, so they are
//! written only if `ZOETROPE_LOG` names their target: logs of other crates below `info`, and
//! [`OUTPUT`], which components write.

use std::io::{IsTerminal as _, stderr};

use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};
use zoetrope_host::component::OUTPUT;
use zoetrope_host::trace::Caller;

use super::args::environment::{LOG, TRACEPARENT, TRACESTATE};
use super::args::{Global, LogFormat};
use super::log_writer::LogWriter;
#[cfg(feature = "otlp")]
use super::otlp::Export;
use super::output::Output;

/// The prefix of log targets of this workspace.
const OURS: &str = "zoetrope";

/// Ends with the command.
pub(super) struct Logging {
    #[cfg(feature = "otlp")]
    export: Option<Export>,
}

impl Logging {
    /// The exporter of spans, if one runs.
    #[cfg(feature = "otlp")]
    pub(super) fn export(&self) -> Option<&Export> {
        self.export.as_ref()
    }

    /// Sends the remaining spans; blocks.
    pub(super) fn end(self) {
        let Self {
            #[cfg(feature = "otlp")]
            export,
        } = self;
        #[cfg(feature = "otlp")]
        if let Some(export) = export {
            export.end();
        }
    }
}

/// Starts logging, and the export of spans if it is built in and configured.
#[cfg_attr(
    not(feature = "otlp"),
    expect(unused_variables, reason = "only the export uses the runtime")
)]
pub(super) fn start(global: &Global, output: &Output, runtime: &Handle) -> Logging {
    let format = global.log_format;
    let setting = setting(std::env::var(LOG.name).ok(), global.quiet, global.verbose);
    let (levels, fault) = levels(&setting);
    let named = Named::in_levels(&setting);
    let named_only = filter_fn(move |metadata| named.permit(metadata));
    let is_coloured = matches!(format, LogFormat::Text) && stderr().is_terminal();
    let writer = LogWriter {
        output: output.clone(),
        is_json: matches!(format, LogFormat::Json),
        is_coloured,
    };
    // Without it, a write error would be printed past the writer.
    let written = fmt::layer().with_writer(writer).log_internal_errors(false);
    let written = match format {
        LogFormat::Text => written.with_ansi(is_coloured).boxed(),
        LogFormat::Json => written.json().with_current_span(false).boxed(),
    };
    let filtered = written.with_filter(levels).with_filter(named_only);
    let logged = registry().with(filtered);
    #[cfg(not(feature = "otlp"))]
    logged.init();
    #[cfg(feature = "otlp")]
    let export = {
        let started = Export::start(runtime);
        let tracer = started
            .as_ref()
            .and_then(|export| Some(export.as_ref().ok()?.tracer()));
        let exported = tracer.map(|tracer| {
            let ours = filter_fn(|metadata| {
                metadata.target().starts_with(OURS) && *metadata.level() <= Level::DEBUG
            });
            tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_filter(ours)
        });
        logged.with(exported).init();
        match started {
            Some(Err(fault)) => {
                tracing::warn!(%fault, "spans are not exported");
                None
            }
            Some(Ok(export)) => Some(export),
            None => None,
        }
    };
    if let Some(fault) = fault {
        tracing::warn!(%fault, "{} is invalid; the log level is `warn`", LOG.name);
    }
    Logging {
        #[cfg(feature = "otlp")]
        export,
    }
}

/// The parent trace of this process, from `TRACEPARENT` and `TRACESTATE`. A malformed variable
/// is ignored with a warning.
pub(super) fn caller() -> Option<Caller> {
    let parent = std::env::var(TRACEPARENT.name).ok()?;
    let Ok(parent) = parent.parse() else {
        tracing::warn!("TRACEPARENT is malformed and is not passed on");
        return None;
    };
    let caller = Caller::at(parent);
    match std::env::var(TRACESTATE.name) {
        Err(_) => Some(caller),
        Ok(state) => Some(caller.clone().with_state(&state).unwrap_or_else(|| {
            tracing::warn!("TRACESTATE is malformed and is not passed on");
            caller
        })),
    }
}

/// The levels of the variable, else those of `--quiet` and `--verbose`; empty for the default.
fn setting(variable: Option<String>, is_quiet: bool, verbose: u8) -> String {
    let variable = variable.filter(|levels| !levels.trim().is_empty());
    variable.unwrap_or_else(|| {
        let levels = match verbose {
            0 if is_quiet => "error,rustls_platform_verifier=off",
            0 => "",
            // Each poll and each retry.
            1 => "warn,rustls_platform_verifier=off,zoetrope=info,zoetrope_host::driver=debug",
            _ => "warn,rustls_platform_verifier=off,zoetrope=debug",
        };
        levels.to_owned()
    })
}

/// The filter of `setting`; if it is invalid, the default and the error.
fn levels(setting: &str) -> (EnvFilter, Option<String>) {
    let default = || EnvFilter::new("warn,rustls_platform_verifier=off");
    if setting.trim().is_empty() {
        return (default(), None);
    }
    match EnvFilter::try_new(setting) {
        Ok(levels) => (levels, None),
        Err(fault) => (default(), Some(fault.to_string())),
    }
}

/// The targets that `ZOETROPE_LOG` names.
struct Named(Vec<String>);

impl Named {
    fn in_levels(setting: &str) -> Self {
        let directives = setting.split(',');
        // `target[span{field=value}]=level`; a directive without a target names none.
        let targets = directives.map(|one| one.split(['[', '=']).next().unwrap_or_default().trim());
        let is_target = |name: &&str| !name.is_empty() && name.parse::<LevelFilter>().is_err();
        Self(targets.filter(is_target).map(str::to_owned).collect())
    }

    fn permit(&self, metadata: &Metadata<'_>) -> bool {
        self.permits(metadata.target(), *metadata.level())
    }

    fn permits(&self, target: &str, level: Level) -> bool {
        let names = |name: &String| target.starts_with(name.as_str());
        if target.starts_with(OUTPUT) {
            self.0.iter().any(|name| name == OUTPUT)
        } else {
            target.starts_with(OURS) || level <= Level::INFO || self.0.iter().any(names)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(setting: &str, target: &str) -> bool {
        Named::in_levels(setting).permits(target, Level::TRACE)
    }

    #[test]
    fn debug_logs_of_other_crates_need_their_target_named() {
        for setting in [
            "trace",
            "",
            "debug,zoetrope_host=trace",
            "[job{id=1}]=trace",
        ] {
            assert!(permits(setting, "zoetrope_host::egress"), "{setting}");
            assert!(!permits(setting, "hyper::proto"), "{setting}");
            assert!(Named::in_levels(setting).permits("hyper::proto", Level::INFO));
        }
        for setting in [
            "hyper=trace",
            "warn, hyper::proto=debug",
            "hyper[job]=trace",
        ] {
            assert!(permits(setting, "hyper::proto"), "{setting}");
            assert!(!permits(setting, "h2::codec"), "{setting}");
        }
    }

    #[test]
    fn component_output_needs_its_target_named() {
        for setting in ["trace", "zoetrope=trace", "zoetrope_host=trace"] {
            assert!(!permits(setting, OUTPUT), "{setting}");
        }
        assert!(permits("warn,zoetrope::component=trace", OUTPUT));
    }

    #[test]
    fn variable_overrides_the_options_and_these_are_valid_levels() {
        let variable = Some("zoetrope=trace".to_owned());
        assert_eq!(setting(variable, true, 2), "zoetrope=trace");
        assert_eq!(setting(Some(" ".into()), false, 0), "");
        for (is_quiet, verbose, expected) in [
            (true, 0, "error"),
            (false, 1, "=info"),
            (false, 2, "=debug"),
        ] {
            let setting = setting(None, is_quiet, verbose);
            assert!(setting.contains(expected), "{setting}");
            assert!(levels(&setting).1.is_none(), "{setting}");
            // Neither secrets of other crates nor the output of components.
            assert!(!permits(&setting, "hyper::proto") && !permits(&setting, OUTPUT));
        }
    }

    #[test]
    fn invalid_levels_are_reported() {
        assert!(levels("").1.is_none() && levels("zoetrope=debug").1.is_none());
        assert!(levels("zoetrope=loud").1.is_some());
    }
}
