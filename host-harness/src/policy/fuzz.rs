//! Fuzz tests of manifests and host rules; see `docs/reference/fuzzing.md`.

use http::Method;
use url::{Host, Url};
use zoetrope_fuzzing::{Target, parts};

use super::{AdditionalPermissions, CredentialPlace, Grant, HostRule, Manifest};
use crate::net::Origin;
use zoetrope_bundled_pack::COMPONENT;

#[test]
fn manifest_of_any_bytes_is_parsed_or_refused_in_printable_text() {
    Target::new("manifests", 3_000).run(|input| match Manifest::parse(input) {
        Ok(manifest) => {
            let shown = [&manifest.name, &manifest.version, &manifest.description];
            let names = manifest
                .connections
                .iter()
                .chain(manifest.credentials.keys())
                .chain(manifest.idempotency.keys());
            for text in shown.into_iter().chain(names) {
                assert!(!text.contains(char::is_control), "{text:?}");
            }
            for route in manifest.uploads.iter().chain(&manifest.cancels) {
                assert_eq!(route.to_string().parse().as_ref(), Ok(route));
                is_one_printable_line(&route.to_string());
            }
            for place in manifest.credentials.values() {
                let same = CredentialPlace::new(place.header(), place.prefix());
                assert_eq!(same.as_ref(), Ok(place));
                is_one_printable_line(&place.to_string());
            }
            for place in manifest.idempotency.values() {
                assert_eq!(place.to_string().parse().as_ref(), Ok(place));
                is_one_printable_line(&place.to_string());
            }
            let more = AdditionalPermissions::of(&manifest, &Grant::as_asked(&Manifest::default()));
            assert!(!more.to_string().contains(char::is_control), "{more}");
            for rule in &manifest.hosts {
                assert_eq!(rule.to_string().parse().as_ref(), Ok(rule));
            }
            "accepted"
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains(char::is_control), "{text:?}");
            "refused"
        }
    });
}

#[track_caller]
fn is_one_printable_line(text: &str) {
    let is_shown = |letter: char| letter == '…' || letter == ' ' || letter.is_ascii_graphic();
    assert!(text.chars().all(is_shown), "{text:?}");
}

#[test]
fn component_of_any_bytes_is_searched_for_a_manifest_without_a_panic() {
    let head = &COMPONENT[..4 << 10];
    Target::new("components", 2_000).run(|input| {
        // The input alone, and the input inserted into a component.
        let middle = input.len() % head.len();
        let spliced = [&head[..middle], input, &head[middle..]].concat();
        drop(Manifest::of(&spliced));
        match Manifest::of(input) {
            Ok(manifest) if manifest.name.is_empty() => "without",
            Ok(_) => "with",
            Err(_) => "refused",
        }
    });
}

/// The input is a rule and a request, written as in a rule.
#[test]
fn host_rule_permits_only_requests_at_or_below_its_url() {
    Target::new("host-rules", 6_000).run(|input| {
        let both = parts(input, [b"", b""]).map(String::from_utf8_lossy);
        let [rule, request] = &both;
        let Ok(rule) = rule.parse::<HostRule>() else {
            return "no rule";
        };
        let written = rule.to_string();
        assert_eq!(written.parse().as_ref(), Ok(&rule));
        assert!(rule.covers(&rule));
        let Some((method, url)) = request.split_once(' ') else {
            return "no request";
        };
        let (Ok(method), Ok(url)) = (method.parse::<Method>(), Url::parse(url)) else {
            return "no request";
        };
        let own = HostRule::of_request(&method, &url);
        if !rule.permits(&method, &url) {
            assert!(own.is_none_or(|own| !rule.covers(&own)), "{written} {url}");
            return "not permitted";
        }
        let (named, pattern) = written.split_once(' ').expect("a method");
        assert_eq!(named, method.as_str());
        let origin = Origin::of(&url).expect("an origin");
        let (scheme, _) = pattern.split_once("://").expect("a scheme");
        assert_eq!(scheme, url.scheme());
        assert!(!origin.is_loopback());
        let pattern = Url::parse(&pattern.replacen("*.", "", 1)).expect("a URL");
        assert_eq!(pattern.port_or_known_default(), url.port_or_known_default());
        if let (Some(Host::Domain(parent)), Host::Domain(name)) = (pattern.host(), origin.host()) {
            let parent = parent.trim_end_matches('.');
            assert!(
                name == parent || name.ends_with(&format!(".{parent}")),
                "{written} {url}"
            );
        }
        assert!(url.path().starts_with(pattern.path()), "{written} {url}");
        "permitted"
    });
}
