use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::egress::testing::Seen;

pub(super) const KIB: usize = 1 << 10;

/// Pseudorandom numbers, the same in every run.
struct Drawn(AtomicU64);

impl Drawn {
    fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn below(&self, end: usize) -> usize {
        let next = |seed: u64| seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let seed = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seed| {
                Some(next(seed))
            });
        let drawn = next(seed.expect("a number")) >> 33;
        usize::try_from(drawn).expect("31 bits") % end
    }
}

/// A clip that is long enough to be resumed.
pub(super) fn long(seed: u64) -> Vec<u8> {
    let drawn = Drawn::seeded(seed);
    let mut clip = clip();
    clip.resize_with(300 * KIB + 123, || {
        drawn.below(256).try_into().expect("a byte")
    });
    clip
}

fn first_wanted(request: &Seen) -> Option<usize> {
    let range = request
        .head
        .lines()
        .find_map(|line| line.strip_prefix("range: bytes="));
    range.map(|range| {
        range
            .strip_suffix('-')
            .expect("to the end")
            .parse()
            .expect("a number")
    })
}

pub(super) fn part_reply(clip: &[u8], first: usize) -> Vec<u8> {
    let range = format!(
        "content-range: bytes {first}-{}/{}\r\n",
        clip.len() - 1,
        clip.len()
    );
    reply("206 Partial Content", &range, &clip[first..])
}

/// Answers as a file server does.
fn served(clip: &[u8], request: &Seen) -> Vec<u8> {
    match first_wanted(request) {
        None => reply("200 OK", "", clip),
        Some(first) if first >= clip.len() => {
            let range = format!("content-range: bytes */{}\r\n", clip.len());
            reply("416 Range Not Satisfiable", &range, b"")
        }
        Some(first) => part_reply(clip, first),
    }
}

fn server_of(clip: Vec<u8>) -> impl Iterator<Item = Act> {
    let answer = Act::Answer(Arc::new(move |request| Act::Reply(served(&clip, request))));
    std::iter::repeat_n(answer, 100)
}

impl Case {
    /// A server, and the unfinished file of an earlier download.
    pub(super) async fn begun(left: &[u8], acts: impl IntoIterator<Item = Act>) -> Self {
        let case = Self::of(acts).await;
        std::fs::write(case.part(), left).expect("write");
        case
    }

    /// Fetches, and checks that the file is the complete clip.
    pub(super) async fn makes(&self, clip: &[u8]) -> Vec<Received> {
        let (fetched, seen) = self.run(Wish::default()).await.expect("fetched");
        assert!(self.left().as_deref() == Some(clip), "other bytes");
        assert_eq!(fetched.sha256, sha256(clip));
        assert_eq!(fetched.bytes, clip.len() as u64);
        assert_eq!(fetched.media_type, "video/mp4");
        seen
    }

    /// The first byte that each request asked for.
    pub(super) fn asked(&self) -> Vec<Option<usize>> {
        self.server.seen().iter().map(first_wanted).collect()
    }
}

#[tokio::test]
async fn interrupted_download_is_resumed() {
    let clip = long(1);
    let case = Case::begun(&clip[..200 * KIB], server_of(clip.clone())).await;
    let seen = case.makes(&clip).await;
    assert_eq!(case.asked(), [Some(136 * KIB)]);
    assert!(
        seen.iter()
            .all(|received| received.bytes >= 200 * KIB as u64)
    );
    let whole = clip.len() as u64;
    assert!(seen.iter().all(|received| received.total == Some(whole)));
    assert_eq!(seen.last().map(|received| received.bytes), Some(whole));
}

#[tokio::test]
async fn complete_part_is_only_compared() {
    let clip = long(1);
    let case = Case::begun(&clip, server_of(clip.clone())).await;
    case.makes(&clip).await;
    assert_eq!(case.asked(), [Some(clip.len() - 64 * KIB)]);
}

#[tokio::test]
async fn part_of_64_kib_or_less_is_restarted() {
    let clip = long(1);
    for left in [0, 1, 64 * KIB] {
        let case = Case::begun(&long(2)[..left], server_of(clip.clone())).await;
        case.makes(&clip).await;
        assert_eq!(case.asked(), [None]);
    }
}

#[tokio::test]
async fn part_with_other_bytes_is_restarted() {
    let (clip, other) = (long(1), long(2));
    let shorter = &clip[..150 * KIB];
    let mut longer = clip.clone();
    longer.extend_from_slice(&other);
    // Another clip; one that is too long to be the beginning of it; one that differs
    // in the last byte.
    let mut last = clip[..200 * KIB].to_vec();
    *last.last_mut().expect("a byte") ^= 1;
    for (left, clip, first) in [
        (&other[..200 * KIB], &clip[..], 136 * KIB),
        (&clip[..200 * KIB], shorter, 136 * KIB),
        (&longer[..], &clip[..], longer.len() - 64 * KIB),
        (&last[..], &clip[..], 136 * KIB),
    ] {
        let case = Case::begun(left, server_of(clip.to_vec())).await;
        case.makes(clip).await;
        assert_eq!(case.asked(), [Some(first), None]);
    }
}

#[tokio::test]
async fn reply_without_a_range_restarts_the_part_without_a_second_request() {
    let clip = long(1);
    let case = Case::begun(&clip[..200 * KIB], [ok(&clip)]).await;
    case.makes(&clip).await;
    assert_eq!(case.asked(), [Some(136 * KIB)]);
}

#[tokio::test]
async fn reply_with_another_range_restarts_the_part() {
    let clip = long(1);
    let nameless = reply("206 Partial Content", "", &clip[136 * KIB..]);
    for odd in [part_reply(&clip, 200 * KIB), part_reply(&clip, 0), nameless] {
        let case = Case::begun(&clip[..200 * KIB], [Act::Reply(odd), ok(&clip)]).await;
        case.makes(&clip).await;
        assert_eq!(case.asked(), [Some(136 * KIB), None]);
    }
}

#[tokio::test]
async fn download_restarts_only_once() {
    let clip = long(1);
    let refused = || Act::Reply(reply("416 Range Not Satisfiable", "", b""));
    let case = Case::begun(&clip[..200 * KIB], [refused(), refused(), ok(&clip)]).await;
    let outcome = case.run(Wish::default()).await;
    assert!(
        matches!(
            outcome,
            Err(DownloadError::Fetch(FetchError::Status { status: 416, .. }))
        ),
        "{outcome:?}"
    );
    assert_eq!(case.asked(), [Some(136 * KIB), None]);
    assert!(case.left().as_deref() == Some(&clip[..200 * KIB]));
}

#[tokio::test]
async fn part_is_kept_when_the_server_answers_503() {
    let clip = long(1);
    for left in [100, 200 * KIB] {
        let away = Act::Reply(reply("503 Service Unavailable", "", b""));
        let case = Case::begun(&clip[..left], [away]).await;
        assert!(case.run(Wish::default()).await.is_err());
        assert!(case.left().as_deref() == Some(&clip[..left]));
    }
}

#[tokio::test]
async fn reply_of_another_length_than_its_range_is_an_error_and_keeps_the_part() {
    let clip = long(1);
    let head = format!(
        "content-range: bytes {}-{}/{}\r\n",
        136 * KIB,
        clip.len() - 1,
        clip.len()
    );
    for body in [
        &clip[136 * KIB..210 * KIB],
        &[&clip[136 * KIB..], b"more"].concat(),
    ] {
        let odd = Act::Reply(reply("206 Partial Content", &head, body));
        let case = Case::begun(&clip[..200 * KIB], [odd]).await;
        let outcome = case.run(Wish::default()).await;
        assert!(
            matches!(
                outcome,
                Err(DownloadError::Broken {
                    source: ReplyLost::Length { .. },
                    ..
                })
            ),
            "{outcome:?}"
        );
        let left = case.left().expect("what came is kept");
        assert!(left.len() >= 200 * KIB && clip.starts_with(&left));
    }
}

#[tokio::test]
async fn part_of_another_kind_or_too_long_is_restarted() {
    let clip = long(1);
    let page = "<html>".repeat(50 * KIB);
    let case = Case::begun(page.as_bytes(), server_of(clip.clone())).await;
    case.makes(&clip).await;
    assert_eq!(case.asked(), [None]);
    let longer = [&clip[..], b"x"].concat();
    let case = Case::begun(&longer, server_of(clip.clone())).await;
    let outcome = case.run(Wish::up_to(clip.len() as u64)).await;
    outcome.expect("fetched");
    assert_eq!(case.asked(), [None]);
}

#[tokio::test]
async fn digest_covers_the_bytes_of_the_earlier_download() {
    let clip = long(1);
    let mut damaged = clip[..200 * KIB].to_vec();
    damaged[70 * KIB] ^= 1;
    let case = Case::begun(&damaged, server_of(clip.clone())).await;
    let announced = sha256(&clip).to_string();
    let outcome = case.run(Wish::of_digest(&announced)).await;
    assert!(matches!(outcome, Err(DownloadError::Digest { .. })));
    assert_eq!(case.left(), None, "the next download starts again");
    case.run(Wish::of_digest(&announced))
        .await
        .expect("fetched");
}

#[tokio::test]
async fn block_of_zeros_in_a_part_is_fetched_again() {
    let clip = long(1);
    let mut damaged = clip[..200 * KIB].to_vec();
    damaged[40 * KIB..48 * KIB].fill(0);
    let case = Case::begun(&damaged, server_of(clip.clone())).await;
    case.makes(&clip).await;
    assert_eq!(case.asked(), [Some(40 * KIB), None]);
    let mut dark = clip.clone();
    dark[40 * KIB..48 * KIB].fill(0);
    let case = Case::begun(&dark[..200 * KIB], server_of(dark.clone())).await;
    case.makes(&dark).await;
    assert_eq!(case.asked(), [Some(40 * KIB)], "zeros may be right");
}

#[tokio::test]
async fn dropped_download_is_resumed() {
    let clip = long(1);
    let mut cut = reply("200 OK", "", &clip);
    cut.truncate(cut.len() - 50 * KIB);
    let acts = [Act::Reply(cut)].into_iter().chain(server_of(clip.clone()));
    let case = Case::of(acts).await;
    {
        let url = case.server.url("/clip.mp4");
        let part = case.part();
        let wanted = case.wanted(&url, &part, &Wish::default());
        let (sender, received) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let egress = narrow();
        let fetching = fetch(&egress, &wanted, |received| {
            if received.bytes > 150 * KIB as u64 {
                sender.take().map(|sender| sender.send(()));
            }
        });
        tokio::select! {
            ended = fetching => panic!("{ended:?}"),
            _ = received => {}
        }
    }
    // A blocking write of the dropped download may still be running.
    let seen = loop {
        match case.run(Wish::default()).await {
            Err(DownloadError::Busy { .. }) => tokio::task::yield_now().await,
            ended => break ended.expect("fetched").1,
        }
    };
    assert!(seen.iter().all(|received| received.bytes > 64 * KIB as u64));
    assert!(case.left() == Some(clip), "other bytes");
    assert!(case.asked()[1].is_some(), "it went on");
}

/// The server cuts the connection anywhere, sometimes serves another version of the clip, and
/// sometimes ignores ranges. The file must equal one of the versions, or the one of the
/// announced digest.
#[tokio::test]
async fn download_over_a_faulty_server_ends_with_an_exact_version() {
    for seed in 0..40 {
        let (clip, other) = (long(seed), long(seed + 1000));
        let versions = [clip.clone(), other.clone()];
        let drawn = Drawn::seeded(seed);
        let answer = Act::Answer(Arc::new(move |request: &Seen| {
            let mut reply = match drawn.below(8) {
                0 => served(&other, request),
                1 => reply("200 OK", "", &clip),
                2 => return Act::Reply(reply("503 Service Unavailable", "", b"")),
                _ => served(&clip, request),
            };
            reply.truncate(drawn.below(reply.len() + 100 * KIB));
            Act::Last(reply)
        }));
        let case = Case::of(std::iter::repeat_n(answer, 1000)).await;
        let announced = (seed % 2 == 0).then(|| sha256(&versions[0]).to_string());
        let mut calls = 0;
        let fetched = loop {
            calls += 1;
            assert!(calls < 200, "no progress with seed {seed}");
            let wish = Wish {
                sha256: announced.as_deref(),
                limit: None,
            };
            match case.run(wish).await {
                Ok((fetched, _)) => break fetched,
                Err(DownloadError::Digest { .. }) => assert_eq!(case.left(), None),
                Err(DownloadError::Broken { .. } | DownloadError::Fetch(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        };
        let made = case.left().expect("a file");
        let possible = if announced.is_some() {
            &versions[..1]
        } else {
            &versions
        };
        assert!(possible.contains(&made), "other bytes with seed {seed}");
        assert_eq!(fetched.sha256, sha256(&made));
        assert_eq!(case.files(), 1);
    }
}
