//! How a program's socket is kept and ended.

use std::time::Duration;

use paddock_alpaca::socket::{Close, Fault, Message};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::ClientSocket;
use super::standing::Denied;

/// How often a quiet program is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// How long a program may be silent.
const SILENCE: Duration = Duration::from_secs(90);
/// How long the last words may take.
const PARTING: Duration = Duration::from_secs(5);
/// How long a program may take to take an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Why a socket ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// The program is gone.
    Gone,
    /// Paddock is shutting down.
    Closing,
    /// The program may not have the stream any more.
    Denied(Denied),
    /// What the program did; it is told this before.
    Conduct(Option<Message>),
    /// It broke the protocol.
    Fault(Fault),
}

/// Says farewell and ends a socket. A program that does not read gets nothing of it, after a while.
pub(super) async fn close(mut socket: ClientSocket, ending: Ending, last_words: Option<Message>) {
    let (code, reason, last) = match ending {
        Ending::Gone => return,
        Ending::Closing => (1001, "Paddock is shutting down".to_owned(), None),
        Ending::Denied(denied) => (1008, denied.reason(), last_words),
        Ending::Conduct(last) => (1008, String::new(), last),
        Ending::Fault(fault) => (fault.code(), fault.reason().to_owned(), None),
    };
    let parting = async {
        if let Some(last) = last
            && socket.send(&last).await.is_err()
        {
            return;
        }
        if socket.send(&Message::Close(Some(Close { code, reason }))).await.is_ok() {
            // Who reads on until its own close frame loses nothing of what was sent before.
            while let Some(Ok(message)) = socket.recv().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
        }
    };
    // Whoever takes longer is cut off.
    let _ = tokio::time::timeout(PARTING, parting).await;
}

/// Sends a message that a program must take in time.
pub(super) async fn send(socket: &mut ClientSocket, message: &Message) -> Result<(), Ending> {
    match tokio::time::timeout(PATIENCE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Ending::Gone),
    }
}

/// What a program said, or why nothing can be heard any more.
pub(super) fn heard(received: Option<Result<Message, Fault>>) -> Result<Message, Ending> {
    match received {
        Some(Ok(message)) => Ok(message),
        Some(Err(fault)) => Err(Ending::Fault(fault)),
        None => Err(Ending::Gone),
    }
}

/// Notices who is gone without a word.
pub(super) struct Pulse {
    ticks: Interval,
    heard: Instant,
}

impl Pulse {
    pub(super) fn new() -> Self {
        let mut ticks = tokio::time::interval_at(Instant::now() + PING, PING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, heard: Instant::now() }
    }

    /// The program has said something, if only a pong.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Waits until the program should be asked; tells whether it still counts as there.
    pub(super) async fn beat(&mut self) -> bool {
        self.ticks.tick().await;
        self.heard.elapsed() < SILENCE
    }
}
