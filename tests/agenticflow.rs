//! PixelML over the wire `agenticflow`: replies of a workflow's run and their outcomes, as data in
//! `cases/agenticflow`.

use crate::support::cases::cases;

cases! {
    "agenticflow":
        cancelled
        charge_failed
        create_307
        create_422
        create_closed
        create_without_id
        key_that_nobody_sends
        local_picture
        no_workflow
        node_failed
        video_elsewhere
    ; long:
        no_cancellation
        queued_running_success
        resumed_after_the_deadline
        unknown_status_then_success
        wire_changed
}
