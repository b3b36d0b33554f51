//! What the gateway is told. A rehearsal tells it nothing.

use paddock_core::rotation::{Event, Rotation};

use crate::Rotations;

impl Rotations {
    pub(crate) async fn confirm_pause(&self, rotation: &Rotation) -> Event {
        if rotation.rehearsal {
            return Event::PauseConfirmed;
        }
        let held = self.options.gate.hold(rotation.connection).await;
        held.map_or_else(Event::GateFailed, |()| Event::PauseConfirmed)
    }

    pub(crate) async fn confirm_resume(&self, rotation: &Rotation) -> Event {
        if rotation.rehearsal {
            return Event::ResumeConfirmed;
        }
        let released = self.options.gate.release(rotation.connection).await;
        released.map_or_else(Event::GateFailed, |()| Event::ResumeConfirmed)
    }

    pub(crate) async fn swap(&self, rotation: &Rotation) -> Event {
        if rotation.rehearsal {
            return Event::Swapped;
        }
        let swapped = self.options.gate.swap(rotation.connection).await;
        swapped.map_or_else(Event::GateFailed, |()| Event::Swapped)
    }
}
