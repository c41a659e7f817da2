//! The replies and their expected ends.

use super::{BODY, End};
use crate::support::raw_http::{Answer, GOOD};

/// A gzip member that holds nothing.
const EMPTY_GZIP: &[u8; 20] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0";

/// A block of deflate that is not compressed, is not the last one, and holds four zeros.
const ZEROS: &[u8; 9] = b"\0\x04\0\xfb\xff\0\0\0\0";

/// All replies: name, answer, expected end.
pub(super) fn replies() -> Vec<(&'static str, Answer, End)> {
    let mut replies = headers();
    replies.extend(early_ends());
    replies.extend(bodies());
    replies.extend(lengths());
    replies.extend(chunks());
    replies.extend(extensions());
    replies.extend(encodings());
    replies.extend(transfer_encodings());
    replies.extend(bombs());
    replies.extend(nonsense());
    replies.extend(broken_headers());
    replies
}

fn headers() -> Vec<(&'static str, Answer, End)> {
    let line = |name: &str, value: &str| format!("HTTP/1.1 200 OK\r\n{name}: {value}\r\n\r\n");
    let many = "a: b\r\n".repeat(10_000);
    vec![
        (
            "a header that never ends",
            forever("HTTP/1.1 200 OK\r\nx: ", "y"),
            End::Header,
        ),
        (
            "headers that never end",
            forever("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
            End::Header,
        ),
        (
            "a header of 10 MB",
            say(&line("x", &"y".repeat(10 << 20))),
            End::Header,
        ),
        (
            "a header's name of 10 MB",
            say(&line(&"x".repeat(10 << 20), "y")),
            End::Header,
        ),
        (
            "10,000 headers",
            say(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")),
            End::Header,
        ),
        (
            "a reason that never ends",
            forever("HTTP/1.1 200 ", "x"),
            End::Header,
        ),
    ]
}

/// Headers that do not end.
fn early_ends() -> Vec<(&'static str, Answer, End)> {
    vec![
        (
            "a header byte by byte",
            slowly("HTTP/1.1 200 OK\r\nx: ", "y"),
            End::Timeout,
        ),
        ("no byte at all", say(""), End::Timeout),
        ("the end at once", last(""), End::Terminated),
        (
            "half a header",
            last("HTTP/1.1 200 OK\r\nx: "),
            End::Terminated,
        ),
        (
            "100 Continue without end",
            forever("", "HTTP/1.1 100 Continue\r\n\r\n"),
            End::Timeout,
        ),
        (
            "early hints without end",
            forever("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
            End::Timeout,
        ),
        (
            "early hints that grow",
            forever("HTTP/1.1 103 Early Hints\r\nlink: ", "</a>"),
            End::Header,
        ),
    ]
}

fn bodies() -> Vec<(&'static str, Answer, End)> {
    let sized = |length: &str, body: &str| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let open = "HTTP/1.1 200 OK\r\n\r\n";
    let another = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    vec![
        (
            "a content-length beyond the limit",
            forever(&sized("65537", ""), "x"),
            End::Body,
        ),
        (
            "a body of exabytes",
            forever(&sized("9223372036854775807", ""), "x"),
            End::Body,
        ),
        ("a body that never ends", forever(open, "x"), End::Body),
        ("a body byte by byte", slowly(open, "x"), End::Timeout),
        (
            "a long body byte by byte",
            slowly(&sized("60000", ""), "x"),
            End::Timeout,
        ),
        ("a truncated body", last(&sized("9", GOOD)), End::Terminated),
        ("a body that stops", say(&sized("9", GOOD)), End::Timeout),
        (
            "a body longer than its content-length",
            last(&sized("4", "good and more")),
            End::Success(GOOD),
        ),
        (
            "a second reply after the body",
            say(&sized("4", &format!("good{another}"))),
            End::Success(GOOD),
        ),
        (
            "a second reply after an empty body",
            say(&sized("0", another)),
            End::Success(""),
        ),
        (
            "a reply in a header",
            say(&sized("4\r\nx: y", &format!("good\r\n\r\n{another}"))),
            End::Success(GOOD),
        ),
    ]
}

/// Lengths that contradict each other or the body.
fn lengths() -> Vec<(&'static str, Answer, End)> {
    let sized = |length: &str, body: &str| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let another = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    vec![
        (
            "two lengths",
            say(&sized("4\r\ncontent-length: 5", "good")),
            End::Protocol,
        ),
        (
            "two lengths in one",
            say(&sized("4, 5", GOOD)),
            End::Protocol,
        ),
        ("a negative length", say(&sized("-4", GOOD)), End::Protocol),
        ("a signed length", say(&sized("+4", GOOD)), End::Protocol),
        (
            "a hexadecimal length",
            say(&sized("0x4", GOOD)),
            End::Protocol,
        ),
        (
            "a content-length beyond u64",
            say(&sized("99999999999999999999", GOOD)),
            End::Protocol,
        ),
        (
            "a body where none is permitted",
            say(&format!("HTTP/1.1 204 No Content\r\n\r\n{another}")),
            End::Status(204),
        ),
        (
            "another protocol",
            say("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
            End::Status(101),
        ),
    ]
}

fn chunks() -> Vec<(&'static str, Answer, End)> {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let with = |rest: &str| format!("{head}{rest}");
    vec![
        (
            "chunks that never end",
            forever(head, "400\r\n@\r\n"),
            End::Body,
        ),
        ("chunks of one byte", forever(head, "1\r\nx\r\n"), End::Body),
        (
            "a chunk of exabytes",
            forever(&with("7fffffffffffffff\r\n"), "x"),
            End::Body,
        ),
        (
            "a chunk size beyond u64",
            forever(head, "f"),
            End::Terminated,
        ),
        ("a chunk's size of zeros", forever(head, "0"), End::Timeout),
        (
            "a chunk's size and blanks",
            forever(&with("1"), " "),
            End::Timeout,
        ),
        (
            "a chunk of negative size",
            last(&with("-1\r\nx\r\n0\r\n\r\n")),
            End::Terminated,
        ),
        (
            "a chunk of odd size",
            last(&with("0x1\r\nx\r\n0\r\n\r\n")),
            End::Terminated,
        ),
        (
            "a chunk without an end",
            last(&with("1\r\nxx\r\n0\r\n\r\n")),
            End::Terminated,
        ),
    ]
}

/// Extensions and trailers of chunks, and truncated chunks.
fn extensions() -> Vec<(&'static str, Answer, End)> {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let with = |rest: &str| format!("{head}{rest}");
    let sized = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n";
    vec![
        (
            "an extension that never ends",
            forever(&with("1;"), "x"),
            End::Terminated,
        ),
        (
            "extensions that never end",
            forever(head, "1;x=yyyyyyyyyyyyyyyy\r\nx\r\n"),
            End::Terminated,
        ),
        (
            "trailers that never end",
            forever(&with("0\r\n"), "x: y\r\n"),
            End::Terminated,
        ),
        (
            "a trailer that never ends",
            forever(&with("0\r\nx: "), "y"),
            End::Terminated,
        ),
        (
            "chunks byte by byte",
            slowly(head, "1\r\nx\r\n"),
            End::Timeout,
        ),
        ("truncated chunks", last(&with("4\r\ngo")), End::Terminated),
        (
            "a length and chunks",
            say(&format!("{sized}4\r\ngood\r\n0\r\n\r\n")),
            End::Success(GOOD),
        ),
    ]
}

fn encodings() -> Vec<(&'static str, Answer, End)> {
    let with = |header: &str| last(&format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n\u{1f}x"));
    vec![
        ("no gzip", with("content-encoding: gzip"), End::Undecodable),
        ("no brotli", with("content-encoding: br"), End::Undecodable),
        ("no zstd", with("Content-Encoding: ZSTD"), End::Undecodable),
        (
            "no gzip beside identity",
            with("content-encoding: identity, gzip"),
            End::Undecodable,
        ),
        (
            "no gzip below identity",
            with("content-encoding: identity\r\ncontent-encoding: gzip"),
            End::Undecodable,
        ),
        (
            "an unknown encoding",
            with("content-encoding: compress"),
            End::Encoded,
        ),
        (
            "an unknown encoding beside gzip",
            with("content-encoding: gzip, sdch"),
            End::Encoded,
        ),
        (
            "more than three encodings",
            with("content-encoding: gzip, gzip, gzip, gzip"),
            End::Encoded,
        ),
    ]
}

fn transfer_encodings() -> Vec<(&'static str, Answer, End)> {
    let with = |header: &str| last(&format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n\u{1f}x"));
    vec![
        (
            "gzip as transfer encoding",
            with("transfer-encoding: gzip"),
            End::Encoded,
        ),
        (
            "gzip in chunks",
            with("transfer-encoding: gzip, chunked"),
            End::Encoded,
        ),
        (
            "gzip above chunks",
            with("transfer-encoding: gzip\r\ntransfer-encoding: chunked"),
            End::Encoded,
        ),
        (
            "chunks in gzip",
            with("transfer-encoding: chunked, gzip"),
            End::Encoded,
        ),
        (
            "chunks in chunks",
            with("transfer-encoding: chunked, chunked"),
            End::Encoded,
        ),
    ]
}

fn bombs() -> Vec<(&'static str, Answer, End)> {
    vec![
        (
            "gzip of empty members that never end",
            Answer::Forever(
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n".to_vec(),
                EMPTY_GZIP.repeat(1000),
            ),
            End::Body,
        ),
        (
            "gzip of zeros that never ends",
            Answer::Forever(
                [
                    b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n",
                    &EMPTY_GZIP[..10],
                ]
                .concat(),
                ZEROS.repeat(1000),
            ),
            End::Body,
        ),
    ]
}

fn nonsense() -> Vec<(&'static str, Answer, End)> {
    vec![
        ("HTTP/0.9", last("<html>hello</html>"), End::Protocol),
        ("HTTP/3", last("HTTP/3.0 200 OK\r\n\r\n"), End::Protocol),
        (
            "HTTP/1.0 in chunks",
            last("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            End::Protocol,
        ),
        (
            "the beginning of HTTP/2",
            last("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            End::Protocol,
        ),
        (
            "the greeting of a mail server",
            last("220 mail.example ESMTP\r\n\r\n"),
            End::Protocol,
        ),
        ("a request", last("GET / HTTP/1.1\r\n\r\n"), End::Protocol),
        (
            "a status of two digits",
            last("HTTP/1.1 20 OK\r\n\r\n"),
            End::Protocol,
        ),
        (
            "a status of letters",
            last("HTTP/1.1 abc OK\r\n\r\n"),
            End::Protocol,
        ),
        (
            "a status beyond 999",
            last("HTTP/1.1 999 ?\r\n\r\n"),
            End::Status(999),
        ),
    ]
}

/// Malformed headers.
fn broken_headers() -> Vec<(&'static str, Answer, End)> {
    vec![
        (
            "a NUL in a header",
            last("HTTP/1.1 200 OK\r\nx: \0\r\n\r\n"),
            End::Protocol,
        ),
        (
            "a NUL in a name",
            last("HTTP/1.1 200 OK\r\nx\0: y\r\n\r\n"),
            End::Protocol,
        ),
        (
            "a space before the colon",
            last("HTTP/1.1 200 OK\r\ncontent-length : 4\r\n\r\ngood"),
            End::Protocol,
        ),
        (
            "a folded header",
            last("HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n"),
            End::Protocol,
        ),
        (
            "a header without a name",
            last("HTTP/1.1 200 OK\r\n: y\r\n\r\n"),
            End::Protocol,
        ),
        (
            "bytes without an end",
            forever("", "\u{16}\u{3}\u{1}"),
            End::Protocol,
        ),
    ]
}

fn say(text: &str) -> Answer {
    Answer::Say(text.into())
}

fn last(text: &str) -> Answer {
    Answer::Last(text.into())
}

/// Sends `first`, then `again` without end in large pieces; `@` stands for a kilobyte.
fn forever(first: &str, again: &str) -> Answer {
    let again = again.replace('@', &"x".repeat(1 << 10));
    let pieces = again.repeat((BODY / again.len()).max(1));
    Answer::Forever(first.into(), pieces.into())
}

fn slowly(first: &str, again: &str) -> Answer {
    Answer::Slowly(first.into(), again.into())
}
