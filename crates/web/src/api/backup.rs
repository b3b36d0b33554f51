//! `POST /api/v1/backup`

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use paddock_core::audit::AuditEvent;
use paddock_core::id::uuid_v7;
use tokio::io::AsyncReadExt;

use crate::desk::Desk;
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::problem::Problem;

/// Bytes that are read and sent at a time.
const CHUNK: usize = 64 * 1024;

/// The whole database as an archive. Secrets in it are sealed; the key file that opens them is not part of it, and never
/// passes through here.
#[utoipa::path(
    post,
    path = "/api/v1/backup",
    operation_id = "createBackup",
    tag = "system",
    responses(
        (status = 200, description = "The archive", body = Vec<u8>, content_type = "application/gzip"),
    ),
    extensions(("x-problems" = json!(["backup_not_written"]))),
)]
pub(crate) async fn create(desk: Desk, fields: Fields) -> Result<Response, Problem> {
    fields.finish(&[])?;
    desk.need_fresh(Matter::Work)?;
    let file = nameless_file(&desk).map_err(|error| unwritable(&error))?;
    let (mut file, summary) = {
        let (store, runtime) = (desk.store.clone(), tokio::runtime::Handle::current());
        // The export writes as it goes, and a disk may be slow: not on a thread that serves others.
        tokio::task::spawn_blocking(move || {
            let mut file = file;
            runtime.block_on(store.export(&mut file)).map(|summary| (file, summary))
        })
        .await
        .map_err(|error| unwritable(&std::io::Error::other(error)))??
    };
    let length = file.stream_position().map_err(|error| unwritable(&error))?;
    file.seek(SeekFrom::Start(0)).map_err(|error| unwritable(&error))?;
    let event = AuditEvent::BackupWritten { records: summary.records };
    desk.store.append_audit(&desk.actor(), &event, desk.now()).await?;
    let chunks = stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async move {
        let mut chunk = vec![0; CHUNK];
        let count = file.read(&mut chunk).await?;
        chunk.truncate(count);
        Ok::<_, std::io::Error>((count > 0).then(|| (Bytes::from(chunk), file)))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

/// A file in the data directory that only this process can reach, and that is gone when it is closed.
fn nameless_file(desk: &Desk) -> std::io::Result<File> {
    let name = format!(".backup-{}", uuid_v7(desk.now(), &*desk.entropy));
    let path = Path::new(&desk.data_dir).join(name);
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn unwritable(error: &std::io::Error) -> Problem {
    tracing::error!(%error, "a backup could not be gathered");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "backup_not_written",
        "Backup not written",
        format!("the backup cannot be gathered in the data directory: {}", error.kind()),
        "make room on the disk and see that the data directory is yours",
    )
}
