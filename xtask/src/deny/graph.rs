//! All crates that the workspace is built from, and who uses whom.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result};
use serde::Deserialize;

pub(super) struct Graph {
    pub(super) crates: Vec<Crate>,
    /// For each crate, the crates that depend on it directly, in any way and on any platform.
    users: Vec<BTreeSet<usize>>,
}

#[derive(Deserialize)]
pub(super) struct Crate {
    id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: Option<String>,
    /// Where it comes from; nothing for a path.
    pub(super) source: Option<String>,
    /// Whether it is a member of this workspace.
    #[serde(skip)]
    pub(super) is_ours: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Crate>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
}

impl Graph {
    /// Reads what `cargo metadata` prints.
    pub(super) fn parse(metadata: &str) -> Result<Self> {
        let mut metadata: Metadata = serde_json::from_str(metadata)?;
        for package in &mut metadata.packages {
            package.is_ours = metadata.workspace_members.contains(&package.id);
        }
        let index: HashMap<&str, usize> = metadata
            .packages
            .iter()
            .enumerate()
            .map(|(index, package)| (package.id.as_str(), index))
            .collect();
        let find =
            |id: &str| index.get(id).copied().with_context(|| format!("cargo metadata does not list {id}"));
        let mut users = vec![BTreeSet::new(); metadata.packages.len()];
        for node in &metadata.resolve.nodes {
            let user = find(&node.id)?;
            for dependency in &node.deps {
                if let Some(of_dependency) = users.get_mut(find(&dependency.pkg)?) {
                    of_dependency.insert(user);
                }
            }
        }
        Ok(Self { crates: metadata.packages, users })
    }

    /// The crates that use the crate of that index directly.
    pub(super) fn users(&self, of: usize) -> impl Iterator<Item = &Crate> {
        self.users.get(of).into_iter().flatten().filter_map(|user| self.crates.get(*user))
    }
}
