//! The files beside the pages: Paddock's own look, and what the pages add to it. Their names hold a hash of their content, so
//! that a browser may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use crate::keys::sha256_hex;

/// Of Paddock's look what these pages have in common with its own.
const STYLE: &str = concat!(
    include_str!("../../../../front/css/tokens.css"),
    include_str!("../../../../front/css/base.css"),
    include_str!("../../../../front/css/parts.css"),
    include_str!("../../../../front/css/lists.css"),
);

/// One file with its content.
#[derive(Debug)]
struct Asset {
    name: String,
    content: &'static str,
    content_type: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, content: &'static str, content_type: &'static str) -> Self {
        let name = format!("{stem}.{}.{extension}", &sha256_hex(content)[..12]);
        Self { name, content, content_type }
    }
}

/// All files.
#[derive(Debug)]
pub(crate) struct Assets([Asset; 3]);

impl Assets {
    fn path(&self, index: usize) -> String {
        format!("/dashboard/assets/{}", self.0[index].name)
    }

    /// The address of Paddock's style sheet.
    pub(crate) fn style(&self) -> String {
        self.path(0)
    }

    /// The address of the style sheet for these pages.
    pub(crate) fn own_style(&self) -> String {
        self.path(1)
    }

    /// The address of Paddock's mark.
    pub(crate) fn mark(&self) -> String {
        self.path(2)
    }
}

/// The files of this version.
pub(crate) static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let css = "text/css; charset=utf-8";
    Assets([
        Asset::new("app", "css", STYLE, css),
        Asset::new("broker", "css", include_str!("../../../../front/broker.css"), css),
        Asset::new("mark", "svg", include_str!("../../../../front/mark.svg"), "image/svg+xml"),
    ])
});

/// `GET /dashboard/assets/{name}`
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    match ASSETS.0.iter().find(|asset| asset.name == name) {
        Some(asset) => {
            let mut response = asset.content.into_response();
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
            response
        }
        None => (StatusCode::NOT_FOUND, "there is no such file: reload the page\n").into_response(),
    }
}
