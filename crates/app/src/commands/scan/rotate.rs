//! `paddock scan --rotate`: the rotation of each connection whose present pair was found is planned and started at once, so that a person only has
//! to make the new pair. New orders are held back from then on, which is what a leak asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use paddock_core::rotation::Cause;
use serde_json::{Value, json};

use super::finding::Finding;
use super::known::Known;
use crate::api::{ApiClient, segment};
use crate::commands::rotation::window_from_now;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::note;

/// How often it is looked whether new orders are held back, and for how long at most.
const LOOK: Duration = Duration::from_millis(100);
const MOST_LOOKS: u32 = 150;

/// What became of the rotation of a connection.
#[derive(Clone, Debug)]
pub(super) enum Begun {
    /// It is started, under this identifier.
    Started(String, Hold),
    /// There was one already.
    UnderWay(Hold),
}

/// Whether new orders are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// They are: the gateway has confirmed it, or no server runs, and the next one holds them back from its first moment on.
    InForce,
    /// They are to be; the gateway has not confirmed it yet.
    Unconfirmed,
    /// They are not.
    None,
}

impl Begun {
    /// For people.
    pub(super) const fn sentence(&self) -> &'static str {
        match self {
            Self::Started(_, Hold::InForce) => "its rotation is started, and new orders are held back",
            Self::Started(..) => {
                "its rotation is started; that new orders are held back is not confirmed yet: see its status"
            }
            Self::UnderWay(Hold::InForce) => {
                "a rotation of it is under way already, and new orders are held back"
            }
            Self::UnderWay(Hold::Unconfirmed) => {
                "a rotation of it is under way already; that new orders are held back is not confirmed yet: see its status"
            }
            Self::UnderWay(Hold::None) => {
                "a rotation of it is open already and holds no orders back: bring it on, or call it off and run this again; \
                 a freeze of the connection stops new orders at once"
            }
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
        Err(failure) if failure.has_code("rotation_is_open") => {
            return Ok(Begun::UnderWay(hold_of_open(&known.connection, client).await?));
        }
        Err(failure) => return Err(failure),
    };
    let id = planned["id"].as_str().unwrap_or_default().to_owned();
    client.post_empty(&format!("/api/v1/rotations/{id}/start")).await?;
    let hold = until_held(&id, client).await?;
    Ok(Begun::Started(id, hold))
}

/// Whether the one that is open holds new orders back.
async fn hold_of_open(connection: &str, client: &ApiClient) -> Outcome<Hold> {
    let listed = client.list("/api/v1/rotations").await?;
    let open =
        |one: &&Value| one["connection"] == connection && one["rehearsal"] == false && one["over"] == false;
    match listed.as_array().and_then(|all| all.iter().find(open)) {
        Some(open) if open["holds_orders"] == true => {
            until_held(open["id"].as_str().unwrap_or_default(), client).await
        }
        _ => Ok(Hold::None),
    }
}

/// Waits until the gateway has confirmed that it holds new orders back, and every order that was being sent is answered.
async fn until_held(id: &str, client: &ApiClient) -> Outcome<Hold> {
    let mut looks = tokio::time::interval(LOOK);
    for _ in 0..MOST_LOOKS {
        looks.tick().await;
        let rotation = client.get(&format!("/api/v1/rotations/{id}")).await?;
        let confirmed = |step: &Value| step["step"] == "pause_confirmed";
        if rotation["holds_orders"] != true {
            return Ok(Hold::None);
        }
        if !client.is_served() || rotation["steps"].as_array().is_some_and(|all| all.iter().any(confirmed)) {
            return Ok(Hold::InForce);
        }
    }
    Ok(Hold::Unconfirmed)
}
