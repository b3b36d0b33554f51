//! What keeps secrets out of core dumps.

/// The name of a variable by which the tests may look into the memory of a build that has debug assertions. Release builds do not
/// know it.
#[cfg(debug_assertions)]
const MAY_BE_READ: &str = "PADDOCK_TEST_MEMORY_MAY_BE_READ";

/// Turns core dumps off for this process. A handler that the kernel pipes dumps to ignores the size limit, so on Linux
/// the process is also marked as not dumpable. Both may be forbidden by a container; then the dump policy is the container's.
pub(crate) fn turn_core_dumps_off() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "cannot limit core dumps");
    }
    #[cfg(debug_assertions)]
    if std::env::var_os(MAY_BE_READ).is_some() {
        return;
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "cannot turn core dumps off");
    }
}
