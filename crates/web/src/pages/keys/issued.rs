//! A new access key with its secret: shown by the answer that issues it, and never again.

use askama::Template;
use axum::response::Response;
use paddock_store::Connection;

use crate::api::keys::create::Created;
use crate::clients::{Client, ClientSettings};
use crate::desk::Desk;
use crate::pages::answer::page;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "keys/issued.html")]
pub(super) struct Issued {
    shell: Shell,
    path: String,
    name: String,
    sentence: String,
    key_id: String,
    secret_key: String,
    gateway: String,
    /// Whether requests have to be signed, which Alpaca's clients do not do.
    signed: bool,
    clients: Vec<ForClient>,
}

/// What one client is told.
struct ForClient {
    title: &'static str,
    /// How the command line names it.
    name: &'static str,
    /// The lines to paste; nothing for a client that has to be led through the proxy.
    text: Option<String>,
}

impl Issued {
    pub(super) async fn page(
        desk: &Desk,
        connection: &Connection,
        created: &Created,
    ) -> Result<Response, Problem> {
        let key = &created.key;
        let settings = ClientSettings {
            key_id: key.key_id.clone(),
            environment: key.environment,
            gateway: desk.gateway_url.clone(),
            // Its certificate has to be written on the machine of the program first.
            proxy: None,
        };
        let clients = Client::ALL.iter().map(|client| ForClient {
            title: client.title(),
            name: client.as_str(),
            text: settings.printed(*client, created.secret_key()).ok(),
        });
        page(&Self {
            shell: Shell::load(desk, Section::Keys, "Access key issued").await?.about(connection),
            path: super::path(key),
            name: key.name.clone(),
            sentence: key.scope_sentence.clone(),
            key_id: key.key_id.clone(),
            secret_key: created.secret_key().to_owned(),
            gateway: desk.gateway_url.clone(),
            signed: key.scope.signed.is_some(),
            clients: clients.collect(),
        })
    }
}

impl Drop for Issued {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret_key);
        for text in self.clients.iter_mut().filter_map(|client| client.text.as_mut()) {
            zeroize::Zeroize::zeroize(text);
        }
    }
}
