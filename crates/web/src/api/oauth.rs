//! `GET /api/v1/oauth`: whether accounts can be connected by OAuth, and where.
//!
//! A program cannot begin or end it. Alpaca sends the person's browser back to Paddock's own pages, and only the session that began an
//! attempt can end it; what a program can do is show its person where to begin.

use axum::Json;
use paddock_alpaca::oauth::{OAuthScope, OauthApp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;

/// Whether accounts can be connected by OAuth, and where.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Oauth)]
pub(crate) struct OauthView {
    /// Whether this Paddock is registered as an app at Alpaca.
    registered: bool,
    /// The app's client id.
    #[schema(required)]
    client_id: Option<String>,
    /// Where Alpaca sends people back to.
    #[schema(required)]
    redirect_uri: Option<String>,
    /// What people are asked for.
    scopes: Vec<String>,
    /// The page on which a person begins with a paper account.
    #[schema(required)]
    connect_paper: Option<String>,
    /// The page on which a person begins with a live account.
    #[schema(required)]
    connect_live: Option<String>,
}

/// Whether accounts can be connected by OAuth, and where. Beginning and ending it is for a person's browser: only the session that began
/// can end it.
#[utoipa::path(
    get,
    path = "/api/v1/oauth",
    operation_id = "showOauth",
    tag = "connections",
    responses(
        (status = 200, description = "Whether an app is registered, and where a person begins", body = OauthView),
    ),
)]
pub(crate) async fn show(desk: Desk) -> Json<OauthView> {
    let page = |environment: &str| {
        let app = desk.oauth.as_ref()?;
        let place = app.redirect_uri().strip_suffix(crate::oauth::OAUTH_CALLBACK)?;
        Some(format!("{place}/connections/new/{environment}"))
    };
    Json(OauthView {
        registered: desk.oauth.is_some(),
        client_id: desk.oauth.as_ref().map(|app| app.client_id().to_owned()),
        redirect_uri: desk.oauth.as_ref().map(OauthApp::redirect_uri).map(str::to_owned),
        scopes: OAuthScope::ALL.map(|scope| scope.as_str().to_owned()).to_vec(),
        connect_paper: page("paper"),
        connect_live: page("live"),
    })
}
