//! How long and how much, for what leaves and what comes back.

use std::time::Duration;

/// How long and how much, for requests that a component makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Name, connection and TLS handshake together.
    pub connect: Duration,
    /// From the request to the reply's header.
    pub first_byte: Duration,
    /// Between two pieces of the reply's body.
    pub idle: Duration,
    /// The whole exchange. Shorter than a call's wall-clock limit, so that the
    /// component still learns of it. For what the host itself fetches: how long a body
    /// may take beyond what 32 KiB a second allow for it.
    pub total: Duration,
    /// Longest request body in bytes.
    pub request_body: u64,
    /// Longest reply header in bytes.
    pub reply_header: u64,
    /// Longest reply body in bytes.
    pub reply_body: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(15),
            total: Duration::from_secs(30),
            // An input with a picture of 32 MiB in base64.
            request_body: 48 << 20,
            // Less than a component may hold (128 KiB), or its reading would trap.
            reply_header: 64 << 10,
            // Every protocol here answers in a few kilobytes.
            reply_body: 8 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_documentation_says() {
        let limits = HttpLimits::default();
        assert_eq!(limits.connect, Duration::from_secs(10));
        assert_eq!(limits.first_byte, Duration::from_secs(30));
        assert_eq!(limits.total, Duration::from_secs(30));
        assert_eq!(limits.request_body, 48 * 1024 * 1024);
        assert_eq!(limits.reply_header, 64 * 1024);
        assert_eq!(limits.reply_body, 8 * 1024 * 1024);
    }
}
