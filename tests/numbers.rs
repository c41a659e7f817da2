//! Numbers arrive at the provider as they were written, on every way that an input takes.

use image::ImageFormat;
use serde_json::json;

use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server, connection_of};
use crate::support::sandbox::Sandbox;

const NODE: &str = "popiskill-image-img2img-basic-v1";

#[test]
fn numbers_arrive_at_the_provider_as_written() {
    let server = Server::start(Script::from([
        (
            "POST /v1/jobs".into(),
            vec![Reply::json(
                200,
                json!({"job_id": "j-1", "status": "pending"}),
            )],
        ),
        (
            "POST /v1/artifacts/upload".into(),
            vec![Reply::json(
                200,
                json!({"id": "art_1", "url": "https://a.b/c"}),
            )],
        ),
    ]));
    let sandbox = Sandbox::new();
    let base = format!("{}/v1", server.url());
    sandbox.configure(&connection_of("popiart", &base, ""));
    sandbox.write("a.png", picture(ImageFormat::Png));
    let numbers = r#""seed":123456789012345678901234567890,"strength":230E-3"#;
    let (seed, strength) = ("seed=123456789012345678901234567890", "strength=230E-3");
    let document = |more: &str| format!("{{\"prompt\":\"p\",{more}{numbers}}}");
    let by_url = document("\"image_url\":\"https://a.b/c\",");
    sandbox.write("by_url.json", &by_url);
    let without = document("");
    for input in [
        vec!["--input", "by_url.json"],
        vec!["--input", by_url.as_str()],
        vec!["--input", without.as_str(), "--image", "a.png"],
        vec![
            "--image", "a.png", "--set", "prompt=p", "--set", seed, "--set", strength,
        ],
    ] {
        let run = ["--json", "run", NODE, "--detach"].iter().chain(&input);
        sandbox.run(run).answer();
        let arrived = server.arrived();
        let submit = arrived.iter().rfind(|request| request.path == "/v1/jobs");
        let body = String::from_utf8_lossy(&submit.expect("a submit").body).into_owned();
        for number in numbers.split(',') {
            assert!(body.contains(number), "{input:?}: {body}");
        }
    }
}
