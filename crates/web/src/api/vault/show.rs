//! `GET /api/v1/vault`

use axum::Json;
use jiff::Timestamp;
use paddock_core::SecretText;
use paddock_core::id::DekId;
use paddock_vault::{SEALS_PER_DEK, WrappedDek};
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{problems, words};
use crate::problem::Problem;

/// What the vault looks like from outside. No key material.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vault)]
pub(crate) struct VaultView {
    /// Where the key-encryption key is kept.
    pub(crate) provider: &'static str,
    /// The key-encryption key under which the newest data-encryption key is wrapped; absent while there is none.
    #[schema(required)]
    pub(crate) kek: Option<String>,
    /// Whether the keys cannot be read, so that nothing can be sealed or opened.
    pub(crate) locked: bool,
    pub(crate) deks: Vec<DekView>,
}

/// A data-encryption key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DataKey)]
pub(crate) struct DekView {
    #[schema(value_type = words::Id)]
    id: DekId,
    kek: String,
    created_at: Timestamp,
    pub(crate) seals: u64,
    seals_left: u64,
}

/// Which keys there are.
#[utoipa::path(
    get,
    path = "/api/v1/vault",
    operation_id = "getVault",
    tag = "system",
    responses(
        (status = 200, description = "Which keys there are", body = VaultView),
    ),
    extensions(("x-problems" = json!([problems::VAULT]))),
)]
pub(crate) async fn show(desk: Desk) -> Result<Json<VaultView>, Problem> {
    view(&desk).await.map(Json)
}

pub(crate) async fn view(desk: &Desk) -> Result<VaultView, Problem> {
    let mut deks = Vec::new();
    for row in desk.store.deks().await?.into_iter().filter(|row| row.user == desk.user) {
        let kek = WrappedDek::from_bytes(&row.wrapped)?.kek().to_string();
        deks.push(DekView {
            id: row.id,
            kek,
            created_at: row.created_at,
            seals: row.seals,
            seals_left: SEALS_PER_DEK.saturating_sub(row.seals),
        });
    }
    // Taking a fingerprint needs the keys and nothing else.
    let locked = desk.sealer.fingerprint(&SecretText::new(String::new())).is_err();
    let kek = deks.last().map(|dek| dek.kek.clone());
    Ok(VaultView { provider: "key_file", kek, locked, deks })
}
