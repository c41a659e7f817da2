//! Recognizes a refusal of a submit because the provider no longer has an uploaded picture.

use crate::component::CallError;
use crate::contract::{Charge, ErrorCause};

/// HTTP's own status for it.
const GONE: u16 = 410;

/// Words for what was uploaded, in lower case.
const UPLOADS: [&str; 24] = [
    "upload",
    "file",
    "image",
    "picture",
    "photo",
    "frame",
    "url",
    "uri",
    "link",
    "asset",
    "media",
    "artifact",
    "attachment",
    "object",
    "blob",
    "signature",
    "signed",
    "token",
    "文件",
    "图片",
    "图像",
    "链接",
    "素材",
    "地址",
];

/// Words for its loss, in lower case and without `_` and `-`.
const LOSSES: [&str; 24] = [
    "expire",
    "not found",
    "notfound",
    "gone",
    "no longer",
    "not exist",
    "n't exist",
    "no such",
    "deleted",
    "removed",
    "purged",
    "vanished",
    "unavailable",
    "not available",
    "missing",
    "inaccessible",
    "not accessible",
    "unreachable",
    "not reachable",
    "过期",
    "不存在",
    "失效",
    "找不到",
    "已删除",
];

/// Words for a read that failed: one of the first and one of the second.
const FAILURES: [&str; 10] = [
    "cannot",
    "can't",
    "can not",
    "could not",
    "couldn't",
    "fail",
    "unable",
    "not be",
    "error",
    "无法",
];
const READS: [&str; 6] = ["fetch", "download", "retriev", "access", "reach", "下载"];

/// Whether a failed `start` says that the provider refused the submit without a charge because an
/// upload is gone. A wrong answer costs an upload and a submit that is refused again, both without
/// a charge.
pub(super) fn is_upload_gone(error: &CallError) -> bool {
    let CallError::Node(error) = error else {
        return false;
    };
    let ErrorCause::Rejected(fault) = &error.cause else {
        return false;
    };
    if error.charge != Charge::No {
        return false;
    }
    let code = fault.code.as_deref().unwrap_or_default();
    let text = format!("{code} {}", fault.message).to_lowercase();
    let text = text.replace(['_', '-'], " ");
    let has_one = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_lost = has_one(&LOSSES) || has_one(&FAILURES) && has_one(&READS);
    fault.status == Some(GONE) || has_one(&UPLOADS) && is_lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{NextStep, NodeError, ProviderFault};

    fn is_gone(status: u16, code: &str, message: &str, charge: Charge) -> bool {
        let fault = ProviderFault {
            status: Some(status),
            code: (!code.is_empty()).then(|| code.into()),
            message: message.into(),
        };
        is_upload_gone(&CallError::Node(NodeError {
            cause: ErrorCause::Rejected(fault),
            charge,
            next: NextStep::FixInput,
            retry_after_ms: None,
        }))
    }

    #[test]
    fn upload_that_is_gone_is_recognized_by_status_code_and_words() {
        for (status, code, message) in [
            (410, "", "HTTP status 410"),
            (404, "", "Upload not found"),
            (400, "FILE_NOT_FOUND", "bad request"),
            (400, "file-expired", ""),
            (422, "", "The image URL has expired"),
            (400, "", "input.image: could not be downloaded"),
            (403, "", "Signed link no longer valid"),
            (400, "", "Failed to fetch image from url"),
            (400, "", "图片链接已过期"),
        ] {
            assert!(
                is_gone(status, code, message, Charge::No),
                "{code} {message}"
            );
            assert!(
                !is_gone(status, code, message, Charge::Unknown),
                "{message}"
            );
        }
        for (status, message) in [
            (400, "the prompt was refused"),
            (402, "insufficient credit"),
            (404, "HTTP status 404"),
            (400, "the image is too small"),
            (400, "the picture cannot be decoded"),
            (422, "the picture has an unsupported format"),
            (400, "the model does not exist"),
        ] {
            assert!(!is_gone(status, "", message, Charge::No), "{message}");
        }
    }
}
