//! Ctrl-C and the service manager's request to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, Outcome};
use crate::output::note;

/// Two steps of ending: the first signal asks for a graceful end, the second for one at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    pub(crate) graceful: CancellationToken,
    pub(crate) hard: CancellationToken,
}

impl Ending {
    /// Listens for SIGINT and SIGTERM from now on.
    pub(crate) fn on_signals() -> Outcome<Self> {
        let ending = Self::default();
        let listen = |kind| signal(kind).map_err(Failure::cannot("listen for signals"));
        let (mut interrupt, mut terminate) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let both = ending.clone();
        tokio::spawn(async move {
            for (step, words) in [
                (&both.graceful, "finishing open requests; once more to end at once"),
                (&both.hard, "ending at once"),
            ] {
                tokio::select! {
                    _ = interrupt.recv() => note(&format!("\n{words}")),
                    _ = terminate.recv() => tracing::info!("{words}"),
                }
                step.cancel();
            }
        });
        Ok(ending)
    }
}
