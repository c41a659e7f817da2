//! The first stage: checks by its head whether a request may be sent.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::HeaderMap;
use http::{Method, request};
use wasmtime_wasi_http::RequestOptions;

use super::call::{GuestHttp, Sends};
use crate::awake::Deadline;
use crate::connections::OpenConnection;
use crate::egress::broker::Egress;
use crate::egress::error::{Denial, NotSent};
use crate::egress::header::{self, length_of};
use crate::egress::limits::HttpLimits;
use crate::egress::policy::{self, Permit};
use crate::egress::request_count::count;
use crate::egress::{routes, spans};
use crate::policy::{Bounds, PackLimit};

/// A permitted request whose body has not been read. Only [`GuestHttp::authorize`] makes one.
pub(super) struct Authorized<'a>(RequestHead<'a>);

/// A request's head, its call and its limits.
pub(super) struct RequestHead<'a> {
    pub(super) call: &'a GuestHttp,
    pub(super) egress: &'a Egress,
    pub(super) connection: &'a OpenConnection,
    pub(super) permit: Permit,
    pub(super) parts: request::Parts,
    pub(super) limits: HttpLimits,
    /// When the reply must be complete.
    pub(super) deadline: Deadline,
}

impl<'a> Authorized<'a> {
    pub(super) fn head(&self) -> &RequestHead<'a> {
        &self.0
    }
}

impl GuestHttp {
    /// Checks a request by its head, and counts it.
    pub(super) fn authorize(
        &self,
        parts: request::Parts,
        options: RequestOptions,
    ) -> Result<Authorized<'_>, NotSent> {
        let (egress, connection) = self.check_call(&parts.method).map_err(refused)?;
        let permissions = self.quota.permissions();
        let limits = bounded(egress.limits(), permissions.bounds(), self.total_timeout);
        let deadline = Deadline::after(limits.total);
        let permit = policy::permitted_to(
            permissions,
            connection.base_url(),
            &parts.method,
            &parts.uri,
        )
        .map_err(refused)?;
        header::check(&parts.headers, connection).map_err(refused)?;
        if !parts.method.is_safe() {
            let (method, path) = (&parts.method, parts.uri.path());
            let submit_path = self.submit_path.as_deref();
            match self.sends {
                Sends::OneChange => {
                    routes::cancel(permissions, connection, &permit, method, path, submit_path)
                }
                Sends::Reads => {
                    routes::read(permissions, connection, &permit, method, path, submit_path)
                }
                Sends::OneSubmit | Sends::Nothing => Ok(()),
            }
            .map_err(refused)?;
        }
        self.count(&parts.headers)?;
        Ok(Authorized(RequestHead {
            call: self,
            egress,
            connection,
            permit,
            parts,
            limits: shortened(limits, options),
            deadline,
        }))
    }

    /// The egress and connection of the request, if the call may send one of this method.
    fn check_call(&self, method: &Method) -> Result<(&Egress, &OpenConnection), Denial> {
        if self.sends == Sends::Nothing {
            return Err(Denial::CallSendsNothing);
        }
        let (Some(egress), Some(connection)) = (&self.egress, &self.connection) else {
            return Err(Denial::NoConnection);
        };
        if !method.is_safe() {
            if self.sends == Sends::Reads {
                let permissions = self.quota.permissions();
                permissions.unsafe_read(method)?;
                if self.is_unsubmitted && !permissions.is_trusted() {
                    return Err(Denial::NoSubmit);
                }
            }
            if self.changes_once() && self.transmission.is_claimed() {
                return Err(Denial::SecondSubmit);
            }
        }
        Ok((egress, connection))
    }

    /// Counts the request, and denies it beyond the pack's limits.
    fn count(&self, headers: &HeaderMap) -> Result<(), NotSent> {
        let permissions = self.quota.permissions();
        let most = permissions.bounds().of_one(PackLimit::RequestsPerCall);
        if self.request_count.fetch_add(1, Ordering::Relaxed) >= most {
            let missing = permissions.beyond(PackLimit::RequestsPerCall);
            return Err(refused(missing.into()));
        }
        count(&self.quota, length_of(headers))
    }
}

/// The lower of the host's and the pack's limits.
fn bounded(limits: &HttpLimits, bounds: &Bounds, total_timeout: Duration) -> HttpLimits {
    HttpLimits {
        total: limits.total.min(total_timeout),
        request_body: limits
            .request_body
            .min(bounds.of_one(PackLimit::RequestBytes)),
        reply_header: limits
            .reply_header
            .min(bounds.of_one(PackLimit::HeaderBytes)),
        reply_body: limits.reply_body.min(bounds.of_one(PackLimit::ReplyBytes)),
        clip_body: limits.clip_body.min(bounds.of_one(PackLimit::ClipBytes)),
        ..*limits
    }
}

/// The limits with the component's timeouts, where these are shorter.
fn shortened(limits: HttpLimits, options: RequestOptions) -> HttpLimits {
    let shorter = |limit: Duration, asked: Option<Duration>| asked.unwrap_or(limit).min(limit);
    HttpLimits {
        connect: shorter(limits.connect, options.connect_timeout),
        first_byte: shorter(limits.first_byte, options.first_byte_timeout),
        idle: shorter(limits.idle, options.between_bytes_timeout),
        ..limits
    }
}

fn refused(denial: Denial) -> NotSent {
    spans::denied(&denial);
    NotSent::denied(denial)
}
