//! The `wasi:http` hooks of the host, which run the stages of a request in order.

use std::sync::Arc;

use http::header::HeaderName;
use http::{Request, Response};
use tracing::Instrument as _;
use wasmtime_wasi_http::{Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks};

use super::body::Collected;
use super::call::GuestHttp;
use super::exchange::exchange;
use crate::egress::error::EgressError;
use crate::egress::header::is_forbidden;
use crate::trace;

/// Longest piece of a request's body that the component writes at once.
const OUTGOING_PIECE: usize = 16 << 10;

type Exchange = Box<
    dyn Future<
            Output = Result<
                (
                    Response<WasiBody>,
                    Box<dyn Future<Output = Result<(), Error>> + Send>,
                ),
                Error,
            >,
        > + Send,
>;

impl WasiHttpHooks for GuestHttp {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        let connection = self.connection.clone();
        Arc::new(move |name| is_forbidden(name, connection.as_deref()))
    }

    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name, self.connection.as_deref())
    }

    /// The component may fill the buffers of as many bodies as it may open resources, so they
    /// are small. One more piece than one waits in a body that is not read.
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        OUTGOING_PIECE
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Exchange {
        let http = self.clone();
        // The runtime polls it in another task, which has neither span nor trace.
        Box::new(
            trace::with_current_trace(async move {
                let response = http.exchange(request, options.unwrap_or_default()).await?;
                let done: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
                Ok((response, done))
            })
            .in_current_span(),
        )
    }
}

impl GuestHttp {
    async fn exchange(
        self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let is_change = !request.method().is_safe();
        match self.exchange_redacted(request, options).await {
            Ok(response) => Ok(response),
            Err(error) => {
                if is_change {
                    self.transmission.note_refused_change(&error);
                }
                self.transmission.note_reason(&error);
                Err(error.into())
            }
        }
    }

    async fn exchange_redacted(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, EgressError> {
        let (parts, body) = request.into_parts();
        let authorized = self.authorize(parts, options)?;
        let collected = Collected::of(authorized, body).await?;
        let reply = exchange(collected).await?;
        Ok(reply.redact().await?)
    }
}
