//! Changes of keys, connections and freezes that another node has made.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::Store;
use crate::db::Db;

/// How often to look in any case: a notification is lost with the connection that it was to come on.
const LOOK: Duration = Duration::from_secs(2);
/// How long to wait before a listener that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The channel of the triggers of migration 5.
const CHANNEL: &str = "paddock_changes";

/// Tells when something may have changed that other nodes share.
#[derive(Debug)]
pub struct Changes(Option<(watch::Receiver<u64>, Interval)>);

impl Store {
    /// Listens to what other nodes change. SQLite has none. Must be called on a runtime.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let Db::Postgres(pool) = self.database() else { return Changes(None) };
        let (tell, told) = watch::channel(0);
        tokio::spawn(listen(pool.clone(), tell));
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Changes(Some((told, looks)))
    }
}

impl Changes {
    /// Waits until something may have changed; for ever where nobody else can change anything.
    pub async fn next(&mut self) {
        let Some((told, looks)) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            heard = told.changed() => {
                // The listener ends with the store; looking goes on until its owner does.
                if heard.is_err() {
                    looks.tick().await;
                }
            }
            _ = looks.tick() => {}
        }
    }
}

/// Listens until nobody wants to know any more. After each connection that is new something may have been missed, so that is told too.
async fn listen(pool: PgPool, tell: watch::Sender<u64>) {
    let more = || tell.send_modify(|count| *count = count.wrapping_add(1));
    while !tell.is_closed() && !pool.is_closed() {
        let listening = async {
            let (schema,): (String,) =
                sqlx::query_as("SELECT current_schema()::text").fetch_one(&pool).await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(CHANNEL).await?;
            more();
            loop {
                match listener.try_recv().await? {
                    // Others' databases may be in other schemas of the same server.
                    Some(notification) if notification.payload() != schema => {}
                    Some(_) | None => more(),
                }
            }
        };
        let ended: Result<std::convert::Infallible, sqlx::Error> = tokio::select! {
            ended = listening => ended,
            () = tell.closed() => return,
        };
        // Nothing to do about it but to try again: whoever waits looks by itself meanwhile.
        drop(ended);
        _ = timeout(RETRY, tell.closed()).await;
    }
}
