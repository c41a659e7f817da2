//! Connections that rows name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::connections::OpenConnection;
use crate::contract::ConnectionRequirement;
use crate::ledger::Trouble;

/// How long an open connection is used before it is opened anew: a credential may have
/// been replaced.
const LIFETIME: Duration = Duration::from_secs(30);

/// Opens the connections that rows name.
pub trait Reach: Send + Sync {
    /// Opens the connection of this id for nodes with this requirement. Called again
    /// after a request could not be sent, and every half a minute.
    ///
    /// The error is the trouble that the job then has.
    fn open<'a>(
        &'a self,
        connection: &'a str,
        requirement: &'a ConnectionRequirement,
    ) -> BoxFuture<'a, Result<Reached, Trouble>>;
}

/// An open connection.
#[derive(Clone)]
pub struct Reached {
    /// The connection.
    pub connection: Arc<OpenConnection>,
    /// What it leads to, kept in the row: a job goes on only over a connection that
    /// leads to the same. The origin of the base URL is a good choice.
    pub place: String,
    /// How many requests a second it is asked, for all jobs together; `None`: the
    /// driver's default.
    pub requests_per_second: Option<f64>,
}

/// Open connections, kept for a while.
pub(super) struct Connections {
    reach: Arc<dyn Reach>,
    open: Mutex<HashMap<(String, String), (Reached, Instant)>>,
}

impl Connections {
    pub(super) fn new(reach: Arc<dyn Reach>) -> Self {
        Self {
            reach,
            open: Mutex::default(),
        }
    }

    pub(super) async fn open(
        &self,
        connection: &str,
        requirement: &ConnectionRequirement,
    ) -> Result<Reached, Trouble> {
        let name = (connection.to_owned(), requirement.category.clone());
        let mut open = self.open.lock().await;
        if let Some((reached, at)) = open.get(&name)
            && at.elapsed() < LIFETIME
        {
            return Ok(reached.clone());
        }
        let reached = self.reach.open(connection, requirement).await?;
        open.insert(name, (reached.clone(), Instant::now()));
        Ok(reached)
    }

    /// It did not answer: it is opened anew the next time.
    pub(super) async fn forget(&self, connection: &str) {
        let mut open = self.open.lock().await;
        open.retain(|(id, _), _| id != connection);
    }
}
