//! The one writer of the hot path: whatever waits to be written goes into one transaction and one sync.
//!
//! While a transaction is being made durable, the next pieces of work queue up; all of them are in the next one. Each piece sees
//! what those before it did, so a cap is as exact as if each had a transaction of its own, and the order of the queue is the order
//! of the audit chain. Each caller gets its own result, and no caller waits longer than the store's patience.
//!
//! One piece that fails does not spoil the others: if it had written nothing, the transaction goes on without it. Otherwise all of
//! it is rolled back, and every piece is run again in a transaction of its own.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::StoreError;
use crate::db::{Connections, Store, Tx};

/// How long a caller waits for its record unless told otherwise. What is not durable by then is refused.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long one transaction may take, the wait for other nodes and processes included, before its connection is given up.
const LONGEST: Duration = Duration::from_secs(10);

/// Pieces of work that may wait. Whoever comes then is refused at once: waiting would be in vain.
const WAITING: usize = 8192;

/// Pieces of work in one transaction. More would not be cheaper by the piece, and make the first ones wait.
const TOGETHER: usize = 256;

/// A piece of work that is written together with others.
pub(crate) trait Work: Send + 'static {
    /// What it yields.
    type Output: Send + 'static;

    /// Does it. When the transaction fails because of another piece, it is called once more in another transaction.
    fn run(&mut self, tx: &mut Tx) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;

    /// Whether it is worth nothing to a caller that has stopped waiting, so that it need not be begun.
    fn is_for_caller_only(&self) -> bool {
        false
    }

    /// What to write when it is durable, but its caller has stopped waiting.
    fn unclaimed(&self, _output: Self::Output) -> Option<Waiting> {
        None
    }
}

/// A piece of work in the queue.
pub(crate) type Waiting = Box<dyn Item>;

/// A piece of work with its caller, whatever it yields.
pub(crate) trait Item: Send {
    fn run<'t>(
        &'t mut self,
        tx: &'t mut Tx,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 't>>;
    fn is_in_vain(&self) -> bool;
    /// Tells the caller what came of it; `failure` when it is not durable. May yield what is to be written next.
    fn tell(self: Box<Self>, failure: Option<StoreError>) -> Option<Waiting>;
}

/// Puts a piece of work into the form of the queue.
pub(crate) fn waiting<W: Work>(work: W) -> (Waiting, oneshot::Receiver<Result<W::Output, StoreError>>) {
    let (reply, outcome) = oneshot::channel();
    (Box::new(WithCaller { work, outcome: None, reply }), outcome)
}

struct WithCaller<W: Work> {
    work: W,
    outcome: Option<Result<W::Output, StoreError>>,
    reply: oneshot::Sender<Result<W::Output, StoreError>>,
}

impl<W: Work> Item for WithCaller<W> {
    fn run<'t>(
        &'t mut self,
        tx: &'t mut Tx,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 't>> {
        Box::pin(async move {
            let before = tx.changes;
            self.outcome = None;
            match self.work.run(tx).await {
                Err(error) if tx.changes > before || error.is_of_database() => Err(error),
                outcome => {
                    self.outcome = Some(outcome);
                    Ok(())
                }
            }
        })
    }

    fn is_in_vain(&self) -> bool {
        self.work.is_for_caller_only() && self.reply.is_closed()
    }

    fn tell(self: Box<Self>, failure: Option<StoreError>) -> Option<Waiting> {
        let Self { work, outcome, reply } = *self;
        let outcome = match (failure, outcome) {
            // What failed without having written anything failed for its own reason.
            (_, Some(Err(error))) => Err(error),
            (Some(error), _) => Err(error),
            (None, Some(outcome)) => outcome,
            (None, None) => Err(StoreError::TooSlow),
        };
        match reply.send(outcome) {
            Err(Ok(output)) => work.unclaimed(output),
            Ok(()) | Err(Err(_)) => None,
        }
    }
}

/// Writes what comes through the queue until the last store is dropped.
pub(crate) async fn write_all(connections: Connections, mut queue: mpsc::Receiver<Waiting>) {
    let mut after = Vec::new();
    loop {
        let mut batch = std::mem::take(&mut after);
        if batch.is_empty() {
            match queue.recv().await {
                Some(first) => batch.push(first),
                None => return,
            }
        }
        let outcome = written(&connections, &mut batch, Some(&mut queue)).await;
        match outcome {
            Err(error) if batch.len() > 1 && !error.concerns_all() => {
                // One of them broke the transaction. Which one shows when each has its own.
                for item in batch {
                    let mut alone = vec![item];
                    let failure = written(&connections, &mut alone, None).await.err();
                    after.extend(alone.into_iter().filter_map(|item| item.tell(failure.clone())));
                }
            }
            outcome => {
                let failure = outcome.err();
                after.extend(batch.into_iter().filter_map(|item| item.tell(failure.clone())));
            }
        }
    }
}

/// Makes a batch durable, together with what joins it from the queue meanwhile.
async fn written(
    connections: &Connections,
    batch: &mut Vec<Waiting>,
    queue: Option<&mut mpsc::Receiver<Waiting>>,
) -> Result<(), StoreError> {
    timeout(LONGEST, transaction(connections, batch, queue)).await.unwrap_or(Err(StoreError::TooSlow))
}

async fn transaction(
    connections: &Connections,
    batch: &mut Vec<Waiting>,
    mut queue: Option<&mut mpsc::Receiver<Waiting>>,
) -> Result<(), StoreError> {
    let begun = connections.begin_write().await;
    let mut done = 0;
    let mut tx = match begun {
        Ok(tx) => tx,
        Err(error) => {
            // Whoever waits now would only learn the same, later.
            while batch.len() < TOGETHER
                && let Some(Ok(more)) = queue.as_mut().map(|queue| queue.try_recv())
            {
                batch.push(more);
            }
            return Err(error);
        }
    };
    loop {
        if done == batch.len() {
            match queue.as_mut().map(|queue| queue.try_recv()) {
                Some(Ok(more)) if batch.len() < TOGETHER => batch.push(more),
                _ => break,
            }
        }
        if !batch[done].is_in_vain() {
            batch[done].run(&mut tx).await?;
        }
        done += 1;
    }
    tx.commit().await
}

impl Store {
    /// Has a piece of work written together with what else is waiting.
    pub(crate) async fn write<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        let (item, outcome) = waiting(work);
        self.queue.try_send(item).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        match timeout(self.patience, outcome).await {
            Ok(outcome) => outcome.unwrap_or(Err(StoreError::Closed)),
            Err(_) => Err(StoreError::TooSlow),
        }
    }
}

pub(crate) fn queue() -> (mpsc::Sender<Waiting>, mpsc::Receiver<Waiting>) {
    mpsc::channel(WAITING)
}
