//! SARIF 2.1.0, which code hosts show beside the code
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use paddock_core::scan::{Rule, Sureness};
use serde_json::{Value, json};

use super::finding::Finding;

/// The whole document.
pub(super) fn document(findings: &[Finding]) -> Value {
    let rules: Vec<Value> = Rule::ALL
        .iter()
        .map(|rule| json!({ "id": rule.name(), "shortDescription": { "text": format!("{} in the clear", rule.describe()) } }))
        .collect();
    let driver = json!({
        "name": "paddock scan",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "results": results }],
    })
}

fn result(finding: &Finding) -> Value {
    let (line, column) = finding.leak.place();
    // A Key ID alone opens nothing.
    let level = match (finding.leak.rule, finding.leak.sureness) {
        (Rule::KeyPair | Rule::SecretKey, Sureness::Certain) => "error",
        _ => "warning",
    };
    json!({
        "ruleId": finding.leak.rule.name(),
        "level": level,
        "message": { "text": finding.sentence() },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": finding.path.replace('\\', "/").replace(' ', "%20") },
            "region": { "startLine": line, "startColumn": column },
        } }],
    })
}
