//! What the JSON API says: the audit chain of a running server, and each connection.

use serde_json::Value;

use super::{Checkup, Verdict};
use crate::api::{ApiClient, segment};
use crate::failure::Failure;

/// The checks that a running server makes for us.
pub(super) async fn through(client: &ApiClient, found: &mut Vec<Checkup>) {
    found.extend(health(client).await);
    found.push(match client.get("/api/v1/audit/verify").await {
        Ok(verified) if verified["valid"] == true => {
            Checkup::ok("audit chain", format!("whole: {} records", verified["records"]))
        }
        Ok(verified) => {
            let fault = verified["fault"].as_str().unwrap_or("it does not verify").to_owned();
            let failure = Failure::new(fault)
                .hint("stop the server, keep this data directory as evidence, and restore a backup");
            Checkup::fail("audit chain", &failure)
        }
        Err(failure) => Checkup::fail("audit chain", &failure),
    });
    each(client, found).await;
}

/// Whether the server can serve, part by part.
async fn health(client: &ApiClient) -> Vec<Checkup> {
    let health = match client.get("/api/v1/health").await {
        Ok(health) => health,
        Err(failure) => return vec![Checkup::fail("ready", &failure)],
    };
    if health["ready"] == true {
        return vec![Checkup::ok("ready", "it can serve: the database takes writes and the vault is open")];
    }
    let parts = health["parts"].as_array().into_iter().flatten().filter(|part| part["ready"] != true);
    parts
        .map(|part| {
            let text = |field: &str| part[field].as_str().unwrap_or("unknown").to_owned();
            let problem = text("problem");
            let (finding, step) = problem.split_once(": ").unwrap_or((&problem, "look at the server's log"));
            let failure = Failure::new(format!("the {}: {finding}", text("name"))).hint(step);
            Checkup::fail("ready", &failure)
        })
        .collect()
}

/// Asks Alpaca about every connection.
pub(super) async fn each(client: &ApiClient, found: &mut Vec<Checkup>) {
    let connections = match client.list("/api/v1/connections").await {
        Ok(connections) => connections,
        Err(failure) => return found.push(Checkup::fail("connections", &failure)),
    };
    let names: Vec<&str> =
        connections.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    if names.is_empty() {
        found.push(Checkup::warn(
            "connections",
            "none yet",
            "connect an account with `paddock connection add`",
        ));
    }
    for name in names {
        found.push(match client.post_empty(&format!("/api/v1/connections/{}/check", segment(name))).await {
            Ok(checked) => healthy_or_not(name, &checked),
            Err(failure) => Checkup::fail("connection", &failure),
        });
    }
}

fn healthy_or_not(name: &str, checked: &Value) -> Checkup {
    if checked["healthy"] == true {
        return Checkup::ok("connection", format!("`{name}` works"));
    }
    let text = |field: &str| checked["problem"][field].as_str().map(str::to_owned);
    Checkup {
        name: "connection",
        verdict: Verdict::Fail,
        finding: format!("`{name}`: {}", text("detail").unwrap_or_else(|| "it does not work".to_owned())),
        next_step: text("next_step"),
    }
}
