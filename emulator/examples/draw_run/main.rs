//! Draws `docs/images/run.svg`: a recorded run of the program as an animated SVG without scripts.
//!
//! `scripts/draw-run.sh` records a run and calls this program:
//!
//! ```sh
//! cargo run -p zoetrope-emulator --example draw_run -- RECORDING PICTURE TARGET
//! ```
//!
//! The folder `RECORDING` holds five files: `command` has the command line; `directory` has the
//! path of the folder that it was run in; `output` and `timing` are the logs of `script`
//! (util-linux); `clip.mp4` is the clip that the run made. `PICTURE` is the run's input.
//!
//! Output, timing and frames are those of the recorded run, with two changes: the path of the
//! folder is shown as `~/zoetrope`, and a run that lasts longer than three seconds is played
//! faster, so that a loop takes about eight seconds.

mod clip;
#[path = "../../tests/practice/support/mp4.rs"]
mod mp4;
mod recording;
mod svg;
mod timeline;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

/// A README loads the whole file before it shows any of it.
const MAX_BYTES: usize = 400_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [recording, picture, target] = arguments.as_slice() else {
        return Err("usage: draw_run RECORDING PICTURE TARGET".into());
    };
    let read = |name| fs::read_to_string(recording.join(name));
    let screens = recording::screens(
        &read("command")?,
        &read("directory")?,
        &read("output")?,
        &read("timing")?,
    )?;
    let clip = clip::decode(&fs::read(recording.join("clip.mp4"))?)?;
    let input = image::open(picture)?.to_rgb8();
    let svg = svg::draw(&screens, &input, &clip)?;
    if svg.len() > MAX_BYTES {
        return Err(format!("the SVG has {} bytes, the limit is {MAX_BYTES}", svg.len()).into());
    }
    fs::write(target, svg)?;
    Ok(())
}
