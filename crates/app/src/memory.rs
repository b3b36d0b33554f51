//! How much memory a server takes.

/// Asks for pages of the ordinary size. A server holds little and for long: with pages of two megabytes, which a system may hand out
/// by itself, it has twice the memory resident, and is no faster for it. Programs that the server starts inherit it. Where the
/// kernel knows no such wish, nothing is lost.
#[cfg(target_os = "linux")]
pub(crate) fn use_small_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages cannot be turned off");
    }
}

/// Nowhere else is this known.
#[cfg(not(target_os = "linux"))]
pub(crate) fn use_small_pages() {}
