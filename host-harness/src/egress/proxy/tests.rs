use super::super::variables::tests::variables;
use super::*;

fn origin(url: &str) -> Origin {
    Origin::of(&Url::parse(url).expect(url)).expect(url)
}

/// The proxy for `url` with these variables.
fn chosen(set: &[(&str, &str)], url: &str) -> Option<String> {
    let proxies = Proxies::new(&Network::default(), &variables(set)).expect("proxies");
    proxies.of(&origin(url)).map(ToString::to_string)
}

const BOTH: [(&str, &str); 2] = [
    ("HTTPS_PROXY", "http://secure.example:3128"),
    ("http_proxy", "https://plain.example"),
];

#[test]
fn proxy_is_chosen_by_the_scheme_of_the_destination() {
    let secure = Some("http://secure.example:3128".to_owned());
    assert_eq!(chosen(&BOTH, "https://api.example.com/v1"), secure);
    assert_eq!(chosen(&BOTH, "https://api.example.com:8443"), secure);
    assert_eq!(chosen(&BOTH, "https://192.168.1.5"), secure);
    let plain = Some("https://plain.example".to_owned());
    assert_eq!(chosen(&BOTH, "http://cdn.example.com"), plain);
    assert_eq!(chosen(&BOTH[1..], "https://api.example.com"), None);
    let all = [("ALL_PROXY", "all.example:3128")];
    for url in ["https://api.example.com", "http://cdn.example.com"] {
        assert_eq!(chosen(&all, url), Some("http://all.example:3128".into()));
        assert_eq!(chosen(&[], url), None);
    }
}

#[test]
fn loopback_is_never_proxied() {
    let all = [("ALL_PROXY", "http://p.example:3128")];
    for url in [
        "http://127.0.0.1:9",
        "http://127.255.0.1",
        "http://0x7f.1",
        "http://[::1]:9",
        "http://[::ffff:127.0.0.1]",
        "http://localhost:9",
        "https://a.localhost",
        "https://LOCALHOST.",
        "https://ip6-localhost",
        "https://localhost.localdomain",
    ] {
        assert_eq!(chosen(&all, url), None, "{url}");
    }
    assert!(chosen(&all, "https://localhost.example.com").is_some());
}

#[test]
fn no_proxy_excepts_names_suffixes_addresses_and_networks() {
    let list =
        "gpu.example, .corp.example *.lab.example,10.0.0.0/8,192.168.1.5,[fd00::1],fd01::/16";
    for name in ["NO_PROXY", "no_proxy"] {
        let set = [("HTTPS_PROXY", "http://p.example"), (name, list)];
        for url in [
            "https://gpu.example",
            "https://GPU.example:8443",
            "https://a.gpu.example",
            "https://corp.example",
            "https://a.b.corp.example",
            "https://x.lab.example",
            "https://10.200.0.1",
            "https://192.168.1.5",
            "https://[fd00::1]",
            "https://[fd01::7]",
        ] {
            assert_eq!(chosen(&set, url), None, "{name} {url}");
        }
        for url in [
            "https://notgpu.example",
            "https://gpu.example.com",
            "https://11.0.0.1",
            "https://192.168.1.50",
            "https://[fd02::7]",
        ] {
            assert!(chosen(&set, url).is_some(), "{name} {url}");
        }
    }
    let star = [("HTTPS_PROXY", "http://p.example"), ("NO_PROXY", "*")];
    assert_eq!(chosen(&star, "https://api.example.com"), None);
    assert_eq!(chosen(&star, "https://10.0.0.1"), None);
}

#[test]
fn proxy_none_forbids_a_proxy_and_a_configured_one_replaces_the_variables() {
    let api = origin("https://api.example.com");
    let with = |proxy: &str, set: &[_]| {
        let network = Network {
            proxy: proxy.parse().expect(proxy),
            ..Network::default()
        };
        let proxies = Proxies::new(&network, &variables(set)).expect("proxies");
        proxies.of(&api).map(ToString::to_string)
    };
    assert_eq!(with("none", &BOTH), None);
    // A variable that is not read needs not be valid.
    assert_eq!(with("none", &[("HTTPS_PROXY", "socks5://p")]), None);
    let own = Some("http://own.example:3128".to_owned());
    assert_eq!(with("http://own.example:3128", &BOTH), own);
    let excepted = [("NO_PROXY", "api.example.com")];
    assert_eq!(with("http://own.example:3128", &excepted), None);
}

#[test]
fn user_and_password_of_a_proxy_become_a_header_and_are_not_shown() {
    for (url, expected) in [
        // `user:p@ss/word`, `user:` and none.
        (
            "http://user:p%40ss%2Fword@p.example",
            Some("Basic dXNlcjpwQHNzL3dvcmQ="),
        ),
        ("http://user@p.example", Some("Basic dXNlcjo=")),
        (
            "user:p@ss%2Fword@p.example",
            Some("Basic dXNlcjpwQHNzL3dvcmQ="),
        ),
        ("http://p.example", None),
    ] {
        let set = variables(&[("HTTPS_PROXY", url)]);
        let proxies = Proxies::new(&Network::default(), &set).expect(url);
        let chosen = proxies.of(&origin("https://api.example.com")).expect(url);
        let header = chosen.authorization.as_ref();
        assert_eq!(
            header.and_then(|value| value.to_str().ok()),
            expected,
            "{url}"
        );
        assert!(header.is_none_or(HeaderValue::is_sensitive));
        assert_eq!(
            format!("{chosen} {chosen:?}"),
            "http://p.example Proxy(http://p.example)"
        );
    }
}

#[test]
fn unusable_proxy_variable_is_an_error_and_not_a_direct_connection() {
    for value in [
        "socks5://p.example:1080",
        "ftp://p.example",
        "http://",
        "http://p.example:x",
    ] {
        for name in ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"] {
            let set = variables(&[(name, value)]);
            let made = Proxies::new(&Network::default(), &set);
            let named = made.map(drop).expect_err(value);
            assert!(matches!(named, NetworkError::Variable { name: shown, .. } if shown == name));
        }
    }
}
