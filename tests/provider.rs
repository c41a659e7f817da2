//! What a provider may answer, and what then becomes of a run: exit code, kind of error, what is said
//! about the money, and how many requests arrived. Scripts are data; see `cases/provider`.

use crate::support::cases::cases;

cases! {
    "provider":
        clip_behind_a_redirect
        finished_at_once
        job_cancelled
        job_failed_and_charged
        job_failed_and_echoes_the_key
        job_failed_and_nobody_knows_the_bill
        job_failed_uncharged
        job_id_that_climbs
        job_id_that_is_the_key
        job_id_with_a_query
        out_below_a_file
        out_exists
        out_in_no_folder
        out_is_a_folder
        out_that_ends_with_a_slash
        poll_302
        poll_401
        poll_403
        queued_running_succeeded
        submit_200_with_a_page
        submit_201_without_id
        submit_301
        submit_303
        submit_307
        submit_401
        submit_401_that_echoes_the_key
        submit_403
        submit_404
        submit_409
        submit_422
        submit_500
        submit_502
        submit_503_without_delay
        submit_closed
        submit_encoded
        upload_307
        upload_401
        upload_413
        upload_closed
        upload_then_clip
        upload_without_url
    ; long:
        submit_429_with_retry_after
        submit_503_with_retry_after
        submit_closed_where_keys_are_honoured
        submit_to_nobody
        added_fields_and_fractional_progress
        clip_at_a_metadata_address
        clip_at_a_private_address
        clip_cut_off_then_whole
        clip_redirected_to_a_metadata_address
        clip_that_is_a_page
        clip_that_is_gone
        clip_that_is_gone_until_the_deadline
        clip_url_expired_403
        clip_url_expired_404
        clip_url_that_is_none
        hint_beyond_the_deadline
        poll_404_for_long
        poll_404_in_passing
        poll_429_with_retry_after
        poll_500_in_passing
        poll_broken_json_then_good
        poll_closed_in_passing
        poll_unknown_state_then_good
        poll_unreadable_for_long
        queued_until_the_deadline
        submit_hangs
        succeeded_without_a_url
        unknown_state_until_the_deadline
}
