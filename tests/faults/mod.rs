//! Faults that people meet with providers, by each wire: replies in other encodings, URLs and
//! results in other forms, encoded downloads, ids in headers.
//!
//! - `cases/faults_*`: replies as data, one subject for each wire
//! - [`reasons`]: the provider's own reason in an error, in every form
//! - [`words`]: status words in other spellings
//! - [`deadline`]: a deadline that ends a job whose polls failed
//! - [`large`]: clips inside of large replies
//! - [`wires`]: the wires and their documents; [`table`]: rows that are tried at the same time

mod deadline;
mod large;
mod reasons;
mod table;
mod wires;
mod words;

/// The wire `jobs`.
mod jobs {
    use crate::support::cases::cases;

    cases! {
        "faults_jobs":
        ; long:
            clip_inside_a_reply_beside_one_that_fails_once
            download_in_an_unknown_coding
            download_in_br
            download_in_deflate
            download_in_gzip
            download_in_gzip_cut_off_then_whole
            download_in_gzip_that_is_none
            download_in_raw_deflate
            download_in_zstd
            further_clip_that_always_fails
            id_in_a_header
            id_in_a_header_that_climbs
            id_in_no_header
            id_in_the_body_and_in_the_location
            id_in_the_location
            id_that_is_a_large_number
            id_with_a_parent_segment
            id_with_a_parent_segment_in_several_segments
            id_with_slashes
            id_with_slashes_in_several_segments
            reply_in_utf16_of_the_charset
            reply_in_utf16_with_a_mark
            reply_of_another_media_type
            reply_with_a_mark
            result_and_its_reply_in_base64_at_once
            result_that_is_a_data_url
            result_that_is_a_list_of_objects
            result_that_is_a_list_of_urls
            result_that_is_an_object_with_href
            result_that_is_an_object_with_uri
            result_that_is_an_object_with_url
            result_that_is_base64
            results_in_data_urls
            upload_in_utf16_with_a_mark
            url_that_climbs
            url_that_is_a_name
            url_that_is_a_path
            url_that_is_a_query
            url_without_a_scheme
            url_without_a_scheme_at_a_metadata_address
    }
}

/// The wire `jobs` with other paths, pointers and status words.
mod configured {
    use crate::support::cases::cases;

    cases! {
        "faults_configured":
        ; long:
            download_in_gzip
            id_in_a_header
            id_in_no_header
            id_in_the_location
            id_that_is_a_large_number
            reply_in_utf16_of_the_charset
            reply_in_utf16_with_a_mark
            reply_of_another_media_type
            reply_with_a_mark
            result_that_is_a_data_url
            result_that_is_a_list_of_objects
            result_that_is_a_list_of_urls
            result_that_is_an_object_with_href
            result_that_is_an_object_with_uri
            result_that_is_an_object_with_url
            result_that_is_base64
            upload_in_utf16_with_a_mark
            url_that_is_a_name
            url_that_is_a_path
            url_without_a_scheme
            url_without_a_scheme_at_a_metadata_address
    }
}

/// The wire `agenticflow`.
mod agenticflow {
    use crate::support::cases::cases;

    cases! {
        "faults_agenticflow":
        ; long:
            download_in_gzip
            id_in_a_header
            id_in_no_header
            id_in_the_location
            id_that_is_a_large_number
            reply_in_utf16_of_the_charset
            reply_in_utf16_with_a_mark
            reply_of_another_media_type
            reply_with_a_mark
            result_that_is_a_data_url
            result_that_is_a_list_of_objects
            result_that_is_a_list_of_urls
            result_that_is_an_object_with_href
            result_that_is_base64
            url_that_is_a_name
            url_that_is_a_path
            url_without_a_scheme
            url_without_a_scheme_at_a_metadata_address
    }
}

/// ShortAPI.
mod shortapi {
    use crate::support::cases::cases;

    cases! {
        "faults_shortapi":
        ; long:
            cover_picture_inside_the_reply
            download_in_gzip
            id_in_a_header
            id_in_no_header
            id_in_the_location
            id_that_is_a_large_number
            reply_in_utf16_of_the_charset
            reply_in_utf16_with_a_mark
            reply_of_another_media_type
            reply_with_a_mark
            result_that_is_a_data_url
            result_that_is_a_list_of_objects
            result_that_is_a_list_of_urls
            result_that_is_an_object_with_href
            result_that_is_base64
            url_that_is_a_name
            url_that_is_a_path
            url_without_a_scheme
            url_without_a_scheme_at_a_metadata_address
    }
}

/// PopiArt.
mod popiart {
    use crate::support::cases::cases;

    cases! {
        "faults_popiart":
        ; long:
            download_in_gzip
            id_in_a_header
            id_in_no_header
            id_in_the_location
            id_that_is_a_large_number
            reply_in_utf16_of_the_charset
            reply_in_utf16_with_a_mark
            reply_of_another_media_type
            reply_with_a_mark
            result_that_is_a_data_url
            result_that_is_a_list_of_objects
            result_that_is_a_list_of_urls
            result_that_is_an_object_with_href
            result_that_is_base64
            upload_in_utf16_with_a_mark
            url_that_is_a_name
            url_that_is_a_name_in_the_listing
            url_that_is_a_path
            url_without_a_scheme
            url_without_a_scheme_at_a_metadata_address
    }
}
