//! The environment variables that the program reads. A credential may come from a further
//! one, which its connection in `zoetrope.toml` names.

/// An environment variable.
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference page"))]
    pub(super) meaning: &'static str,
    /// What holds where it is not set.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference page"))]
    pub(super) default: &'static str,
}

/// Read by the host library.
#[cfg(test)]
const CONFIG: Variable = Variable {
    name: zoetrope_host::config::CONFIG_VARIABLE,
    meaning: "Configuration file. The option `--config` comes first",
    default: "`./zoetrope.toml` if it exists, else no configuration",
};

pub(crate) const DATA_DIR: Variable = Variable {
    name: "ZOETROPE_DATA_DIR",
    meaning: "Folder for the ledger, results, compiled code and the practice provider. \
              The option `--data-dir` comes first",
    default: "the platform's data folder",
};

pub(crate) const LOG: Variable = Variable {
    name: "ZOETROPE_LOG",
    meaning: "How much is logged to standard error, as `tracing_subscriber::EnvFilter` reads it, \
              such as `info` or `warn,zoetrope_host=debug`. See [observability.md](observability.md)",
    default: "`warn`",
};

pub(crate) const LOG_FORMAT: Variable = Variable {
    name: "ZOETROPE_LOG_FORMAT",
    meaning: "Form of the logs: `text` or `json`. The option `--log-format` comes first",
    default: "`text`",
};

pub(crate) const TRACEPARENT: Variable = Variable {
    name: "TRACEPARENT",
    meaning: "Trace that the jobs of this process belong to, as W3C Trace Context defines it",
    default: "each job begins a trace",
};

pub(crate) const TRACESTATE: Variable = Variable {
    name: "TRACESTATE",
    meaning: "State that is passed on with `TRACEPARENT`",
    default: "none",
};

/// The OpenTelemetry library reads more variables of this prefix.
#[cfg(any(test, feature = "otlp"))]
pub(crate) const OTLP_ENDPOINT: Variable = Variable {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    meaning: "Collector that spans are exported to, in a build with the feature `otlp`, which also \
              reads the other `OTEL_EXPORTER_OTLP_` variables of OpenTelemetry",
    default: "no spans are exported",
};

#[cfg(any(test, feature = "otlp"))]
pub(crate) const OTLP_TRACES_ENDPOINT: Variable = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    meaning: "The same for spans alone. It comes before `OTEL_EXPORTER_OTLP_ENDPOINT`",
    default: "`OTEL_EXPORTER_OTLP_ENDPOINT`",
};

/// All of them, for the reference page.
#[cfg(test)]
pub(super) const ALL: [Variable; 8] = [
    CONFIG,
    DATA_DIR,
    LOG,
    LOG_FORMAT,
    TRACEPARENT,
    TRACESTATE,
    OTLP_ENDPOINT,
    OTLP_TRACES_ENDPOINT,
];
