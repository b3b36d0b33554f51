//! `paddock scan --rotate`: the rotation of each connection whose present pair was found is planned and started at once, so that a person only has
//! to make the new pair. New orders are held back from then on, which is what a leak asks for.

use std::collections::BTreeMap;

use paddock_core::rotation::Cause;
use serde_json::json;

use super::finding::Finding;
use super::known::Known;
use crate::api::{ApiClient, segment};
use crate::commands::rotation::window_from_now;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::note;

/// What became of the rotation of a connection.
#[derive(Clone, Debug)]
pub(super) enum Begun {
    /// It is started, under this identifier.
    Started(String),
    /// There was one already.
    UnderWay,
}

impl Begun {
    /// For people.
    pub(super) const fn sentence(&self) -> &'static str {
        match self {
            Self::Started(_) => "its rotation is started, and new orders are held back",
            Self::UnderWay => "a rotation of it is under way already",
        }
    }
}

/// Begins them. What cannot be begun is told, and holds up no other.
pub(super) async fn begin(findings: &mut [Finding], ticket: Option<&str>, context: &Context) -> Outcome {
    let mut leaked: BTreeMap<String, Option<Begun>> = BTreeMap::new();
    let current = |finding: &Finding| finding.known.as_ref().filter(|known| known.current).cloned();
    let known: BTreeMap<String, Known> =
        findings.iter().filter_map(current).map(|known| (known.connection.clone(), known)).collect();
    if known.is_empty() {
        note("nothing to rotate: no pair that was found is one of your connections' present ones");
        return Ok(());
    }
    let client = context.client().await?;
    for (name, known) in &known {
        let begun = begin_one(known, ticket, &client).await;
        let begun =
            begun.inspect_err(|failure| note(&format!("`{name}` is not rotated: {}", failure.message())));
        leaked.insert(name.clone(), begun.ok());
    }
    let is_served = client.is_served();
    client.close().await;
    if !is_served && leaked.values().any(Option::is_some) {
        note("no server runs: start `paddock serve`, which does the work");
    }
    for known in findings.iter_mut().filter_map(|finding| finding.known.as_mut()) {
        if known.current {
            known.begun = leaked.get(&known.connection).cloned().flatten();
        }
    }
    Ok(())
}

async fn begin_one(known: &Known, ticket: Option<&str>, client: &ApiClient) -> Outcome<Begun> {
    let mut content = json!({ "cause": Cause::Compromise.as_str() });
    if known.environment == "live" {
        let Some(ticket) = ticket else {
            return Err(Failure::new("a live pair is replaced under a ticket: name it with `--ticket`"));
        };
        let (from, until) = window_from_now();
        content["window_from"] = json!(from);
        content["window_until"] = json!(until);
        content["ticket"] = json!(ticket);
    }
    let path = format!("/api/v1/connections/{}/rotations", segment(&known.connection));
    let planned = match client.post(&path, &content).await {
        Ok(planned) => planned,
        Err(failure) if failure.has_code("rotation_is_open") => return Ok(Begun::UnderWay),
        Err(failure) => return Err(failure),
    };
    let id = planned["id"].as_str().unwrap_or_default().to_owned();
    client.post_empty(&format!("/api/v1/rotations/{id}/start")).await?;
    Ok(Begun::Started(id))
}
