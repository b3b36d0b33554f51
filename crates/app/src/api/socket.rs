//! The admin socket: binding it and calling over it.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use axum::body::Body;
use http::header::HOST;
use http::{HeaderValue, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::files::remove_if_there;

/// Bytes that fit into a socket's address on every system that Paddock runs on.
const MAX_PATH: usize = 100;

/// A path to the socket that is short enough, and the directory that must stay open for it to mean anything.
struct Reach {
    path: PathBuf,
    _directory: Option<File>,
}

impl Reach {
    /// A socket's path may have about a hundred bytes. A longer one is reached through an open directory on Linux.
    fn new(socket: &Path) -> io::Result<Self> {
        if socket.as_os_str().len() <= MAX_PATH || !cfg!(target_os = "linux") {
            return Ok(Self { path: socket.to_owned(), _directory: None });
        }
        let (Some(parent), Some(name)) = (socket.parent(), socket.file_name()) else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        let directory = File::open(parent)?;
        let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _directory: Some(directory) })
    }
}

/// Listens on the admin socket (0600). The caller holds the data directory's lock, so a socket that is there already was
/// left behind by a process that is gone.
pub(crate) fn bind(dir: &DataDir) -> Outcome<UnixListener> {
    let socket = dir.socket();
    let listen = || -> io::Result<UnixListener> {
        remove_if_there(&socket)?;
        let listener = UnixListener::bind(Reach::new(&socket)?.path)?;
        // The directory is its owner's alone (0700), so nobody can come in before this line.
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    listen().map_err(|error| {
        Failure::new(format!("cannot listen on the admin socket {}: {error}", socket.display()))
            .hint("see that this user may write to the data directory, and that its path is not too long")
    })
}

/// Whether a server answers on the data directory's socket.
pub(crate) async fn is_served(dir: &DataDir) -> bool {
    connect(&dir.socket()).await.is_ok()
}

async fn connect(socket: &Path) -> io::Result<UnixStream> {
    let reach = Reach::new(socket)?;
    UnixStream::connect(&reach.path).await
}

/// Sends one request over a connection of its own.
pub(super) async fn call(socket: &Path, mut request: Request<Body>) -> Outcome<Response<Body>> {
    let lost = |error: &dyn std::fmt::Display| {
        Failure::new(format!("lost the server on {}: {error}", socket.display()))
            .hint("see whether `paddock serve` still runs, and try again")
    };
    let stream = connect(socket).await.map_err(|error| lost(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    // It ends by itself when the answer was read or the sender is dropped.
    tokio::spawn(connection);
    request.headers_mut().insert(HOST, HeaderValue::from_static("paddock.sock"));
    let response = sender.send_request(request).await.map_err(|error| lost(&error))?;
    Ok(response.map(Body::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_path_can_be_bound_and_reached() {
        let temp = tempfile::tempdir().unwrap();
        let long = temp.path().join("x".repeat(120));
        let dir = DataDir::named_or_default(Some(&long), "").unwrap();
        dir.create().unwrap();
        assert!(!is_served(&dir).await);
        let _listener = bind(&dir).unwrap();
        assert!(is_served(&dir).await);
        assert_eq!(fs::metadata(dir.socket()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
