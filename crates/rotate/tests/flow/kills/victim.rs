//! The process that may be killed from outside, in the midst of a request that it has sent.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Knows the requests that change something, and kills the process at some of them.
#[derive(Debug, Default)]
pub struct Victim {
    /// At which requests, by name, it dies when they come first.
    deaths: BTreeSet<String>,
    /// The process; 0 when none runs.
    process: AtomicI32,
    met: Mutex<Vec<String>>,
    killed: Mutex<Vec<String>>,
}

impl Victim {
    pub fn dying_at(deaths: BTreeSet<String>) -> Self {
        Self { deaths, ..Self::default() }
    }

    /// This process runs from now on.
    pub fn runs(&self, id: u32) {
        self.process.store(i32::try_from(id).unwrap(), Ordering::SeqCst);
    }

    /// It runs no more.
    pub fn ended(&self) {
        self.process.store(0, Ordering::SeqCst);
    }

    /// A request came, or is done and not answered yet. When this returns, a process that was to die here is dead; tells whether it lives.
    pub fn survives(&self, name: &str) -> bool {
        let mut met = self.met.lock().unwrap();
        if met.iter().any(|known| known == name) {
            return true;
        }
        met.push(name.to_owned());
        if !self.deaths.contains(name) {
            return true;
        }
        self.killed.lock().unwrap().push(name.to_owned());
        let Some(process) = Pid::from_raw(self.process.load(Ordering::SeqCst)) else { return true };
        kill_process(process, Signal::KILL).unwrap();
        // Its parent hears of its end all the same. An error says that it has heard already.
        _ = waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        false
    }

    /// All requests that were met, by name.
    pub fn requests(&self) -> Vec<String> {
        self.met.lock().unwrap().clone()
    }

    /// Those at which it was killed.
    pub fn killed(&self) -> Vec<String> {
        self.killed.lock().unwrap().clone()
    }
}
