//! Where exactly a person clicks at Alpaca.

use paddock_core::Environment;
use paddock_core::rotation::{Rotation, RotationState};

const PAPER: [&str; 5] = [
    "Sign in at app.alpaca.markets and choose Paper at the top left: the account's number begins with PA.",
    "Check that the number shown is the one of this rotation.",
    "On the home page find API Keys and choose Regenerate. The old pair is dead from this click on.",
    "Copy the Key ID and the Secret Key at once: the secret is shown once.",
    "Paste both here. Nothing else is needed; do not close Alpaca's page before this one says that the pair is kept.",
];

const LIVE: [&str; 5] = [
    "Sign in at app.alpaca.markets and choose the live account at the top left: its number does not begin with PA.",
    "Check that the number shown is the one of this rotation.",
    "On the home page find API Keys and choose Regenerate; Alpaca asks for your second factor. The old pair is dead from this click on.",
    "Copy the Key ID and the Secret Key at once: the secret is shown once.",
    "Paste both here. Nothing else is needed; do not close Alpaca's page before this one says that the pair is kept.",
];

const REHEARSAL: [&str; 2] = [
    "Regenerate the pair of the rehearsal's account in the paper broker's dashboard, or with `paddock paper key regenerate`.",
    "Paste both halves here.",
];

/// The clicks, while a new pair is waited for.
pub(crate) fn clicks(rotation: &Rotation) -> Vec<&'static str> {
    if !matches!(rotation.state, RotationState::AwaitingMint | RotationState::Candidate) {
        return Vec::new();
    }
    match (rotation.rehearsal, rotation.environment) {
        (true, _) => REHEARSAL.to_vec(),
        (false, Environment::Paper) => PAPER.to_vec(),
        (false, Environment::Live) => LIVE.to_vec(),
    }
}
