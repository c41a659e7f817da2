//! Manifests and host rules, made to go wrong; see `docs/reference/fuzzing.md`.

use http::Method;
use url::{Host, Url};
use zoetrope_fuzzing::{Target, parts};

use super::{HostRule, Manifest};
use crate::net::Origin;
use zoetrope_bundled_pack::COMPONENT;

#[test]
fn a_manifest_is_read_or_refused_in_printable_words() {
    Target::new("manifests", 3_000).run(|input| match Manifest::parse(input) {
        Ok(manifest) => {
            let shown = [&manifest.name, &manifest.version, &manifest.description];
            for text in shown.into_iter().chain(&manifest.connections) {
                assert!(!text.contains(char::is_control), "{text:?}");
            }
            for rule in &manifest.hosts {
                assert_eq!(rule.to_string().parse().as_ref(), Ok(rule));
            }
            "accepted"
        }
        Err(error) => {
            let words = error.to_string();
            assert!(!words.contains(char::is_control), "{words:?}");
            "refused"
        }
    });
}

#[test]
fn a_component_has_a_manifest_or_is_refused_whatever_its_bytes() {
    let head = &COMPONENT[..4 << 10];
    Target::new("components", 2_000).run(|input| {
        // As it is, and somewhere in a component that is none any more.
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

/// A rule, and a request as it is written in one.
#[test]
fn a_rule_permits_its_own_place_and_what_is_below() {
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
        let (named, place) = written.split_once(' ').expect("a method");
        assert_eq!(named, method.as_str());
        let origin = Origin::of(&url).expect("a place");
        let (scheme, _) = place.split_once("://").expect("a scheme");
        assert_eq!(scheme, url.scheme());
        assert!(!origin.is_loopback());
        let place = Url::parse(&place.replacen("*.", "", 1)).expect("a URL");
        assert_eq!(place.port_or_known_default(), url.port_or_known_default());
        if let (Some(Host::Domain(parent)), Host::Domain(name)) = (place.host(), origin.host()) {
            let parent = parent.trim_end_matches('.');
            assert!(
                name == parent || name.ends_with(&format!(".{parent}")),
                "{written} {url}"
            );
        }
        assert!(url.path().starts_with(place.path()), "{written} {url}");
        "permitted"
    });
}
