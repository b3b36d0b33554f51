//! Whether what was found is of a connection: one's own Paddock says, by the fingerprints that it keeps. The halves go over the admin socket, or stay in
//! this process when no server runs, and are in no address and in no log.

use paddock_core::scan::Spot;
use serde::Serialize;
use serde_json::Value;

use super::finding::Finding;
use super::rotate::Begun;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::note;

/// How many findings are asked for at a time.
const AT_A_TIME: usize = 200;

/// The connection that a finding is of.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) connection: String,
    pub(super) environment: String,
    /// Whether the connection has this half now; otherwise it had it once.
    pub(super) current: bool,
    /// What became of its rotation, with `--rotate`.
    pub(super) begun: Option<Begun>,
}

/// The API's request. It has no `Debug`, since it holds halves in the clear.
#[derive(Serialize)]
struct Halves<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    key_ids: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secret_keys: Vec<&'a str>,
}

impl Known {
    /// What is known, for people.
    pub(super) fn sentence(&self) -> String {
        let Self { connection, environment, current, .. } = self;
        if *current {
            format!("this is the pair of connection `{connection}` ({environment}), and it is in use")
        } else {
            format!("connection `{connection}` ({environment}) had this pair once; it has another one now")
        }
    }

    /// What to do about it.
    pub(super) fn command(&self) -> String {
        let Self { connection, environment, begun, .. } = self;
        match begun {
            Some(_) => format!("paddock rotation status {connection} --follow"),
            None if environment == "live" => {
                format!("paddock rotation plan {connection} --cause compromise --now --ticket TICKET")
            }
            None => format!("paddock rotation plan {connection} --cause compromise"),
        }
    }
}

/// Says of each finding whose it is. Without a Paddock here nothing is said, which is no failure of the scan.
pub(super) async fn compare(findings: &mut [Finding], context: &Context) {
    if findings.is_empty() {
        return;
    }
    if let Err(failure) = ask(findings, context).await {
        note(&format!("not compared with connections: {}", failure.message()));
    }
}

async fn ask(findings: &mut [Finding], context: &Context) -> Outcome {
    let client = context.client().await?;
    let mut outcome = Ok(());
    for some in findings.chunks_mut(AT_A_TIME) {
        outcome = ask_some(some, &client).await;
        if outcome.is_err() {
            break;
        }
    }
    client.close().await;
    outcome
}

async fn ask_some(findings: &mut [Finding], client: &crate::api::ApiClient) -> Outcome {
    let halves = |half: fn(&Finding) -> &Option<Spot>| -> Vec<(usize, &str)> {
        let all = findings.iter().enumerate();
        all.filter_map(|(place, one)| half(one).as_ref().map(|spot| (place, spot.value.expose()))).collect()
    };
    let (ids, secrets) = (halves(|one| &one.leak.key_id), halves(|one| &one.leak.secret_key));
    let text =
        |halves: &[(usize, &'_ str)]| halves.iter().map(|(_, text)| (*text).to_owned()).collect::<Vec<_>>();
    let places = |halves: &[(usize, &str)]| halves.iter().map(|(place, _)| *place).collect::<Vec<_>>();
    let (id_places, secret_places) = (places(&ids), places(&secrets));
    let (ids, secrets) = (zeroize::Zeroizing::new(text(&ids)), zeroize::Zeroizing::new(text(&secrets)));
    let body = Halves {
        key_ids: ids.iter().map(String::as_str).collect(),
        secret_keys: secrets.iter().map(String::as_str).collect(),
    };
    let told = client.post("/api/v1/leaks/check", &body).await?;
    for known in told["items"].as_array().into_iter().flatten() {
        let places = if known["half"] == "key_id" { &id_places } else { &secret_places };
        let place = known["index"].as_u64().and_then(|index| usize::try_from(index).ok());
        let finding = place.and_then(|index| places.get(index)).and_then(|place| findings.get_mut(*place));
        let Some(finding) = finding else { continue };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let current = known["current"] == true;
        // What is in use now is said rather than what was.
        if current || finding.known.is_none() {
            let (connection, environment) = (text(&known["connection"]), text(&known["environment"]));
            finding.known = Some(Known { connection, environment, current, begun: None });
        }
    }
    Ok(())
}
