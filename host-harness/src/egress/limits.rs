//! Limits of time and size for requests and replies.

use std::time::Duration;

/// Limits of time and size for the requests of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Name resolution, connection and TLS handshake together.
    pub connect: Duration,
    /// From the request to the reply's header.
    pub first_byte: Duration,
    /// Between two pieces of the reply's body.
    pub idle: Duration,
    /// The whole exchange. Shorter than a call's wall-clock limit, so that the component still
    /// gets the error. For transfers of the host: how long a body may take in addition to its
    /// length at 32 KiB a second.
    pub total: Duration,
    /// Longest request body in bytes.
    pub request_body: u64,
    /// Longest reply header in bytes.
    pub reply_header: u64,
    /// Longest reply body in bytes, decoded, without the pictures and clips inside it.
    pub reply_body: u64,
    /// Most bytes of pictures and clips inside the replies to one call, decoded. The limit
    /// `clip_bytes` of a pack is lower by default.
    pub clip_body: u64,
    /// Bytes of requests and replies that the host holds for one call. It is more for a call
    /// whose longest reply takes more.
    pub call_bytes: u64,
    /// The same for all calls of a pack. Its oldest call may exceed it, so that one always
    /// proceeds.
    pub pack_bytes: u64,
    /// The same for all packs.
    pub process_bytes: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(15),
            total: Duration::from_secs(30),
            // Fits an input with a picture of 32 MiB in base64.
            request_body: 48 << 20,
            // Below the 128 KiB above which a component traps when it reads the header.
            reply_header: 64 << 10,
            // The known providers answer in a few kilobytes.
            reply_body: 8 << 20,
            // More than the default of a pack, so that the operator can raise that.
            clip_body: 512 << 20,
            // The longest reply of the default limits with a clip in base64 (56 MiB), and the
            // text of another one.
            call_bytes: 64 << 20,
            pack_bytes: 256 << 20,
            process_bytes: 512 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_http_limits_match_the_documentation() {
        let limits = HttpLimits::default();
        assert_eq!(limits.connect, Duration::from_secs(10));
        assert_eq!(limits.first_byte, Duration::from_secs(30));
        assert_eq!(limits.total, Duration::from_secs(30));
        assert_eq!(limits.request_body, 48 * 1024 * 1024);
        assert_eq!(limits.reply_header, 64 * 1024);
        assert_eq!(limits.reply_body, 8 * 1024 * 1024);
        assert_eq!(limits.clip_body, 512 * 1024 * 1024);
        assert_eq!(limits.call_bytes, 64 * 1024 * 1024);
        assert_eq!(limits.pack_bytes, 256 * 1024 * 1024);
        assert_eq!(limits.process_bytes, 512 * 1024 * 1024);
        assert!(limits.request_body <= limits.call_bytes);
    }
}
