//! Exports spans as OTLP over HTTP, in JSON, to the collector of the standard variables, such
//! as `OTEL_EXPORTER_OTLP_ENDPOINT`. Without a collector nothing is exported. Logging starts
//! before the configuration is read, so the exporter gets its egress afterwards.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tokio::runtime::Handle;
use zoetrope_host::egress::Egress;

use super::args::environment::{OTLP_ENDPOINT, OTLP_TRACES_ENDPOINT};

/// A running exporter.
pub(super) struct Export {
    provider: SdkTracerProvider,
    egress: Arc<OnceLock<Egress>>,
}

impl Export {
    /// Starts, if the environment names a collector.
    pub(super) fn start(runtime: &Handle) -> Option<Result<Self, String>> {
        let collectors = [OTLP_TRACES_ENDPOINT, OTLP_ENDPOINT];
        collectors
            .iter()
            .find_map(|variable| std::env::var_os(variable.name))?;
        let egress = Arc::<OnceLock<Egress>>::default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_http_client(Client {
                egress: Arc::clone(&egress),
                runtime: runtime.clone(),
            })
            .build();
        Some(exporter.map_err(|error| error.to_string()).map(|exporter| {
            let name = Resource::builder().with_service_name("zoetrope").build();
            let provider = SdkTracerProvider::builder()
                .with_batch_exporter(exporter)
                .with_resource(name);
            Self {
                provider: provider.build(),
                egress,
            }
        }))
    }

    /// Sends spans through `egress` from now on. Without it, none are sent.
    pub(super) fn send_through(&self, egress: &Egress) {
        self.egress.get_or_init(|| egress.clone());
    }

    pub(super) fn tracer(&self) -> Tracer {
        self.provider.tracer("zoetrope")
    }

    /// Sends the remaining spans.
    pub(super) fn end(self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "not all spans were exported");
        }
    }
}

/// Sends requests from a thread outside the runtime.
struct Client {
    egress: Arc<OnceLock<Egress>>,
    runtime: Handle,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl HttpClient for Client {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: http::Request<Bytes>,
    ) -> futures::future::BoxFuture<'b, Result<http::Response<Bytes>, HttpError>>
    where
        'a: 'b,
        Self: 'b,
    {
        let Some(egress) = self.egress.get().cloned() else {
            let fault = "the network settings are not known";
            return Box::pin(async move { Err(fault.into()) });
        };
        let sent = self
            .runtime
            .spawn(async move { egress.export(request).await });
        Box::pin(async move { Ok(sent.await??) })
    }
}
