//! `demo.json`: where everything is, for programs.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::failure::{Failure, Outcome};
use crate::files::replace_private;

/// The content of `demo.json`.
pub(super) fn facts(stage: &Stage) -> Value {
    json!({
        "gateway": stage.gateway,
        "tls": stage.tls,
        "proxy": stage.proxy,
        "web": stage.web,
        "sign_in": stage.sign_in.expose(),
        "paper": stage.paper,
        "paper_live": stage.paper_live,
        "account_number": stage.account_number,
        "access_key": { "key_id": stage.key_id, "secret_key": stage.secret_key.expose() },
    })
}

/// Writes `demo.json` (0600) into the demo's directory, in one step.
pub(super) fn write(stage: &Stage) -> Outcome {
    let path = stage.dir.path().join("demo.json");
    let write = || replace_private(&path, &serde_json::to_vec_pretty(&facts(stage))?);
    write().map_err(Failure::cannot(format!("write {}", path.display())))
}
