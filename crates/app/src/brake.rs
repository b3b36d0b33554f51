//! The brake that needs nothing else to work: the file `FREEZE` in the data directory, and the signal SIGUSR1.
//!
//! A thread with a runtime of its own looks for them, so that neither the pages nor the database nor a busy runtime can be in its way.
//! What it freezes holds in memory at once, and is stored as soon as that can be done.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use paddock_gateway::Control;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, Outcome};
use crate::instance::Instance;

/// How often the file is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How often storing the freeze is tried.
const RETRY: Duration = Duration::from_secs(1);

/// What the brake knows. Everything is frozen in memory while the file is there, and until what came by a signal is stored.
#[derive(Debug)]
pub(crate) struct Brake {
    file: PathBuf,
    is_there: AtomicBool,
    unsaved: AtomicU32,
    control: Control,
}

impl Brake {
    /// Looks for the file once, before anybody is served.
    pub(crate) fn new(file: PathBuf, control: Control) -> Self {
        let brake = Self { file, is_there: AtomicBool::new(false), unsaved: AtomicU32::new(0), control };
        brake.look();
        brake
    }

    /// Looks for the file; tells whether it has come since it was last looked for. Where that cannot be told it is there.
    fn look(&self) -> bool {
        let found = std::fs::symlink_metadata(&self.file);
        let is_there = !matches!(found, Err(error) if error.kind() == ErrorKind::NotFound);
        let was_there = self.is_there.swap(is_there, Ordering::SeqCst);
        if is_there != was_there {
            self.apply();
        }
        is_there && !was_there
    }

    fn apply(&self) {
        let frozen = self.is_there.load(Ordering::SeqCst) || self.unsaved.load(Ordering::SeqCst) > 0;
        self.control.freeze_in_memory(frozen);
    }
}

/// Begins to look for the file and to listen to the signal.
pub(crate) fn watch(
    brake: Arc<Brake>,
    closing: CancellationToken,
    pulled: mpsc::UnboundedSender<&'static str>,
) -> Outcome<JoinHandle<()>> {
    let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
    let pull = move |brake: &Brake, how| {
        brake.unsaved.fetch_add(1, Ordering::SeqCst);
        brake.apply();
        tracing::warn!("everything is frozen by {how}");
        // The receiver is there until the end.
        _ = pulled.send(how);
    };
    let watching = async move |mut signals: Signal| {
        // It may have been there from the start.
        if brake.is_there.load(Ordering::SeqCst) {
            pull(&brake, BY_FILE);
        }
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    if brake.look() {
                        pull(&brake, BY_FILE);
                    }
                }
                _ = signals.recv() => pull(&brake, BY_SIGNAL),
                () = closing.cancelled() => return,
            }
        }
    };
    let thread = std::thread::Builder::new()
        .name("brake".to_owned())
        .spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let set_up = runtime.and_then(|runtime| {
                let _entered = runtime.enter();
                signal(SignalKind::user_defined1()).map(|signals| (signals, runtime))
            });
            match set_up {
                Ok((signals, runtime)) => {
                    _ = ready.send(Ok(()));
                    runtime.block_on(watching(signals));
                }
                Err(error) => _ = ready.send(Err(error)),
            }
        })
        .map_err(Failure::cannot("watch for the file FREEZE"))?;
    match is_ready.recv() {
        Ok(Ok(())) => Ok(thread),
        Ok(Err(error)) => Err(Failure::cannot("listen for SIGUSR1")(error)),
        Err(_) => Err(Failure::new("the thread that watches for the file FREEZE ended at once")),
    }
}

const BY_FILE: &str = "the file FREEZE in the data directory";
const BY_SIGNAL: &str = "the signal SIGUSR1";

/// Stores what the brake froze, however long the database is not there.
pub(crate) async fn store(
    instance: Arc<Instance>,
    brake: Arc<Brake>,
    mut pulled: mpsc::UnboundedReceiver<&'static str>,
) -> &'static str {
    const NAME: &str = "brake";
    let closing = instance.closing().clone();
    loop {
        let how = tokio::select! {
            how = pulled.recv() => how,
            () = closing.cancelled() => return NAME,
        };
        let Some(how) = how else { return NAME };
        while let Err(error) = instance.freeze_everything(how).await {
            tracing::error!(%error, "everything is frozen in memory, and that cannot be stored yet");
            if timeout(RETRY, closing.cancelled()).await.is_ok() {
                return NAME;
            }
        }
        brake.unsaved.fetch_sub(1, Ordering::SeqCst);
        brake.apply();
    }
}
