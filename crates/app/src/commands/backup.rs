//! `paddock backup`: everything in one file.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::api::ApiClient;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::files::remove_if_there;

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write, which must not exist yet
    file: PathBuf,
    /// Copy the vault's key file to FILE.key as well: whoever has both has the credentials
    #[arg(long)]
    with_key: bool,
}

pub(crate) async fn run(args: &BackupArgs, context: &Context) -> Outcome {
    let dir = context.data_dir()?;
    let client = context.client().await?;
    let written = write(args, &client).await;
    client.close().await;
    let bytes = written?;
    let key_copy = args.with_key.then(|| key_beside(&args.file));
    if let Some(copy) = &key_copy {
        copy_key(&dir.key_file(), copy)?;
    }
    let value = json!({ "file": args.file, "bytes": bytes, "key_file": key_copy });
    context.output.show(&value, |paint| {
        let mut text = format!("{} {} ({bytes} bytes)\n", paint.good("wrote"), args.file.display());
        match &key_copy {
            Some(copy) => {
                text += &format!("{} {}: together they open the credentials, so keep them apart\n", paint.good("wrote"), copy.display());
            }
            None => {
                text += &format!(
                    "the key file is not in it, and without it nothing opens the credentials: keep a copy of {} in another place\n",
                    dir.key_file().display()
                );
            }
        }
        text
    })
}

/// Where the copy of the key file goes, and where a restore looks for it.
pub(super) fn key_beside(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// Copies a key file (0600). An existing file is left alone.
pub(super) fn copy_key(from: &Path, to: &Path) -> Outcome {
    let cannot = |error: std::io::Error| {
        Failure::new(format!("cannot copy the key file {} to {}: {error}", from.display(), to.display()))
            .hint("see that the first exists and is yours, and that the second does not exist yet")
    };
    let content = zeroize::Zeroizing::new(std::fs::read(from).map_err(cannot)?);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(to).map_err(cannot)?;
    file.write_all(&content).and_then(|()| file.sync_all()).map_err(cannot)
}

/// Writes the backup down to the disk. Whatever is not whole is removed.
async fn write(args: &BackupArgs, client: &ApiClient) -> Outcome<u64> {
    let mut file =
        File::options().write(true).create_new(true).mode(0o600).open(&args.file).map_err(|error| {
            Failure::new(format!("cannot write {}: {error}", args.file.display()))
                .hint("name a file that does not exist yet")
        })?;
    let written = fill(&mut file, args, client).await;
    if written.is_err() {
        remove_if_there(&args.file)
            .map_err(Failure::cannot(format!("remove the partial {}", args.file.display())))?;
    }
    written
}

async fn fill(file: &mut File, args: &BackupArgs, client: &ApiClient) -> Outcome<u64> {
    let cannot = |path: &Path| Failure::cannot::<std::io::Error>(format!("write {}", path.display()));
    file.set_permissions(Permissions::from_mode(0o600)).map_err(cannot(&args.file))?;
    let mut body = client.stream(Method::POST, "/api/v1/backup").await?;
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Failure::cannot("read the backup"))?;
        let Ok(piece) = frame.into_data() else { continue };
        file.write_all(&piece).map_err(cannot(&args.file))?;
        bytes += piece.len() as u64;
    }
    file.sync_all().map_err(cannot(&args.file))?;
    Ok(bytes)
}
