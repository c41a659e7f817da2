//! `zoetrope check`: the input, each request in order and the cost, with nothing sent and no file
//! opened but that of `--image`; and `--set`.

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

const PIXELML: [&str; 2] = ["image_to_video", "image_to_video_v3"];
const SHORTAPI: &str = "shortapi/poppy-v1.0/image-to-video";
const POPIART: [&str; 2] = [
    "popiskill-video-image2video-basic-v1",
    "popiskill-image-img2img-basic-v1",
];

/// `purpose method path` of each request.
fn requests(answer: &Value) -> Vec<String> {
    let requests = answer["requests"].as_array().expect("requests").iter();
    let text = |request: &Value, key: &str| request[key].as_str().expect("a text").to_owned();
    requests
        .map(|request| {
            let url = text(request, "url");
            let path = url.replace("http://127.0.0.1:<port>", "");
            format!(
                "{} {} {path}",
                text(request, "purpose"),
                text(request, "method")
            )
        })
        .collect()
}

fn checked(sandbox: &Sandbox, node: &str, more: &[&str]) -> Outcome {
    let prompt = ["--set", "prompt=a", "--image", "a.png"];
    let negative: &[&str] = if node == "image_to_video" {
        &["--set", "negative_prompt="]
    } else {
        &[]
    };
    let check = ["check", node];
    let arguments = check.iter().chain(&prompt).chain(negative);
    sandbox.run(arguments.chain(more))
}

#[test]
fn check_shows_the_requests_of_each_node_to_the_practice_provider() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let pixelml = ["upload POST /v1/files", "submit POST /v1/jobs"];
    let popiart = [
        "upload POST /popiart/v1/artifacts/upload",
        "submit POST /popiart/v1/jobs",
    ];
    let nodes = PIXELML.map(|node| (node, &pixelml[..]));
    let nodes = nodes
        .into_iter()
        .chain(POPIART.map(|node| (node, &popiart[..])));
    let shortapi = (SHORTAPI, &["submit POST /api/v1/job/create"][..]);
    for (node, expected) in nodes.chain([shortapi]) {
        let answer = checked(&sandbox, node, &["--json"]).answer();
        assert_eq!(requests(&answer), expected, "{node}");
        let chosen = checked(&sandbox, node, &["--json", "--connection", "practice"]).answer();
        assert_eq!(answer, chosen, "{node}");
        assert_eq!(answer["connection"], "practice");
        assert_eq!(answer["provider"]["is_placeholder"], true);
        let submit = answer["request"]["body"].to_string();
        assert!(!submit.contains("file:"), "{node}: {submit}");
        assert!(submit.contains("a.png"), "a placeholder: {submit}");
        assert!(answer["upper_bound"]["amount"].is_string(), "{answer}");
    }
    let text = checked(&sandbox, "image_to_video_v3", &[]).stdout;
    for part in [
        "Input\n  {\n    \"prompt\": \"a\",\n    \"image\": \"file:a.png\",",
        "2 requests to the practice provider, whose <port> is chosen when it starts\n",
        "  1. POST http://127.0.0.1:<port>/v1/files\n",
        "  2. POST http://127.0.0.1:<port>/v1/jobs\n",
        "\"image\": \"<from the reply to request 1: a.png>\"",
        "\nCost: nothing: the practice provider charges no money\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        !sandbox.data_dir().join("practice").exists(),
        "it was not started"
    );
    assert!(!sandbox.data_dir().join("ledger.sqlite3").exists());
}

#[test]
fn check_shows_the_requests_that_a_run_sends() {
    let provider = Server::start(Script::from([
        (
            "POST /v1/files".into(),
            vec![Reply::json(200, json!({"url": "{provider}/a.png"}))],
        ),
        ("POST /v1/jobs".into(), vec![Reply::json(422, json!({}))]),
    ]));
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("a.png", picture(ImageFormat::Png));
    let answer = checked(&sandbox, "image_to_video_v3", &["--json"]).answer();
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
    assert!(!answer.to_string().contains("authorization"), "{answer}");
    let run = [
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        "prompt=a",
    ];
    sandbox.run(run);
    let sent = provider.arrived();
    let shown = requests(&answer);
    assert_eq!(shown.len(), sent.len());
    for (shown, sent) in shown.iter().zip(&sent) {
        assert!(
            shown.ends_with(&sent.path) && shown.contains(&sent.method),
            "{shown}"
        );
    }
    let mut submitted = sent[1].json();
    submitted["input"]["image"] = "<from the reply to request 1: a.png>".into();
    assert_eq!(answer["request"]["body"], submitted);
}

#[test]
fn check_over_a_wire_without_uploads_refuses_a_local_picture_and_hides_queries() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let config = "[connections.flow]\ncategory = \"pixelml\"\nbase_url = \"https://flow.example\"\n\
                  options = { wire = \"agenticflow\", workflow_id = \"w\" }\n\
                  [connections.own]\ncategory = \"pixelml\"\nbase_url = \"https://own.example\"\n\
                  options = { submit = { method = \"POST\", path = \"/new?key=secret\" } }\n";
    sandbox.configure(config);
    let node = "image_to_video_v3";
    let refused = checked(&sandbox, node, &["--json", "--connection", "flow"]);
    refused.error("unsupported");
    let url = [
        "check",
        node,
        "--set",
        "prompt=a",
        "--set",
        "image=https://p.example/a.png",
    ];
    let over = |id: &'static str| {
        let more = ["--json", "--connection", id];
        sandbox.run(url.iter().chain(&more)).answer()
    };
    let flow = requests(&over("flow"));
    assert_eq!(flow, ["submit POST https://flow.example/v1/workflow_runs/"]);
    let own = over("own");
    assert_eq!(
        requests(&own),
        ["submit POST https://own.example/new?key=<hidden>"]
    );
    assert!(!own.to_string().contains("secret"), "{own}");
}

#[test]
fn check_without_an_input_and_with_a_wrong_setting_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let node = "image_to_video_v3";
    sandbox.run(["--json", "check", node]).error("usage");
    let refused = checked(&sandbox, node, &["--json", "--set", "frame-rat=8"]);
    let error = refused.error("invalid_input");
    let said = "`frame-rat` is not a field of image_to_video_v3; did you mean `frame_rate`?";
    assert_eq!(error["message"], said);
    let run = ["run", node, "--set", "prompt=a", "--set", "image=b c.jpg"];
    let refused = sandbox.run(run);
    assert_eq!(refused.code, 3);
    let said = "error: image does not take a path; use --image 'b c.jpg'";
    assert!(
        refused.stderr.lines().any(|line| line == said),
        "{refused:?}"
    );
    assert!(!refused.stderr.contains("keyword"), "{refused:?}");
    assert!(sandbox.jobs().is_empty(), "no row exists");
    // `--input` may have fields that the schema does not name.
    let input = json!({"prompt": "a", "image": "https://p.example/a.png", "stepps": 3}).to_string();
    sandbox
        .run(["--json", "check", node, "--input", &input])
        .answer();
    let input = json!({"prompt": "a", "image": "https://p.example/a.png", "steps": "many"});
    let refused = sandbox.run(["--json", "check", node, "--input", &input.to_string()]);
    let error = refused.error("invalid_input");
    let said = "steps must be a whole number from 1 to 50; got text";
    assert_eq!(error["message"], said);
    let violation = json!({"instance_path": "/steps", "keyword": "type", "message": said});
    assert_eq!(error["violations"], json!([violation]));
}
