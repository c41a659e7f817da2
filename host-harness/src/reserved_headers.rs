//! Names of headers that a component must not set, and that must not carry a credential.
//!
//! One list decides for credentials (in the configuration, in options, in manifests and grants) and
//! for the requests of components. Servers that pass headers on as variables do not distinguish `-`
//! from `_` and other punctuation, so all of it counts as `-` here.

use std::borrow::Cow;

/// Headers of a single connection, of the sender's identity, of tracing and of the request's
/// method and address.
const RESERVED: [&str; 28] = [
    // Of a single connection, or about the transfer of the body.
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    // About the sender and its way.
    "client-ip",
    "cookie",
    "cookie2",
    "forwarded",
    "from",
    "origin",
    "referer",
    "referrer",
    "set-cookie",
    "set-cookie2",
    "true-client-ip",
    "user-agent",
    "via",
    "x-client-ip",
    "x-real-ip",
    // About the address.
    "host",
    "x-host",
    // Of traces.
    "traceparent",
    "tracestate",
];

/// The beginnings of further such names.
const RESERVED_BEGINNINGS: [&str; 8] = [
    "content-",
    "proxy-",
    "sec-",
    "x-forwarded",
    "x-http-method",
    "x-method",
    "x-original-",
    "x-rewrite-",
];

/// What the names of headers end with that servers take as the request's method.
const METHOD_OVERRIDE: &str = "method-override";

/// Headers that components may set, and that servers log, cache by, or send back.
const SHOWN: [&str; 31] = [
    "age",
    "allow",
    "alt-svc",
    "alt-used",
    "b3",
    "baggage",
    "cache-control",
    "correlation-id",
    "date",
    "dnt",
    "early-data",
    "etag",
    "expires",
    "idempotency-key",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "pragma",
    "prefer",
    "priority",
    "range",
    "request-id",
    "retry-after",
    "server",
    "vary",
    "warning",
    "x-correlation-id",
    "x-idempotency-key",
    "x-request-id",
    "x-requested-with",
];

/// The beginnings of further such names.
const SHOWN_BEGINNINGS: [&str; 6] = [
    "accept",
    "access-control-",
    "if-",
    "x-amzn-trace",
    "x-b3-",
    "x-cloud-trace",
];

/// Whether only the host sets a header of this name, in requests to a provider as elsewhere.
/// `content-type`, and `content-length` where it agrees with the body, are the component's.
pub(crate) fn is_reserved(name: &str) -> bool {
    let is_own = ["content-type", "content-length"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own));
    let name = comparable(name);
    !is_own && (is_authorization(&name) || is_unfit(&name))
}

/// Whether a header of this name must not carry a credential: it has another meaning, or servers
/// log it, pass it on or send it back.
pub(crate) fn is_unfit_for_credentials(name: &str) -> bool {
    let name = comparable(name);
    is_unfit(&name)
        || SHOWN.contains(&&*name)
        || SHOWN_BEGINNINGS.iter().any(|start| name.starts_with(start))
}

/// A regular expression, as JSON Schema has them, of the names that must not carry a credential.
#[must_use]
pub fn unfit_header_pattern() -> String {
    let begins = RESERVED_BEGINNINGS.iter().chain(&SHOWN_BEGINNINGS);
    let begins = begins.map(|start| format!("{}.*", notations(start)));
    let whole = RESERVED.iter().chain(&SHOWN).map(|name| notations(name));
    let ends = std::iter::once(format!(".*{}", notations(METHOD_OVERRIDE)));
    let all: Vec<_> = whole.chain(begins).chain(ends).collect();
    format!("^({})$", all.join("|"))
}

/// The names that are compared as this one.
fn notations(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter {
        '-' => "[^0-9A-Za-z]".to_owned(),
        digit if digit.is_ascii_digit() => digit.to_string(),
        letter => format!("[{}{letter}]", letter.to_ascii_uppercase()),
    });
    letters.collect()
}

/// Whether servers may take two names as the same header.
pub(crate) fn is_same_header(one: &str, other: &str) -> bool {
    comparable(one) == comparable(other)
}

fn is_authorization(name: &str) -> bool {
    name == "authorization"
}

fn is_unfit(name: &str) -> bool {
    RESERVED.contains(&name)
        || RESERVED_BEGINNINGS
            .iter()
            .any(|start| name.starts_with(start))
        || name.ends_with(METHOD_OVERRIDE)
}

/// The name as it is compared: in lower case, with every other character as `-`.
fn comparable(name: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.bytes().all(is_plain) {
        return name.into();
    }
    let letters = name.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    letters.collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that neither a component sets nor a credential has.
    const FOR_THE_HOST: [&str; 38] = [
        "te",
        "expect",
        "referer",
        "traceparent",
        "tracestate",
        "connection",
        "keep-alive",
        "proxy-authorization",
        "proxy-authenticate",
        "proxy-connection",
        "proxy-anything",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
        "content-encoding",
        "content-disposition",
        "content-location",
        "content-anything",
        "host",
        "user-agent",
        "cookie",
        "set-cookie",
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-anything",
        "x-real-ip",
        "x-original-url",
        "x-original-host",
        "x-rewrite-url",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "origin",
        "x-host",
    ];

    /// The name in several notations that a server may read as the same.
    fn written(name: &str) -> [String; 5] {
        [
            name.into(),
            name.to_uppercase(),
            name.replace('-', "_"),
            name.to_uppercase().replace('-', "_"),
            name.replacen('-', ".", 1),
        ]
    }

    #[test]
    fn host_headers_are_refused_in_every_notation() {
        for name in FOR_THE_HOST.iter().flat_map(|name| written(name)) {
            assert!(is_reserved(&name), "{name}");
            assert!(is_unfit_for_credentials(&name), "{name}");
        }
    }

    #[test]
    fn content_type_and_length_are_the_components_and_carry_no_credential() {
        for (name, is_own) in [
            ("content-type", true),
            ("Content-Type", true),
            ("content-length", true),
            ("content_type", false),
            ("CONTENT_LENGTH", false),
        ] {
            assert_eq!(is_reserved(name), !is_own, "{name}");
            assert!(is_unfit_for_credentials(name), "{name}");
        }
    }

    #[test]
    fn credential_is_refused_where_servers_show_a_header() {
        for name in [
            "accept",
            "accept-language",
            "Accept_Encoding",
            "range",
            "date",
            "if-none-match",
            "access-control-request-headers",
            "x-request-id",
            "Idempotency-Key",
            "idempotency_key",
            "cache-control",
            "baggage",
        ] {
            assert!(is_unfit_for_credentials(name), "{name}");
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn usual_headers_of_credentials_are_permitted() {
        for name in [
            "authorization",
            "Authorization",
            "x-api-key",
            "X_Api_Key",
            "api-key",
            "x-goog-api-key",
            "x-auth-token",
            "x-token",
            "xi-api-key",
        ] {
            assert!(!is_unfit_for_credentials(name), "{name}");
        }
        assert!(is_reserved("authorization") && is_reserved("AUTHORIZATION"));
        assert!(!is_reserved("x-api-key"));
    }

    #[test]
    fn punctuation_and_case_do_not_distinguish_headers() {
        assert!(is_same_header("x_api_key", "X-Api-Key"));
        assert!(is_same_header("x.api!key", "x-api-key"));
        assert!(!is_same_header("x-api-key", "x-api-keys"));
    }
}
