//! A request ready to be sent: its destination, URI and headers.

use std::time::Duration;

use http::{Request, Uri};

use super::authorize::RequestHead;
use super::body::Collected;
use crate::egress::client::{Reply, send_safely};
use crate::egress::destination::{Destination, RequestBody, full};
use crate::egress::error::EgressError;
use crate::egress::policy::Permit;
use crate::egress::resolver::AddressRule;
use crate::net::Origin;
use crate::trace;

/// A collected request and its destination. It is sent once, as a read or as a submit.
pub(super) struct Outgoing<'a> {
    pub(super) collected: &'a Collected<'a>,
    pub(super) destination: &'a Destination,
    /// Time limit for opening a connection.
    pub(super) connect: Duration,
    uri: Uri,
}

impl<'a> Outgoing<'a> {
    /// `None` if its URI cannot be built.
    pub(super) fn to(destination: &'a Destination, collected: &'a Collected<'a>) -> Option<Self> {
        let head = collected.head();
        Some(Self {
            collected,
            destination,
            connect: head.limits.connect.min(head.deadline.left()),
            uri: uri_of(head, destination)?,
        })
    }

    /// Sends a request that changes nothing; once more if a pooled connection is stale.
    pub(super) async fn read(self) -> Result<Reply, EgressError> {
        let head = self.collected.head();
        let (client, first_byte) = (head.egress.client(), head.limits.first_byte);
        let build = || self.request();
        send_safely(client, self.destination, build, self.connect, first_byte).await
    }

    /// The request as it is sent.
    pub(super) fn request(&self) -> Request<RequestBody> {
        let head = self.collected.head();
        let mut request = Request::new(full(self.collected.body().clone()));
        *request.method_mut() = head.parts.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = head.parts.headers.clone();
        if head.permit == Permit::Provider {
            let headers = request.headers_mut();
            trace::stamp(headers, &self.destination.origin);
            if let Some(credential) = head.connection.credential() {
                headers.insert(credential.name().clone(), credential.header_value());
            }
        }
        request
    }
}

/// The request's destination. Hosts other than the connection's may have public addresses
/// only.
pub(super) fn destination_of(head: &RequestHead<'_>) -> Option<Destination> {
    let own = head.connection.base_url().origin();
    Some(match &head.permit {
        Permit::Provider => Destination {
            origin: own.clone(),
            rule: AddressRule::of_connection(own),
        },
        Permit::Besides(url) => Destination {
            origin: Origin::of(url)?,
            rule: AddressRule::PUBLIC,
        },
    })
}

/// The request's URI with the destination's authority in normal form.
fn uri_of(head: &RequestHead<'_>, destination: &Destination) -> Option<Uri> {
    let path = head.parts.uri.path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    format!("{}{path}", destination.origin).parse().ok()
}
