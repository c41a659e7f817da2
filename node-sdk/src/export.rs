//! From a [`Pack`] to the exports of a component: [`export!`](crate::export!).

#[cfg(target_family = "wasm")]
use crate::bindings::{
    Artifact, Cancellation, CheckOptions, JobState, LocalFile, NodeError, NodeType, Plan, Started,
    Step, Upload, artifacts, catalog, jobs, media,
};
#[cfg(target_family = "wasm")]
use crate::job;
use crate::node::Pack;
#[cfg(target_family = "wasm")]
use crate::wasi::Wasi;

/// A type whose exports are those of a pack. [`export!`](crate::export!) makes one.
pub trait Exported {
    /// The pack.
    const PACK: &'static Pack;
}

/// Exports a pack: the interfaces `catalog`, `jobs`, `media` and `artifacts`, and the manifest.
///
/// Called once in a component, at the top level of a crate whose `crate-type` is `cdylib`. The
/// first argument is the path of a `static` [`Pack`](crate::node::Pack). The manifest is the
/// text of a document that satisfies `schemas/manifest.json`: a byte string, or the
/// `include_bytes!` of a file. It becomes the component's custom section
/// `zoetrope:manifest`, from which a host shows its operator the permissions that the pack
/// requests.
///
/// On other targets than wasm, only the types of the arguments are checked.
///
/// ```
/// # use zoetrope_node_sdk::node::Pack;
/// static PACK: Pack = Pack { nodes: &[] };
///
/// zoetrope_node_sdk::export!(
///     PACK,
///     manifest: br#"{ "format": 1, "name": "empty", "version": "1.0.0" }"#
/// );
/// ```
#[macro_export]
macro_rules! export {
    ($pack:path, manifest: $manifest:expr) => {
        const _: &$crate::node::Pack = &$pack;
        const _: &[u8] = $manifest;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            impl $crate::export::Exported for Component {
                const PACK: &'static $crate::node::Pack = &$pack;
            }

            #[unsafe(link_section = "zoetrope:manifest")]
            static MANIFEST: [u8; $manifest.len()] = *$manifest;

            $crate::bindings::generated::export_artifact_pack!(
                Component with_types_in $crate::bindings::generated
            );
        };
    };
}

#[cfg(target_family = "wasm")]
impl<T: Exported> catalog::Guest for T {
    fn node_types() -> Vec<NodeType> {
        crate::catalog::node_types(T::PACK)
    }
}

#[cfg(target_family = "wasm")]
impl<T: Exported> jobs::Guest for T {
    fn check(node: String, input: String, options: CheckOptions) -> Result<Plan, NodeError> {
        job::check(T::PACK, &Wasi, &node, &input, options)
    }

    fn start(node: String, input: String, idempotency_key: String) -> Result<Started, NodeError> {
        job::start(T::PACK, &Wasi, &node, &input, &idempotency_key)
    }

    fn poll(ticket: String) -> Result<JobState, NodeError> {
        job::poll(T::PACK, &Wasi, &ticket)
    }

    fn cancel(ticket: String) -> Result<Cancellation, NodeError> {
        job::cancel(T::PACK, &Wasi, &ticket)
    }

    fn adopt(node: String, provider_job_id: String) -> Result<String, NodeError> {
        job::adopt(T::PACK, &Wasi, &node, &provider_job_id)
    }
}

#[cfg(target_family = "wasm")]
impl<T: Exported> media::Guest for T {
    fn plan_upload(node: String, field: String, file: LocalFile) -> Result<Step, NodeError> {
        crate::media::plan_upload(T::PACK, &Wasi, &node, &field, &file)
    }

    fn uploaded(
        node: String,
        field: String,
        status: u16,
        reply: String,
    ) -> Result<Step, NodeError> {
        crate::media::uploaded(T::PACK, &Wasi, &node, &field, status, reply)
    }
}

#[cfg(target_family = "wasm")]
impl<T: Exported> artifacts::Guest for T {
    fn categories() -> Vec<String> {
        crate::artifacts::categories(T::PACK)
    }

    fn find(category: String, id: String) -> Result<Artifact, NodeError> {
        crate::artifacts::find(T::PACK, &Wasi, &category, &id)
    }

    fn plan_upload(category: String, file: LocalFile, role: String) -> Result<Upload, NodeError> {
        crate::artifacts::plan_upload(T::PACK, &Wasi, &category, &file, &role)
    }

    fn uploaded(category: String, status: u16, reply: String) -> Result<Artifact, NodeError> {
        crate::artifacts::uploaded(T::PACK, &Wasi, &category, status, reply)
    }
}
