//! Exports spans to the collector that the operator has configured.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, Response, Uri};
use url::Url;

use super::broker::Egress;
use super::client::Reuse;
use super::destination::{Destination, full};
use super::error::{Denial, EgressError, NotSent};
use super::resolver::AddressRule;
use crate::net::Origin;

impl Egress {
    /// Sends `request`, whose URI is absolute, to the collector that the operator has
    /// configured, at the addresses that a connection to it may have. Creates no span, so
    /// that an export does not cause another one.
    ///
    /// # Errors
    ///
    /// When it could not be sent, or has no complete reply.
    pub async fn export(&self, request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        let limits = self.limits();
        let (mut parts, body) = request.into_parts();
        let origin = origin(&parts.uri).ok_or(NotSent::denied(Denial::Url))?;
        parts.headers.insert(CONTENT_LENGTH, body.len().into());
        let destination = Destination {
            rule: AddressRule::of_connection(&origin),
            origin,
        };
        let channel = self
            .client()
            .open(&destination, Reuse::Pooled, limits.connect)
            .await?;
        let request = Request::from_parts(parts, full(body));
        let reply = channel.send(request, limits.first_byte).await?;
        let (parts, body) = reply.collect(limits.reply_body, limits.idle).await?;
        Ok(Response::from_parts(parts, body.freeze()))
    }
}

fn origin(uri: &Uri) -> Option<Origin> {
    Origin::of(&Url::parse(&uri.to_string()).ok()?)
}
