//! `paddock rotation rehearse`: the whole thing against the paper broker, with chosen failures.

use std::time::Duration;

use clap::Args;
use paddock_core::rotation::RotationState;
use paddock_web::RotationView;
use serde_json::json;

use super::{show, view};
use crate::api::{ApiClient, segment};
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// How often it is looked at, and how often at most. It is called off by itself before that.
const LOOK: Duration = Duration::from_millis(300);
const MOST_LOOKS: u32 = 2400;

#[derive(Debug, Args)]
#[command(after_help = "\
What can be chosen to fail, each of which is found out and dealt with as a person would, and stands in the report:
  torn-pair      the new Key ID is pasted with the old Secret Key
  same-pair      the pair that is in use already is pasted
  other-account  the pair of another account is pasted
  consumer=NAME:refused           the login there is refused
  consumer=NAME:drift             it holds values that Paddock did not write
  consumer=NAME:too-many          it answers 429
  consumer=NAME:lost-answer       the answer to the write is lost
  consumer=NAME:permission-lost   the right to write is lost meanwhile
  consumer=NAME:approval-pending  somebody there must approve the write
Exit status: 0 when it went to its end, 3 where a rotation would stop.")]
pub(crate) struct RehearseArgs {
    /// The connection whose rotation is played
    connection: String,
    /// What goes wrong, see below; may be said several times
    #[arg(long = "fail", value_name = "FAILURE")]
    fail: Vec<String>,
    /// Leave consumers out that cannot take a pair, and go on without them
    #[arg(long)]
    keep_going: bool,
}

/// Plays it.
pub(super) async fn rehearse(args: &RehearseArgs, client: &ApiClient, context: &Context) -> Outcome {
    client.run_rotations();
    let mut content = json!({ "keep_going": args.keep_going });
    if !args.fail.is_empty() {
        content["fail"] = json!(args.fail);
    }
    let path = format!("/api/v1/connections/{}/rehearsals", segment(&args.connection));
    let begun = view(&client.post(&path, &content).await?)?;
    let path = format!("/api/v1/rotations/{}", begun.id);
    let (mut shown, mut looks) = (0, tokio::time::interval(LOOK));
    for _ in 0..MOST_LOOKS {
        looks.tick().await;
        let rotation = client.get(&path).await?;
        let view = view(&rotation)?;
        for step in view.steps.iter().filter(|step| step.number > shown) {
            context.output.text(&show::step(step))?;
        }
        shown = view.steps.last().map_or(shown, |step| step.number);
        if view.state == RotationState::Closed {
            return context.output.show(&rotation, |paint| ended(&view, &paint.good("rehearsed")));
        }
        if view.over {
            let why = view.aborted_because.unwrap_or_default();
            return Err(Failure::refused(why).code("rehearsal_stopped").hint(format!(
                "mend it and rehearse again, or go on without such consumers with `--keep-going`; `paddock rotation report {}`",
                view.id
            )));
        }
    }
    Err(Failure::new("the rehearsal does not end")
        .hint(format!("look at `paddock rotation status {}`", begun.id)))
}

fn ended(view: &RotationView, said: &str) -> String {
    let left_out = view.consumers.iter().filter(|one| one.left_out.is_some());
    let left_out: Vec<&str> = left_out.map(|one| one.name.as_str()).collect();
    let left_out =
        if left_out.is_empty() { String::new() } else { format!("; left out: {}", left_out.join(", ")) };
    let (count, id) = (view.consumers.len(), view.id);
    format!(
        "{said}: {count} consumers were looked at and nothing was written{left_out}\nreport: paddock rotation report {id}\n"
    )
}
