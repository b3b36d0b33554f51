//! What keeps secrets out of core dumps.

/// Turns core dumps off for this process. A handler that the kernel pipes dumps to ignores the size limit, so on Linux
/// the process is also marked as not dumpable. Both may be forbidden by a container; then the dump policy is the container's.
pub(crate) fn turn_core_dumps_off() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "cannot limit core dumps");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "cannot turn core dumps off");
    }
}
