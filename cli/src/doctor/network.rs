//! The proxy that requests pass, and further certificate authorities.

use zoetrope_host::net::BaseUrl;
use zoetrope_host::sanitize::escaped_path;

use super::check::Check;
use crate::context::Context;

const NAME: &str = "network";

/// An origin that is not excepted by itself.
const ORIGIN: &str = "https://api.example.com";

pub(super) async fn check(context: &Context) -> Check {
    let Ok(config) = context.config().await else {
        return Check::ok(NAME, "not read: the configuration cannot be used");
    };
    let egress = match context.egress().await {
        Ok(egress) => egress,
        Err(failure) => return Check::of_failure(NAME, &failure),
    };
    let mut origins: Vec<_> = config
        .connections()
        .map(|connection| connection.base_url().clone())
        .collect();
    origins.extend(ORIGIN.parse::<BaseUrl>());
    let proxies = origins.iter().map(|base| egress.proxy_of(base.origin()));
    let mut proxies: Vec<_> = proxies.flatten().collect();
    proxies.sort();
    proxies.dedup();
    let mut text = match &proxies[..] {
        [] => "no proxy".to_owned(),
        proxies => format!("proxy {}", proxies.join(", ")),
    };
    let ca_file = config.network().ca_file.as_deref().map(escaped_path);
    if let Some(file) = &ca_file {
        text = format!("{text}; also trusts the authorities in `{file}`");
    }
    Check::ok(NAME, text)
        .with("proxies", proxies)
        .with("ca_file", ca_file)
}
