//! The walls of `deny.toml`.
//!
//! cargo-deny checks them too, but it is a tool that a fresh machine lacks and that takes many minutes to build. What
//! the walls need of it is small: this module checks the same file, and refuses any setting that it does not know
//! rather than leave it unchecked. Advisories need cargo-deny: `cargo deny check advisories`.

mod config;
mod graph;
mod licence;

use std::fs;

use anyhow::{Context, Result, bail};

use self::config::Config;
use self::graph::Graph;
use crate::process;
use crate::workspace::Workspace;

/// Checks bans, licenses and sources of all crates, tests' and other platforms' included.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let file = workspace.root.join("deny.toml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let config: Config = toml::from_str(&text).context("deny.toml has a setting that xtask cannot check")?;
    let metadata = process::output(&mut workspace.cargo(&["metadata", "--format-version=1", "--locked"]))?;
    let graph = Graph::parse(&metadata)?;
    let violations = violations(&config, &graph);
    for violation in &violations {
        eprintln!("{violation}");
    }
    if !violations.is_empty() {
        bail!("{} violations of deny.toml", violations.len());
    }
    println!("{} crates keep the {} walls of deny.toml", graph.crates.len(), config.bans.deny.len());
    Ok(())
}

fn violations(config: &Config, graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for ban in &config.bans.deny {
        for (index, banned) in graph.crates.iter().enumerate().filter(|(_, c)| c.name == ban.name) {
            let users = graph.users(index).filter(|user| !ban.wrappers.contains(&user.name));
            found.extend(
                users.map(|user| format!("{} may not use {}: {}", user.name, banned.name, ban.reason)),
            );
            if ban.wrappers.is_empty() {
                found.push(format!("{} is banned: {}", banned.name, ban.reason));
            }
        }
    }
    for one in &graph.crates {
        let from_registry =
            one.source.as_deref() == Some("registry+https://github.com/rust-lang/crates.io-index");
        if !from_registry && !one.is_ours {
            found.push(format!("{} {} does not come from crates.io", one.name, one.version));
        }
        match one.license.as_deref().map(|expression| licence::allowed(expression, &config.licenses.allow)) {
            Some(Ok(true)) => {}
            Some(Ok(false)) => {
                let license = one.license.as_deref().unwrap_or_default();
                found.push(format!(
                    "{} {} has the license {license}, which is not allowed",
                    one.name, one.version
                ));
            }
            Some(Err(error)) => found.push(format!("{} {}: {error}", one.name, one.version)),
            None => found.push(format!("{} {} names no license", one.name, one.version)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
        [licenses]
        allow = ["MIT"]
        [sources]
        unknown-registry = "deny"
        unknown-git = "deny"
        [bans]
        multiple-versions = "allow"
        deny = [
            { crate = "sqlx", wrappers = ["store"], reason = "only the store has SQL" },
            { crate = "openssl", reason = "rustls is the only TLS" },
        ]
    "#;
    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn check(uses: &[(&str, &[&str])], license: &str, source: &str) -> Vec<String> {
        let packages: Vec<_> = uses
            .iter()
            .map(|(name, _)| serde_json::json!({"id": name, "name": name, "version": "1.0.0", "license": license, "source": source}))
            .collect();
        let nodes: Vec<_> = uses
            .iter()
            .map(|(name, used)| {
                let deps: Vec<_> = used.iter().map(|used| serde_json::json!({"pkg": used})).collect();
                serde_json::json!({"id": name, "deps": deps})
            })
            .collect();
        let metadata =
            serde_json::json!({"packages": packages, "resolve": {"nodes": nodes}, "workspace_members": []});
        violations(&toml::from_str(CONFIG).unwrap(), &Graph::parse(&metadata.to_string()).unwrap())
    }

    #[test]
    fn only_wrappers_may_use_a_banned_crate() {
        assert_eq!(check(&[("store", &["sqlx"]), ("sqlx", &[])], "MIT", REGISTRY), Vec::<String>::new());
        assert_eq!(
            check(&[("store", &["sqlx"]), ("web", &["sqlx"]), ("sqlx", &[])], "MIT", REGISTRY),
            ["web may not use sqlx: only the store has SQL"]
        );
    }

    #[test]
    fn a_ban_without_wrappers_holds_for_all() {
        let found = check(&[("web", &["openssl"]), ("openssl", &[])], "MIT", REGISTRY);
        assert_eq!(
            found,
            ["web may not use openssl: rustls is the only TLS", "openssl is banned: rustls is the only TLS"]
        );
    }

    #[test]
    fn licenses_and_sources_are_checked() {
        let found = check(&[("a", &[])], "GPL-3.0-only", REGISTRY);
        assert_eq!(found, ["a 1.0.0 has the license GPL-3.0-only, which is not allowed"]);
        let found = check(&[("a", &[])], "MIT", "git+https://example.com/a");
        assert_eq!(found, ["a 1.0.0 does not come from crates.io"]);
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(toml::from_str::<Config>(&format!("{CONFIG}\nskip = []")).is_err());
        assert!(toml::from_str::<Config>(&CONFIG.replace("\"deny\"", "\"warn\"")).is_err());
    }
}
