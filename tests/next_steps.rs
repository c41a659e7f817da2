//! Wrong arguments: the message says what is wrong, and the next step can work.

use image::ImageFormat;

use crate::support::pictures::picture;
use crate::support::sandbox::Sandbox;

const NODE: &str = "image_to_video_v3";

/// Arguments, a part of the message, and the beginning of the next step.
type Case = (&'static [&'static str], &'static str, &'static str);

const PICTURE: &str = "Name a picture file that exists and can be read";
const INPUT: &str = "Name a file that exists with --input";
const LINES: &str = "Name a file of input documents that exists with --batch";
const SCRIPT: &str = "Name a fault script that exists and can be read with --faults";
const COMPONENT: &str = "Name a WebAssembly component";
const CONFIG: &str = "Name a configuration file that exists and can be read";

/// Files that are missing, and folders in their place.
const MISSING: &[Case] = &[
    (
        &["run", NODE, "--set", "prompt=p", "--image", "none.png"],
        "none.png",
        PICTURE,
    ),
    (
        &["run", NODE, "--set", "prompt=p", "--image", "."],
        "not a regular file",
        PICTURE,
    ),
    (&["artifacts", "upload", "none.png"], "none.png", PICTURE),
    (&["run", NODE, "--input", "none.json"], "none.json", INPUT),
    (&["run", NODE, "--input", "."], "`.` cannot be read", INPUT),
    (&["check", NODE, "--input", "none.json"], "none.json", INPUT),
    (
        &["run", NODE, "--out-dir", "clips", "--batch", "none.jsonl"],
        "none.jsonl",
        LINES,
    ),
    (
        &["run", NODE, "--out-dir", "clips", "--batch", "."],
        "`.` cannot be read",
        LINES,
    ),
    (&["practice", "--faults", "none.json"], "none.json", SCRIPT),
    (
        &["nodes", "--component", "none.wasm"],
        "none.wasm",
        COMPONENT,
    ),
    (
        &["nodes", "--component", "."],
        "`.` cannot be loaded",
        COMPONENT,
    ),
    (
        &["nodes", "--config", "none.toml"],
        "none.toml",
        "Name a file that exists, or create this one: zoetrope config init none.toml",
    ),
    (
        &["nodes", "--config", "none/none.toml"],
        "none.toml",
        CONFIG,
    ),
    (&["nodes", "--config", "."], "not a regular file", CONFIG),
    (
        &["config", "init", "."],
        "`.` is a folder",
        "Name a file in it: zoetrope config init ./zoetrope.toml",
    ),
    (
        &["config", "init", "none/a.toml"],
        "none/a.toml",
        "Create the folder: mkdir",
    ),
];

const IS_PICTURE: &str = "is a JPEG picture, not a WebAssembly component";

/// Names that do not exist, and arguments that cannot be used.
const UNKNOWN: &[Case] = &[
    (
        &[
            "run",
            NODE,
            "--out",
            "a.mp4",
            "--batch",
            "l.jsonl",
            "--out-dir",
            "b",
        ],
        "--batch",
        "Leave one of them out. The options: zoetrope run --help",
    ),
    (
        &["packs", "show", "photo.jpg"],
        IS_PICTURE,
        "Name the file of a component",
    ),
    (
        &["packs", "allow", "photo.jpg"],
        IS_PICTURE,
        "Name the file of a component",
    ),
    (
        &["nodes", "--component", "photo.jpg"],
        IS_PICTURE,
        COMPONENT,
    ),
    (
        &["nodes", "image_to_vidoe"],
        "did you mean `image_to_video`?",
        "zoetrope nodes image_to_video",
    ),
    (
        &["nodes", "bogus"],
        "the node types are `image_to_video`",
        "zoetrope nodes",
    ),
    (
        &[
            "run",
            NODE,
            "--set",
            "prompt=p",
            "--image",
            "photo.jpg",
            "--connection",
            "nope",
        ],
        "there is no connection `nope`",
        "Omit --connection to use the practice provider",
    ),
    (
        &["jobs", "show", "nope"],
        "there is no job `nope`",
        "zoetrope jobs",
    ),
    (
        &["run", NODE, "--input", "[1]", "--set", "prompt=p"],
        "Must be of type object",
        "Correct the input and run again. List the fields: zoetrope nodes image_to_video_v3",
    ),
    (&["rnu", NODE], "did you mean `run`?", "zoetrope run --help"),
    (
        &["bogus"],
        "the commands are nodes, check, run",
        "zoetrope --help",
    ),
    (
        &["practice", "--listen", "192.0.2.1:0"],
        "loopback",
        "Use a loopback address: --listen 127.0.0.1:0",
    ),
];

/// Connections that do not exist, where another one does.
const CONNECTIONS: &[Case] = &[
    (
        &[
            "run",
            NODE,
            "--set",
            "prompt=p",
            "--image",
            "photo.jpg",
            "--connection",
            "pixleml",
        ],
        "there is no connection `pixleml`",
        "Did you mean --connection pixelml?",
    ),
    (
        &[
            "run",
            NODE,
            "--set",
            "prompt=p",
            "--image",
            "photo.jpg",
            "--connection",
            "other",
        ],
        "there is no connection `other`",
        "Choose one of them with --connection",
    ),
];

#[track_caller]
fn compare(sandbox: &Sandbox, cases: &[Case]) {
    for (arguments, message, next) in cases {
        let outcome = sandbox.run(arguments.iter().chain(&["--json"]));
        assert_ne!(outcome.code, 0, "{arguments:?}: {outcome:?}");
        let error = &outcome.json()["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        assert_eq!(error["charged"], "no", "{arguments:?}: {error}");
        assert!(text("message").contains(message), "{arguments:?}: {error}");
        assert!(text("next").starts_with(next), "{arguments:?}: {error}");
    }
    assert!(sandbox.jobs().is_empty());
}

#[test]
fn missing_file_or_folder_in_place_of_a_file_is_named_and_to_be_replaced() {
    compare(&Sandbox::new(), MISSING);
}

#[test]
fn unknown_names_and_arguments_that_exclude_each_other_say_what_exists() {
    let sandbox = Sandbox::new();
    sandbox.write("photo.jpg", picture(ImageFormat::Jpeg));
    compare(&sandbox, UNKNOWN);
    sandbox.configure(
        "[connections.pixelml]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\n",
    );
    compare(&sandbox, CONNECTIONS);
}
