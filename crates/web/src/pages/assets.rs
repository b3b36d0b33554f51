//! The files beside the page. Their names hold a hash of their content, so that a browser may keep them for ever and still gets
//! a new version at once.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

/// One file with its content.
#[derive(Debug)]
pub(super) struct Asset {
    /// The name in the address, for example `app.1f2e3d4c5b6a.css`.
    name: String,
    content: &'static [u8],
    content_type: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, content: &'static [u8], content_type: &'static str) -> Self {
        let hash = hex::encode(Sha256::digest(content));
        Self { name: format!("{stem}.{}.{extension}", &hash[..12]), content, content_type }
    }

    /// The address, for the page.
    pub(super) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// All files.
#[derive(Debug)]
pub(super) struct Assets {
    pub(super) style: Asset,
    pub(super) script: Asset,
    pub(super) mark: Asset,
}

/// The files of this version.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("app", "css", include_bytes!("../../../../front/app.css"), "text/css; charset=utf-8"),
    script: Asset::new(
        "live",
        "js",
        include_bytes!("../../../../front/live.js"),
        "text/javascript; charset=utf-8",
    ),
    mark: Asset::new("mark", "svg", include_bytes!("../../../../front/mark.svg"), "image/svg+xml"),
});

/// `GET /assets/{name}`
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let found = [&ASSETS.style, &ASSETS.script, &ASSETS.mark].into_iter().find(|asset| asset.name == name);
    match found {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ],
            asset.content,
        )
            .into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such file: reload the page\n").into_response(),
    }
}
