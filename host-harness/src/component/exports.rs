//! The contract's functions in a component: looked up once, not in every instance.

use std::sync::OnceLock;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre};

use super::state::CallState;
use crate::bindings::NodePack;
use crate::contract::{PACKAGE, VERSION};

/// A component that is ready to be instantiated, and where its functions are.
pub(crate) struct Exports {
    pre: InstancePre<CallState>,
    /// Set once an instance has shown that the functions have the contract's types. These
    /// are the component's: no other instance of it has others.
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
    /// Names the first function that is missing.
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

    /// An instance whose functions, all of them, have the contract's types: a run is not
    /// begun that could not be polled.
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
