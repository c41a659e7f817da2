//! The environment variables that the program reads. The variable of a credential is named
//! by its connection in `zoetrope.toml`.

/// An environment variable.
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference page"))]
    pub(super) meaning: &'static str,
    /// The behaviour without it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference page"))]
    pub(super) default: &'static str,
}

/// The host library reads it.
#[cfg(test)]
const CONFIG: Variable = Variable {
    name: zoetrope_host::config::CONFIG_VARIABLE,
    meaning: "Configuration file. `--config` overrides it. See [configuration.md](configuration.md)",
    default: "`./zoetrope.toml` if it exists, which must be trusted, else the user's own",
};

pub(crate) const DATA_DIR: Variable = Variable {
    name: "ZOETROPE_DATA_DIR",
    meaning: "Directory for the ledger, results, compiled code and the practice provider. \
              `--data-dir` overrides it",
    default: "the platform's data directory",
};

pub(crate) const LOG: Variable = Variable {
    name: "ZOETROPE_LOG",
    meaning: "Log levels on standard error, in the syntax of `tracing_subscriber::EnvFilter`, \
              such as `info` or `warn,zoetrope_host=debug`. See [observability.md](observability.md)",
    default: "`warn`",
};

pub(crate) const LOG_FORMAT: Variable = Variable {
    name: "ZOETROPE_LOG_FORMAT",
    meaning: "Log format: `text` or `json`. `--log-format` overrides it",
    default: "`text`",
};

pub(crate) const TRACEPARENT: Variable = Variable {
    name: "TRACEPARENT",
    meaning: "Parent trace of the jobs of this process, as W3C Trace Context defines it",
    default: "each job starts a trace",
};

pub(crate) const TRACESTATE: Variable = Variable {
    name: "TRACESTATE",
    meaning: "Trace state that belongs to `TRACEPARENT`",
    default: "none",
};

/// The OpenTelemetry library reads more variables of this prefix.
#[cfg(any(test, feature = "otlp"))]
pub(crate) const OTLP_ENDPOINT: Variable = Variable {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    meaning: "Collector to export spans to, in a build with the feature `otlp`. Such a build also \
              reads the other `OTEL_EXPORTER_OTLP_` variables of OpenTelemetry",
    default: "no spans are exported",
};

#[cfg(any(test, feature = "otlp"))]
pub(crate) const OTLP_TRACES_ENDPOINT: Variable = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    meaning: "Collector for spans alone. Overrides `OTEL_EXPORTER_OTLP_ENDPOINT`",
    default: "`OTEL_EXPORTER_OTLP_ENDPOINT`",
};

// The host library reads the variables of proxies and certificates.

#[cfg(test)]
const HTTPS_PROXY: Variable = Variable {
    name: "HTTPS_PROXY",
    meaning: "Proxy for `https` URLs. Also `https_proxy`; `ALL_PROXY` and `all_proxy` are for both \
              schemes. See [network.md](network.md)",
    default: "no proxy",
};

#[cfg(test)]
const HTTP_PROXY: Variable = Variable {
    name: "HTTP_PROXY",
    meaning: "Proxy for `http` URLs. Also `http_proxy`",
    default: "no proxy",
};

#[cfg(test)]
const NO_PROXY: Variable = Variable {
    name: "NO_PROXY",
    meaning: "Hosts without a proxy: names with all names below them, addresses, networks as CIDR, \
              or `*`, separated by commas or blanks. Also `no_proxy`",
    default: "only this machine",
};

#[cfg(test)]
const SSL_CERT_FILE: Variable = Variable {
    name: zoetrope_host::egress::CERTIFICATES_VARIABLE,
    meaning: "PEM file with certificate authorities that are trusted besides the platform's",
    default: "the platform's authorities, and `ca_file`",
};

// `style` and clap read the variables of colours.

#[cfg(test)]
const NO_COLOR: Variable = Variable {
    name: "NO_COLOR",
    meaning: "No colours, if it is not empty. `--color` overrides it. `CLICOLOR=0` and `TERM=dumb` do \
              the same",
    default: "colours on a terminal",
};

#[cfg(test)]
const CLICOLOR_FORCE: Variable = Variable {
    name: "CLICOLOR_FORCE",
    meaning: "Colours without a terminal too, unless it is empty or `0`. `--color` and `NO_COLOR` override it",
    default: "colours on a terminal",
};

/// All variables, for the reference page.
#[cfg(test)]
pub(super) const ALL: [Variable; 14] = [
    CONFIG,
    DATA_DIR,
    LOG,
    LOG_FORMAT,
    TRACEPARENT,
    TRACESTATE,
    HTTPS_PROXY,
    HTTP_PROXY,
    NO_PROXY,
    SSL_CERT_FILE,
    NO_COLOR,
    CLICOLOR_FORCE,
    OTLP_ENDPOINT,
    OTLP_TRACES_ENDPOINT,
];
