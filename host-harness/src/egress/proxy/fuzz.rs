//! Fuzz target for proxy variables; see `docs/reference/fuzzing.md`.

use proptest::prelude::*;
use zoetrope_fuzzing::{SEPARATOR, Target, parts};

use super::super::variables::tests::variables;
use super::*;
use crate::error::chain;

/// The password of generated proxies. No text shows it.
const CANARY: &str = "hunter2";

const PROXIES: [&str; 16] = [
    "http://proxy.example:3128",
    "proxy:3128",
    "https://user:hunter2@proxy.example",
    "http://user:hunter2@10.0.0.1:1",
    "user:hunter2@proxy",
    "http://hunter2@proxy",
    "http://u:p@hunter2@proxy",
    "http://u:%40hunter2%2f@proxy",
    "http://u:1#hunter2@proxy",
    "http://u:1/hunter2@proxy",
    "http://u\\hunter2@proxy",
    "socks5h://u:hunter2@proxy:1080",
    "http://[fd00::1]:3128",
    "//u:hunter2@proxy",
    "http:hunter2",
    "none",
];
const EXCEPTIONS: [&str; 18] = [
    "",
    "*",
    ",",
    " ",
    ".",
    "..",
    "*.",
    "*.a.example",
    ".a.example",
    "a.example",
    "example",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "::/0",
    "[fd00::1]",
    "10.0.0.0/99",
    "\u{fc}.example",
    "localhost",
];
const DESTINATIONS: [&str; 16] = [
    "https://a.example",
    "http://b.a.example:8080",
    "https://A.example.",
    "https://10.0.0.1",
    "https://[fd00::1]:8443",
    "http://127.0.0.1:9",
    "http://0x7f.1",
    "http://2130706433",
    "http://[::1]",
    "http://[::ffff:127.0.0.1]:9",
    "http://localhost",
    "https://a.localhost",
    "https://LOCALHOST.",
    "https://ip6-localhost",
    "https://\u{fc}.example",
    "https://localhost.a.example",
];

fn settings() -> impl Strategy<Value = Vec<u8>> {
    use prop::sample::select;
    let list = prop::collection::vec(select(&EXCEPTIONS[..]), 0..5);
    let between = select(&[",", ", ", " ", ""][..]);
    let destination = select(&DESTINATIONS[..]);
    (select(&PROXIES[..]), list, between, destination).prop_map(
        |(proxy, list, between, destination)| {
            let list = list.join(between);
            format!("{proxy}{SEPARATOR}{list}{SEPARATOR}{destination}").into_bytes()
        },
    )
}

/// The input is a proxy's variable, `NO_PROXY`, and a destination.
#[test]
fn proxy_of_any_variables_is_shown_without_its_user_and_not_used_for_loopback() {
    Target::new("proxies", 6_000)
        .with_grammar(settings())
        .run(|input| {
            let missing = [PROXIES[0].as_bytes(), b"", DESTINATIONS[0].as_bytes()];
            let [proxy, list, destination] = parts(input, missing).map(String::from_utf8_lossy);
            let set = variables(&[("ALL_PROXY", &proxy), ("NO_PROXY", &list)]);
            let origin = Url::parse(&destination).ok();
            let Some(origin) = origin.and_then(|url| Origin::of(&url)) else {
                return "no destination";
            };
            // Such a request cannot be built.
            if origin.to_string().parse::<Uri>().is_err() {
                return "no destination";
            }
            let off = Network {
                proxy: ProxySetting::Off,
                ..Network::default()
            };
            let none = Proxies::new(&off, &set).expect("no proxy");
            assert!(none.of(&origin).is_none());
            let proxies = match Proxies::new(&Network::default(), &set) {
                Ok(proxies) => proxies,
                Err(error) => {
                    let text = format!("{} {error:?}", chain(&error));
                    let url = proxy.parse::<ProxyUrl>();
                    let is_host = url.is_ok_and(|url| url.to_string().contains(CANARY));
                    assert!(is_host || !text.contains(CANARY), "{text}");
                    return "refused";
                }
            };
            let Some(chosen) = proxies.of(&origin) else {
                return "direct";
            };
            assert!(!is_this_machine(&origin) && !list.split(',').any(|entry| entry.trim() == "*"));
            let shown = format!("{chosen} {chosen:?}");
            assert!(!shown.contains('@'), "{shown}");
            let url: ProxyUrl = proxy.parse().expect("a proxy");
            assert_eq!(chosen.to_string(), url.to_string());
            let has_user = Url::parse(url.reveal())
                .is_ok_and(|url| !url.username().is_empty() || url.password().is_some());
            assert_eq!(chosen.authorization.is_some(), has_user);
            "proxied"
        });
}
