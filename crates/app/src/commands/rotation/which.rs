//! Which rotation is meant: by its identifier, or by the name of its connection.

use clap::Args;
use serde_json::Value;

use crate::api::ApiClient;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::note;

/// Which rotation.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The rotation's identifier, or a connection's name: its rotation that is under way, or else its last one
    rotation: String,
    /// With a connection's name: its rehearsal instead
    #[arg(long)]
    rehearsal: bool,
}

impl Which {
    /// Its identifier. A name never stands for a rehearsal unless that was said: a pair that was made for the account must not go there.
    pub(super) async fn id(&self, client: &ApiClient, context: &Context) -> Outcome<String> {
        if self.rotation.len() == 36
            && self.rotation.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        {
            return Ok(self.rotation.clone());
        }
        let listed = client.list("/api/v1/rotations").await?;
        let all = listed.as_array().map(Vec::as_slice).unwrap_or_default();
        let found = self.among(all)?;
        if !context.output.is_json() {
            let kind = if self.rehearsal { "rehearsal" } else { "rotation" };
            let text = |name: &str| found[name].as_str().unwrap_or_default();
            let state = text("state").replace('_', " ");
            note(&format!("{kind} {} of {}, which is {state}", text("id"), self.rotation));
        }
        Ok(found["id"].as_str().unwrap_or_default().to_owned())
    }

    /// The one that is meant, of a list with the newest first.
    fn among<'a>(&self, all: &'a [Value]) -> Outcome<&'a Value> {
        let name = &self.rotation;
        let of_connection = |rehearsal: bool| {
            let its = move |one: &&Value| one["connection"] == **name && one["rehearsal"] == rehearsal;
            let open = all.iter().filter(its).find(|one| one["over"] == false);
            open.or_else(|| all.iter().find(its))
        };
        of_connection(self.rehearsal).ok_or_else(|| {
            let other = of_connection(!self.rehearsal);
            match (self.rehearsal, other) {
                (true, _) => Failure::new(format!("connection `{name}` has no rehearsal"))
                    .hint(format!("play one: `paddock rotation rehearse {name}`")),
                (false, None) => Failure::new(format!("connection `{name}` has no rotation"))
                    .hint(format!("plan one: `paddock rotation plan {name}`")),
                (false, Some(_)) => Failure::new(format!(
                    "connection `{name}` has no rotation, only a rehearsal"
                ))
                .hint(format!("plan one: `paddock rotation plan {name}`; `--rehearsal` names the rehearsal")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A real one that is open wins, whatever else there is; a rehearsal is taken by that word only.
    #[test]
    fn a_name_stands_for_the_real_one_unless_a_rehearsal_is_meant() {
        let one = |id: &str, rehearsal: bool, over: bool| json!({ "id": id, "connection": "main", "rehearsal": rehearsal, "over": over });
        let other = json!({ "id": "x", "connection": "other", "rehearsal": false, "over": false });
        // Whether the rehearsal was said, the list with the newest first, and what is taken or told.
        for (rehearsal, rotations, meant) in [
            (false, vec![one("b", true, false), one("a", false, false)], Ok("a")),
            (false, vec![one("b", false, true), one("a", false, false)], Ok("a")),
            (false, vec![one("b", true, false), one("a", false, true)], Ok("a")),
            (true, vec![one("b", false, false), one("a", true, true)], Ok("a")),
            (true, vec![one("b", true, true), one("a", true, false)], Ok("a")),
            (false, vec![one("a", true, false)], Err("only a rehearsal")),
            (true, vec![one("a", false, false)], Err("no rehearsal")),
            (false, vec![], Err("has no rotation")),
        ] {
            let all: Vec<Value> = std::iter::once(other.clone()).chain(rotations).collect();
            let which = Which { rotation: "main".to_owned(), rehearsal };
            match (which.among(&all), meant) {
                (Ok(found), meant) => assert_eq!(Ok(found["id"].as_str().unwrap()), meant),
                (Err(failure), meant) => {
                    let words = meant.expect_err("one should be found");
                    assert!(failure.message().contains(words), "{failure}");
                }
            }
        }
    }
}
