//! The files beside the pages. Their names hold a hash of their content, so that a browser may keep them for ever and still gets
//! a new version at once.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The style sheets in their order: each may build on those before it. An area's own comes last.
const STYLE: &str = concat!(
    include_str!("../../../../front/css/tokens.css"),
    include_str!("../../../../front/css/base.css"),
    include_str!("../../../../front/css/parts.css"),
    include_str!("../../../../front/css/lists.css"),
    include_str!("../../../../front/css/frame.css"),
    include_str!("../../../../front/css/forms.css"),
    include_str!("../../../../front/css/overview.css"),
    include_str!("../../../../front/css/connections.css"),
    include_str!("../../../../front/css/freeze.css"),
    include_str!("../../../../front/css/keys.css"),
    include_str!("../../../../front/css/approvals.css"),
    include_str!("../../../../front/css/activity.css"),
    include_str!("../../../../front/css/account.css"),
    include_str!("../../../../front/css/audit.css"),
    include_str!("../../../../front/css/settings.css"),
    include_str!("../../../../front/css/people.css"),
    include_str!("../../../../front/css/security.css"),
);

/// One file with its content.
#[derive(Debug)]
struct Asset {
    /// The name in the address, for example `app.1f2e3d4c5b6a.css`.
    name: String,
    content: &'static [u8],
    /// The same by gzip.
    packed: Vec<u8>,
    content_type: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, content: &'static [u8], content_type: &'static str) -> Self {
        let hash = hex::encode(Sha256::digest(content));
        let name = format!("{stem}.{}.{extension}", &hash[..12]);
        Self { name, content, packed: packed(content).unwrap_or_default(), content_type }
    }
}

fn packed(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

/// All files.
#[derive(Debug)]
struct Assets {
    style: Asset,
    script: Asset,
    chart: Asset,
    mark: Asset,
}

impl Assets {
    const fn all(&self) -> [&Asset; 4] {
        [&self.style, &self.script, &self.chart, &self.mark]
    }
}

/// The files of this version.
static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("app", "css", STYLE.as_bytes(), CSS),
    script: Asset::new("app", "js", include_bytes!("../../../../front/dist/app.js"), SCRIPT),
    chart: Asset::new("chart", "js", include_bytes!("../../../../front/dist/chart.js"), SCRIPT),
    mark: Asset::new("mark", "svg", include_bytes!("../../../../front/mark.svg"), "image/svg+xml"),
});

/// What every page's head names: where its files are, and which version it is of.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The style sheet.
    pub(crate) style: String,
    /// The script.
    pub(crate) script: String,
    /// What the script fetches where there is a chart.
    pub(crate) chart: String,
    /// Paddock's mark.
    pub(crate) mark: String,
    /// Paddock's version.
    pub(crate) version: &'static str,
}

impl Frame {
    pub(crate) fn new() -> Self {
        let path = |asset: &Asset| format!("/assets/{}", asset.name);
        Self {
            style: path(&ASSETS.style),
            script: path(&ASSETS.script),
            chart: path(&ASSETS.chart),
            mark: path(&ASSETS.mark),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// `GET /assets/{name}`
pub(super) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.all().into_iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "there is no such file: reload the page\n").into_response();
    };
    let kept = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    if takes_gzip(&headers) && !asset.packed.is_empty() {
        (kept, [(header::CONTENT_ENCODING, "gzip")], asset.packed.as_slice()).into_response()
    } else {
        (kept, asset.content).into_response()
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next() == Some("gzip")
                && parts.next().is_none_or(|weight| weight.trim_start_matches("q=") != "0")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a visitor's browser fetches, once. Over it, something must go before more comes.
    #[test]
    fn all_that_a_browser_fetches_is_under_150_kilobytes() {
        let sizes = ASSETS.all().map(|asset| asset.packed.len());
        assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
        let sum: usize = sizes.iter().sum();
        assert!(sum < 150_000, "{sum} bytes: {sizes:?}");
    }
}
