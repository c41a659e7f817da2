//! A request that can cost money: it is claimed, permitted by the submit hook, recorded and sent
//! once.

use http::header::RETRY_AFTER;
use sha2::{Digest as _, Sha256};

use super::body::Collected;
use super::call::Sends;
use super::outgoing::Outgoing;
use crate::digest::Sha256Digest;
use crate::egress::client::{Channel, Reply, Reuse};
use crate::egress::error::{Denial, EgressError, NotSent};
use crate::egress::policy::Permit;
use crate::egress::submit_hook::{Decision, Submission};
use crate::egress::transmission::SubmitReply;

impl Outgoing<'_> {
    /// Sends a request that changes something.
    pub(super) async fn submit(self) -> Result<Reply, EgressError> {
        let head = self.collected.head();
        let transmission = &head.call.transmission;
        // Of requests that run at the same time one passes, in one step with the check.
        let is_the_one = head.call.changes_once();
        if is_the_one {
            transmission.claim()?;
        }
        let is_repeated = call_submit_hook(self.collected).await?;
        // A submit that is lost on a stale connection can be repeated if its idempotency key is
        // where the provider looks for it. Any other takes a fresh connection, since its outcome
        // would stay unknown.
        let reuse = if is_repeated && head.connection.connection().idempotency().is_some() {
            Reuse::Recent
        } else {
            Reuse::Fresh
        };
        let client = head.egress.client();
        let channel = client.open(self.destination, reuse, self.connect).await?;
        let mut reply = self.send(channel).await?;
        if reply.is_expectation_failed() {
            // The same submit once more: the server has none of its body.
            tracing::debug!("the server takes no `Expect`; the request is repeated without it");
            drop(reply);
            if is_the_one {
                transmission.take_back();
            }
            let channel = client.open(self.destination, Reuse::Fresh, self.connect);
            reply = self.send(channel.await?.without_asking()).await?;
        }
        if is_the_one {
            transmission.note_reply(SubmitReply {
                status: reply.parts.status.as_u16(),
                retry_after: reply.parts.headers.contains_key(RETRY_AFTER),
            });
        }
        Ok(reply)
    }

    /// Sends the request, and records that bytes of it are sent.
    async fn send(&self, channel: Channel<'_>) -> Result<Reply, EgressError> {
        let head = self.collected.head();
        let transmission = &head.call.transmission;
        transmission.leave()?;
        let sent = channel.send(self.request(), head.limits.first_byte).await;
        if head.call.changes_once() && matches!(sent, Err(EgressError::NotSent(_))) {
            transmission.take_back();
        }
        sent
    }
}

/// Calls the submit hook, if the request is the one submit of a `start` or the one change of a
/// `cancel`; returns whether the request is repeated after a lost reply.
async fn call_submit_hook(request: &Collected<'_>) -> Result<bool, NotSent> {
    let head = request.head();
    match &head.call.submit_hook {
        Some(submit_hook) if matches!(head.call.sends, Sends::OneSubmit | Sends::OneChange) => {
            let submission = Submission {
                digest: digest_of(request),
                parts: &head.parts,
                body: request.body(),
            };
            match submit_hook.before_submit(submission).await {
                Decision::Send { is_keyed } => Ok(is_keyed),
                Decision::Refuse => Err(NotSent::denied(Denial::HeldBack)),
            }
        }
        // The driver repeats a poll.
        _ => Ok(head.call.sends == Sends::Reads),
    }
}

/// The digest by which a resubmission is compared. Every part is preceded by its length, so
/// that different requests have different digests.
fn digest_of(request: &Collected<'_>) -> Sha256Digest {
    let (head, body) = (request.head(), request.body());
    let parts = &head.parts;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    headers.sort_unstable();
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    add(parts.method.as_str().as_bytes());
    // The provider's own origin may change, as a practice provider's port does.
    if let Permit::Besides(url) = &head.permit {
        add(url.authority().as_bytes());
    }
    add(path.as_bytes());
    for (name, value) in headers {
        add(name.as_bytes());
        add(value);
    }
    add(body);
    digest.finalize().into()
}
