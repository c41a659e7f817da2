//! Each node against the practice provider: run without configuration, cancelled, resumed after a
//! kill, and two of them in a row.

use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::time::Duration;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::catalogue::NODES;
use crate::support::mp4::Clip;
use crate::support::pictures::picture;
use crate::support::practice::Provider;
use crate::support::sandbox::Sandbox;
#[cfg(unix)]
use crate::support::{pictures::lighthouse, root};

/// A run of a node: its settings besides the picture, and the expected result.
struct Run {
    settings: &'static [&'static str],
    made: Made,
    /// In dollars, if the provider reports it.
    cost: Option<&'static str>,
    can_be_cancelled: bool,
}

enum Made {
    /// Width, height, milliseconds.
    Clip(u16, u16, u64),
    /// Width and height.
    Picture(u32, u32),
}

/// The run of a node with the picture of 96 by 64 pixels.
fn run_of(node: &str) -> Run {
    let pixelml = |settings, made| Run {
        settings,
        made,
        cost: None,
        can_be_cancelled: true,
    };
    match node {
        "image_to_video" => pixelml(
            &[
                "prompt=pan left",
                "negative_prompt=",
                "size=Square HD (1:1)",
            ],
            Made::Clip(720, 720, 4000),
        ),
        "image_to_video_v3" => pixelml(
            &["prompt=pan left", "frame_rate=2"],
            Made::Clip(1080, 720, 4000),
        ),
        "shortapi/poppy-v1.0/image-to-video" => Run {
            settings: &["prompt=pan left", "aspect_ratio=1:1"],
            made: Made::Clip(720, 720, 4000),
            cost: Some("0.192"),
            can_be_cancelled: false,
        },
        "popiskill-video-image2video-basic-v1" => pixelml(
            &["camera_motion=pan left", "seconds=5.5", "fps=2"],
            Made::Clip(1080, 720, 5500),
        ),
        "popiskill-image-img2img-basic-v1" => pixelml(
            &["prompt=a sketch", "strength=1", "aspect_ratio=1:1"],
            Made::Picture(64, 64),
        ),
        other => panic!("the node {other} has no run in this test"),
    }
}

/// The arguments of a run with `a.png` and `more`.
fn arguments<'a>(node: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["--json", "run", node, "--image", "a.png"];
    for setting in run_of(node).settings {
        arguments.extend(["--set", setting]);
    }
    arguments.extend(more);
    arguments
}

#[track_caller]
fn is_made(answer: &Value, made: &Made) {
    let file = Path::new(answer["file"].as_str().expect("a path"));
    match made {
        Made::Clip(width, height, milliseconds) => {
            assert_eq!(answer["media_type"], "video/mp4");
            let clip = Clip::open(file);
            assert_eq!((clip.width, clip.height), (*width, *height));
            assert_eq!(clip.milliseconds, *milliseconds);
        }
        Made::Picture(width, height) => {
            assert_eq!(answer["media_type"], "image/png");
            assert_eq!(file.extension(), Some("png".as_ref()));
            let picture = image::open(file).expect("a picture");
            assert_eq!((picture.width(), picture.height()), (*width, *height));
        }
    }
}

#[test]
fn each_node_runs_without_configuration() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    for (node, category) in NODES {
        let outcome = sandbox.run(arguments(node, &[]));
        let answer = outcome.answer();
        let run = run_of(node);
        is_made(&answer, &run.made);
        assert_eq!(answer["charged"], "yes", "{node}");
        let cost = run
            .cost
            .map(|amount| json!({"amount": amount, "unit": "USD"}));
        assert_eq!(answer.get("cost"), cost.as_ref(), "{node}");
        let message = format!("No connection is configured for the category {category}: ");
        assert!(outcome.stderr.contains(&message), "{}", outcome.stderr);
    }
}

#[test]
fn each_node_job_is_resumed_after_a_kill_and_charged_once() {
    let provider = Provider::start(Duration::from_millis(300), &json!({}));
    for (node, _) in NODES {
        let sandbox = Sandbox::new();
        sandbox.configure(&provider.connections());
        sandbox.write("a.png", picture(ImageFormat::Png));
        let before = provider.billing().totals;
        let mut running = sandbox.start(sandbox.command(arguments(node, &[])));
        while !running.error_line().starts_with("accepted (") {}
        running.kill();
        let answer = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
        assert_eq!(answer["summary"]["finalized"], 1, "{node}: {answer}");
        let after = provider.final_billing().totals;
        assert_eq!(after.created - before.created, 1, "{node}");
        assert_eq!(after.charged - before.charged, 1, "{node}");
    }
}

#[test]
fn each_node_job_is_cancelled_or_reported_as_not_cancellable() {
    let provider = Provider::start(Duration::from_hours(1), &json!({}));
    for (node, _) in NODES {
        let sandbox = Sandbox::new();
        sandbox.configure(&provider.connections());
        sandbox.write("a.png", picture(ImageFormat::Png));
        let answer = sandbox.run(arguments(node, &["--detach"])).answer();
        let job = answer["job"].as_str().expect("its id");
        let theirs = answer["provider_job_id"].as_str().expect("its id there");
        let status = || {
            let billing = provider.billing();
            let mut jobs = billing.jobs.into_iter();
            let job = jobs.find(|known| known.id.to_string() == theirs);
            job.expect("the job there").status
        };
        assert_eq!(status(), "queued", "{node}");
        let outcome = sandbox.run(["--json", "jobs", "cancel", job]);
        if run_of(node).can_be_cancelled {
            assert_eq!(outcome.answer()["state"], "cancelled", "{node}");
            assert_eq!(status(), "cancelled", "{node}");
        } else {
            assert_eq!(outcome.error("unsupported")["charged"], "unknown", "{node}");
            assert_eq!(status(), "queued", "{node}");
        }
    }
    assert_eq!(provider.billing().totals.charged, 0);
}

/// `examples/two-steps.sh`, twice: the second run finds its jobs finished.
#[cfg(unix)]
#[test]
fn two_steps_example_makes_one_clip() {
    let sandbox = Sandbox::new();
    let clip = sandbox.path("clip.mp4");
    for _ in 0..2 {
        let output = Command::new("sh")
            .arg(root().join("examples/two-steps.sh"))
            .args([lighthouse().as_path(), &clip])
            .env("ZOETROPE", env!("CARGO_BIN_EXE_zoetrope"))
            .env("ZOETROPE_DATA_DIR", sandbox.data_dir())
            .envs(sandbox.home())
            .current_dir(sandbox.path(""))
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, format!("{}\n", clip.display()));
        let made = Clip::open(&clip);
        assert_eq!((made.frames, made.milliseconds), (48, 4000));
    }
    let jobs = sandbox.jobs();
    let nodes: Vec<_> = jobs.iter().map(|job| &job["node"]).collect();
    assert_eq!(
        nodes,
        ["popiskill-image-img2img-basic-v1", "image_to_video_v3"]
    );
}
