//! The contract's functions in a component, looked up once per component.

use std::sync::OnceLock;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre};

use super::state::CallState;
use crate::bindings::NodePack;
use crate::contract::{PACKAGE, VERSION};

/// A component that is ready to be instantiated, and the indexes of its functions.
pub(crate) struct Exports {
    pre: InstancePre<CallState>,
    /// Set once the functions of an instance were found to have the contract's types. All
    /// instances of a component have the same types.
    fit: OnceLock<()>,
    pub(crate) node_types: ComponentExportIndex,
    pub(crate) check: ComponentExportIndex,
    pub(crate) start: ComponentExportIndex,
    pub(crate) poll: ComponentExportIndex,
    pub(crate) cancel: ComponentExportIndex,
    pub(crate) adopt: ComponentExportIndex,
    pub(crate) plan_upload: ComponentExportIndex,
    pub(crate) uploaded: ComponentExportIndex,
}

impl Exports {
    /// # Errors
    ///
    /// When a function is missing; the error names the first one.
    pub(crate) fn find(pre: InstancePre<CallState>) -> wasmtime::Result<Self> {
        let component = pre.component();
        let find = |interface: &str, name: &str| {
            let interface = format!("{PACKAGE}/{interface}@{VERSION}");
            let place = component.get_export_index(None, &interface);
            place
                .and_then(|place| component.get_export_index(Some(&place), name))
                .ok_or_else(|| wasmtime::format_err!("`{interface}` has no function `{name}`"))
        };
        Ok(Self {
            fit: OnceLock::new(),
            node_types: find("catalog", "node-types")?,
            check: find("jobs", "check")?,
            start: find("jobs", "start")?,
            poll: find("jobs", "poll")?,
            cancel: find("jobs", "cancel")?,
            adopt: find("jobs", "adopt")?,
            plan_upload: find("media", "plan-upload")?,
            uploaded: find("media", "uploaded")?,
            pre,
        })
    }

    /// An instance whose functions all have the contract's types. A job that could not be
    /// polled is thus not started.
    pub(crate) async fn instantiate(
        &self,
        store: &mut Store<CallState>,
    ) -> wasmtime::Result<Instance> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        if self.fit.get().is_none() {
            NodePack::new(store, &instance)?;
            self.fit.get_or_init(|| ());
        }
        Ok(instance)
    }
}
