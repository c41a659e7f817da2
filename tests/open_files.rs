//! Limits of open files (`ulimit -n`): a job is not paid for if its clip could not be collected.

use crate::file_systems::{SUBMIT, count, fixture, run};
use crate::support::limited::start_by;

/// From fewer than the program needs to begin, to as many as a job needs.
const LIMITS: [u32; 11] = [14, 17, 18, 19, 20, 21, 22, 23, 26, 30, 64];

#[test]
fn job_under_a_limit_of_open_files_has_its_clip_or_is_not_submitted() {
    for limit in LIMITS {
        let (provider, sandbox) = fixture();
        let script = format!("ulimit -n {limit} && exec \"$0\" \"$@\"");
        let outcome = start_by(&sandbox, &run(&["--out", "out/clip.mp4"]), &script).end();
        let is_collected = sandbox.path("out/clip.mp4").exists();
        assert_eq!(outcome.code == 0, is_collected, "{limit}: {outcome:?}");
        let is_submitted = count(&provider, SUBMIT) == 1;
        assert_eq!(is_submitted, is_collected, "{limit}: {outcome:?}");
        if !is_collected {
            let told = outcome.stdout.contains("(ulimit -n), then run");
            assert!(told, "{limit}: {outcome:?}");
        }
        assert!(is_collected || limit < 64, "{outcome:?}");
    }
}
