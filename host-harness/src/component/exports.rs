//! The contract's functions in a component, looked up once per component.

use std::sync::OnceLock;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, InstancePre};
use wasmtime::component::{Lift, Lower};

use super::contract_0_1;
use super::state::CallState;
use crate::contract::{
    Artifact, Cancellation, CheckOptions, JobState, LocalFile, NodeError, NodeType, PACKAGE, Plan,
    Started, Step, Upload, VERSION,
};

/// A component that is ready to be instantiated, and the indexes of its functions.
pub(crate) struct Exports {
    pre: InstancePre<CallState>,
    /// Set once the functions of an instance were found to have the contract's types. All
    /// instances of a component have the same types.
    fit: OnceLock<()>,
    /// Whether it implements the present contract, else the one of version 0.1.0.
    pub(crate) is_present: bool,
    pub(crate) node_types: ComponentExportIndex,
    pub(crate) check: ComponentExportIndex,
    pub(crate) start: ComponentExportIndex,
    pub(crate) poll: ComponentExportIndex,
    pub(crate) cancel: ComponentExportIndex,
    pub(crate) adopt: ComponentExportIndex,
    pub(crate) plan_upload: ComponentExportIndex,
    pub(crate) uploaded: ComponentExportIndex,
    /// The optional interface `artifacts`.
    pub(crate) artifacts: Option<ArtifactExports>,
}

/// The functions of the interface `artifacts`.
pub(crate) struct ArtifactExports {
    pub(crate) categories: ComponentExportIndex,
    pub(crate) find: ComponentExportIndex,
    pub(crate) plan_upload: ComponentExportIndex,
    pub(crate) uploaded: ComponentExportIndex,
}

impl Exports {
    /// The functions of the contract's version `version`.
    ///
    /// # Errors
    ///
    /// When a function is missing; the error names the first one.
    pub(crate) fn find(pre: InstancePre<CallState>, version: &str) -> wasmtime::Result<Self> {
        let component = pre.component();
        let interface =
            |name: &str| component.get_export_index(None, format!("{PACKAGE}/{name}@{version}"));
        let find = |place: &str, name: &str| {
            interface(place)
                .and_then(|place| component.get_export_index(Some(&place), name))
                .ok_or_else(|| {
                    let place = format!("{PACKAGE}/{place}@{version}");
                    wasmtime::format_err!("`{place}` has no function `{name}`")
                })
        };
        let is_present = version == VERSION;
        let artifacts = if is_present && interface("artifacts").is_some() {
            Some(ArtifactExports {
                categories: find("artifacts", "categories")?,
                find: find("artifacts", "find")?,
                plan_upload: find("artifacts", "plan-upload")?,
                uploaded: find("artifacts", "uploaded")?,
            })
        } else {
            None
        };
        Ok(Self {
            fit: OnceLock::new(),
            is_present,
            node_types: find("catalog", "node-types")?,
            check: find("jobs", "check")?,
            start: find("jobs", "start")?,
            poll: find("jobs", "poll")?,
            cancel: find("jobs", "cancel")?,
            adopt: find("jobs", "adopt")?,
            plan_upload: find("media", "plan-upload")?,
            uploaded: find("media", "uploaded")?,
            artifacts,
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
            self.check_types(store, &instance)?;
            self.fit.get_or_init(|| ());
        }
        Ok(instance)
    }

    fn check_types(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> wasmtime::Result<()> {
        type Answer<T> = (Result<T, NodeError>,);
        let mut types = Types { store, instance };
        let input = (self.node_types, self.check);
        if self.is_present {
            types.of::<(), (Vec<NodeType>,)>(input.0)?;
            types.of::<(&str, &str, CheckOptions), Answer<Plan>>(input.1)?;
        } else {
            types.of::<(), (Vec<contract_0_1::NodeType>,)>(input.0)?;
            types.of::<(&str, &str, CheckOptions), Answer<contract_0_1::Plan>>(input.1)?;
        }
        types.of::<(&str, &str, &str), Answer<Started>>(self.start)?;
        types.of::<(&str,), Answer<JobState>>(self.poll)?;
        types.of::<(&str,), Answer<Cancellation>>(self.cancel)?;
        types.of::<(&str, &str), Answer<String>>(self.adopt)?;
        types.of::<(&str, &str, &LocalFile), Answer<Step>>(self.plan_upload)?;
        types.of::<(&str, &str, u16, &str), Answer<Step>>(self.uploaded)?;
        if let Some(functions) = &self.artifacts {
            types.of::<(), (Vec<String>,)>(functions.categories)?;
            types.of::<(&str, &str), Answer<Artifact>>(functions.find)?;
            types.of::<(&str, &LocalFile, &str), Answer<Upload>>(functions.plan_upload)?;
            types.of::<(&str, u16, &str), Answer<Artifact>>(functions.uploaded)?;
        }
        Ok(())
    }
}

/// Compares the types of an instance's functions with the contract's.
struct Types<'a> {
    store: &'a mut Store<CallState>,
    instance: &'a Instance,
}

impl Types<'_> {
    fn of<Params, Results>(&mut self, function: ComponentExportIndex) -> wasmtime::Result<()>
    where
        Params: ComponentNamedList + Lower,
        Results: ComponentNamedList + Lift,
    {
        self.instance
            .get_typed_func::<Params, Results>(&mut *self.store, function)
            .map(drop)
    }
}
