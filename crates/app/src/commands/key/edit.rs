//! `paddock key edit` and `paddock key diff`.

use clap::builder::Str;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use serde_json::{Map, Value};

use super::create::{ScopeArgs, ScopeFields};
use crate::api::segment;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::paint::Paint;

#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// The access key's name
    name: String,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    lifted: Lifted,
}

/// The limits to lift, as the API names them. For each limit of [`ScopeArgs`] there is an option that takes it away.
#[derive(Debug)]
struct Lifted(Vec<String>);

/// An option that lifts a limit.
struct Lift {
    /// The option that sets it.
    sets: Str,
    option: String,
    field: String,
}

/// One for each limit, whichever there are. Whether requests are signed does not change.
fn lifts() -> Vec<Lift> {
    let scope = ScopeArgs::augment_args(Command::new("scope"));
    let limits = scope.get_arguments().filter_map(|limit| limit.get_long());
    limits
        .filter(|limit| !matches!(*limit, "preset" | "allow" | "signed"))
        .map(|limit| Lift {
            sets: limit.replace('-', "_").into(),
            option: limit.strip_prefix("no-").map_or_else(|| format!("no-{limit}"), str::to_owned),
            field: match limit {
                "side" => "sides".to_owned(),
                "max-quantity" => "max_order_quantity".to_owned(),
                "max-notional" => "max_order_notional".to_owned(),
                "expires" => "expires_at".to_owned(),
                "network" => "networks".to_owned(),
                other => other.replace('-', "_"),
            },
        })
        .collect()
}

impl Args for Lifted {
    fn augment_args(command: Command) -> Command {
        lifts().into_iter().fold(command, |command, Lift { sets, option, .. }| {
            let arg = Arg::new(Str::from(format!("lift {option}")))
                .long(Str::from(option))
                .action(ArgAction::SetTrue)
                .help(format!("Lift the limit --{}", sets.replace('_', "-")))
                .help_heading("Limits to lift")
                .conflicts_with(sets);
            command.arg(arg)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Lifted {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let asked = |lift: &Lift| matches.get_flag(&format!("lift {}", lift.option));
        Ok(Self(lifts().into_iter().filter(asked).map(|lift| lift.field).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl EditArgs {
    /// The access key's name, and the change as the API takes it.
    fn change(self) -> Outcome<(String, Map<String, Value>)> {
        let fields = serde_json::to_value(ScopeFields::from(self.scope));
        let Ok(Value::Object(mut fields)) = fields else {
            return Err(Failure::new("the options cannot be written as JSON"));
        };
        fields.extend(self.lifted.0.into_iter().map(|field| (field, Value::Null)));
        if fields.is_empty() {
            let failure = Failure::usage("nothing is to be changed");
            return Err(failure.hint("name a limit, such as --max-notional 500 or --no-max-notional"));
        }
        Ok((self.name, fields))
    }
}

pub(super) async fn edit(args: EditArgs, context: &Context) -> Outcome {
    let (name, change) = args.change()?;
    let client = context.client().await?;
    let edited = client.patch(&format!("/api/v1/keys/{}", segment(&name)), &change).await;
    client.close().await;
    let edited = edited?;
    context.output.show(&edited, |paint| {
        let sentence = edited["key"]["scope_sentence"].as_str().unwrap_or_default();
        format!("{} `{name}`: {sentence}\n{}", paint.good("changed access key"), describe(&edited, paint))
    })
}

pub(super) async fn diff(args: EditArgs, context: &Context) -> Outcome {
    let (name, change) = args.change()?;
    let client = context.client().await?;
    let compared = client.post(&format!("/api/v1/keys/{}/diff", segment(&name)), &change).await;
    client.close().await;
    let compared = compared?;
    context.output.show(&compared, |paint| {
        let sentence = |which: &str| compared[which].as_str().unwrap_or_default().to_owned();
        format!(
            "now:    {}\nthen:   {}\n{}",
            sentence("old_sentence"),
            sentence("new_sentence"),
            describe(&compared, paint)
        )
    })
}

/// What is newly allowed and newly forbidden, limit by limit.
fn describe(difference: &Value, paint: Paint) -> String {
    let part = |which: &str, title: String| {
        let changes = difference[which].as_array().map(Vec::as_slice).unwrap_or_default();
        let lines = changes.iter().map(|change| {
            let text = |name: &str| change[name].as_str().unwrap_or_default();
            format!("  {} ({})\n", text("words"), text("limit"))
        });
        if changes.is_empty() { String::new() } else { title + "\n" + &lines.collect::<String>() }
    };
    let parts =
        part("allows", paint.bad("newly allowed:")) + &part("forbids", paint.bold("no longer allowed:"));
    if parts.is_empty() {
        "nothing that passed is stopped, and nothing new passes\n".to_owned()
    } else {
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: EditArgs,
    }

    fn change(options: &[&str]) -> Map<String, Value> {
        let words = ["edit", "bot"].iter().chain(options);
        <Line as clap::Parser>::try_parse_from(words).unwrap().args.change().unwrap().1
    }

    #[test]
    fn what_is_set_and_what_is_lifted() {
        let change =
            change(&["--symbols", "AAPL,MSFT", "--no-max-notional", "--extended-hours", "--no-expires"]);
        let expected = serde_json::json!({
            "symbols": ["AAPL", "MSFT"], "max_order_notional": null, "no_extended_hours": null, "expires_at": null,
        });
        assert_eq!(Value::Object(change), expected);
    }
}
