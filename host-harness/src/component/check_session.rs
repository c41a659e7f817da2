//! Many checks on one instance, for long lists of inputs.

use tracing::instrument;

use super::call::Call;
use super::context::CallContext;
use super::error::CallError;
use super::pack::Pack;
use crate::contract::{CheckOptions, Plan};
use crate::egress::Sends;

/// Checks on one instance: enough to make the cost of instantiation negligible, few enough
/// to bound the memory that an instance accumulates.
const CHECKS_AN_INSTANCE: u32 = 256;

/// A pack and one instance of it, replaced after a bounded number of checks. `check` sends
/// nothing and keeps no state, so the answers equal those of [`Pack::check`].
///
/// A session that has an instance holds one of the engine's permits until it is dropped.
pub struct CheckSession {
    pack: Pack,
    context: CallContext,
    call: Option<(Call, u32)>,
}

impl CheckSession {
    /// A session over `pack`; the first check makes the instance.
    #[must_use]
    pub fn new(pack: Pack, context: CallContext) -> Self {
        Self {
            pack,
            context,
            call: None,
        }
    }

    /// As [`Pack::check`]. If the component is stopped in a used instance, the check is
    /// repeated once in a fresh one, so that earlier inputs do not affect the answer.
    ///
    /// # Errors
    ///
    /// As [`Pack::check`].
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "check", component = %self.pack.digest().short()))]
    pub async fn check(
        &mut self,
        node: &str,
        input: &str,
        options: CheckOptions,
    ) -> Result<Plan, CallError> {
        if let Some((mut call, checks)) = self.call.take()
            && checks < CHECKS_AN_INSTANCE
        {
            let checked = call.check(node, input, options).await;
            if !is_stopped(&checked) {
                self.call = Some((call, checks + 1));
                return checked;
            }
        }
        let mut call = self.pack.begin(&self.context, Sends::Nothing).await?;
        let checked = call.check(node, input, options).await;
        if !is_stopped(&checked) {
            self.call = Some((call, 1));
        }
        checked
    }
}

fn is_stopped(checked: &Result<Plan, CallError>) -> bool {
    matches!(checked, Err(CallError::Trap(_) | CallError::Host(_)))
}
