//! `[rotation]` of the configuration: what consumers may use of the network and of this machine.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::uri::Authority;
use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_alpaca::{AlpacaClient, Endpoints};
use paddock_core::{Clock, Entropy, Environment};
use paddock_rotate::{Machine, Means, Memory, Outbound, OutboundOptions, RehearsalBroker};
use serde::Deserialize;

use crate::failure::{Failure, Outcome};

/// The section as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RotationSection {
    /// Hosts that may be inside the operator's network and may be spoken to without TLS.
    allowed_hosts: Vec<String>,
    /// Files with certificate authorities to trust besides the machine's own, as PEM.
    extra_roots: Vec<PathBuf>,
    /// Folders in which and below which files may be written.
    allowed_folders: Vec<PathBuf>,
    /// Programs that may be run.
    allowed_programs: Vec<PathBuf>,
    /// The paper broker with which rotations are rehearsed; Alpaca's own paper address where that is on this machine.
    rehearsal_url: Option<String>,
    /// The live-like environment of that paper broker.
    rehearsal_live_url: Option<String>,
}

/// What holds for this run.
#[derive(Clone, Debug, Default)]
pub(crate) struct RotationConfig {
    allowed_hosts: BTreeSet<String>,
    extra_roots: Vec<PathBuf>,
    machine: Machine,
    rehearsal: Option<Endpoints>,
}

impl RotationSection {
    /// Looks whether it can be.
    pub(crate) fn resolve(self) -> Outcome<RotationConfig> {
        for (name, paths) in
            [("allowed_folders", &self.allowed_folders), ("allowed_programs", &self.allowed_programs)]
        {
            if let Some(path) = paths.iter().find(|path| !path.is_absolute()) {
                return Err(Failure::usage(format!(
                    "[rotation] {name}: {} is no whole path",
                    path.display()
                ))
                .hint("write it from the root on, for example `/srv/bots`"));
            }
        }
        let bare = |host: &&String| host.is_empty() || host.contains(['/', ' ']) || host.contains("://");
        if let Some(host) = self.allowed_hosts.iter().find(bare) {
            return Err(Failure::usage(format!("[rotation] allowed_hosts: \"{host}\" is no host")).hint(
                "write the name or the address alone, without scheme and port, for example `vault.internal`",
            ));
        }
        let rehearsal = match (self.rehearsal_url, self.rehearsal_live_url) {
            (None, None) => None,
            (Some(paper), Some(live)) => {
                let (data, stream) = (Some(paper.clone()), None);
                let overrides = EndpointOverrides { paper: Some(paper), live: Some(live), data, stream };
                Some(Endpoints::new(&overrides).map_err(|fault| {
                    Failure::usage(format!("an address of the paper broker is wrong: {fault}")).hint(
                        "correct rehearsal_url and rehearsal_live_url under [rotation] in the configuration",
                    )
                })?)
            }
            _ => {
                return Err(Failure::usage(
                    "[rotation] rehearsal_url and rehearsal_live_url belong together",
                )
                .hint("write both, for example `http://127.0.0.1:7881` and `http://127.0.0.1:7882`"));
            }
        };
        if let Some(endpoints) = rehearsal.as_ref().filter(|endpoints| !is_here(endpoints)) {
            let host = endpoints.trading(Environment::Paper).authority();
            return Err(Failure::usage(format!("[rotation] rehearsal_url: {host} is not on this machine"))
                .hint("a rehearsal runs against the built-in paper broker: `paddock paper serve`"));
        }
        Ok(RotationConfig {
            rehearsal,
            allowed_hosts: self.allowed_hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect(),
            extra_roots: self.extra_roots,
            machine: Machine { folders: self.allowed_folders, programs: self.allowed_programs },
        })
    }
}

/// Whether these are of a broker on this machine: both environments, since a rehearsal never asks Alpaca.
fn is_here(endpoints: &Endpoints) -> bool {
    [Environment::Paper, Environment::Live].into_iter().all(|environment| {
        let Ok(authority) = endpoints.trading(environment).authority().parse::<Authority>() else {
            return false;
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

impl RotationConfig {
    /// The paper broker with which rotations are rehearsed: the one that is configured, or the one that stands in for Alpaca. Otherwise there is none
    /// until a rehearsal has one started.
    pub(crate) fn rehearsal(&self, endpoints: &Endpoints, client: &AlpacaClient) -> Outcome<RehearsalBroker> {
        match &self.rehearsal {
            Some(own) => AlpacaClient::new(own.clone(), &ClientOptions::default())
                .map(RehearsalBroker::of)
                .map_err(Failure::cannot("ask the paper broker")),
            None if is_here(endpoints) => Ok(RehearsalBroker::of(client.clone())),
            None => Ok(RehearsalBroker::default()),
        }
    }

    /// What consumers may use.
    pub(crate) fn means(&self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Outcome<Means> {
        let roots = self.extra_roots.iter().map(|path| read_root(path)).collect::<Outcome<Vec<_>>>()?;
        let options = OutboundOptions {
            allowed_hosts: self.allowed_hosts.clone(),
            extra_roots: roots,
            ..OutboundOptions::default()
        };
        let outbound = Outbound::new(options).map_err(|fault| {
            Failure::new(fault.to_string())
                .hint("look at the files under [rotation] extra_roots in the configuration")
        })?;
        Ok(Means { outbound, clock, entropy, machine: self.machine.clone(), memory: Memory::default() })
    }
}

fn read_root(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| {
        Failure::new(format!("cannot read the certificate {}: {error}", path.display()))
            .hint("correct [rotation] extra_roots in the configuration")
    })
}
