//! `paddock key replace`.

use clap::Args;
use serde_json::{Value, json};

use crate::api::segment;
use crate::context::Context;
use crate::failure::Outcome;
use crate::paint::Paint;
use crate::table;

#[derive(Debug, Args)]
#[command(after_help = "\
Daily caps count for each of the two keys. A key that hears only its own orders does not see those of the one before.")]
pub(crate) struct ReplaceArgs {
    /// The access key that is replaced
    name: String,
    /// A name of your choice for the new one
    #[arg(long = "as", value_name = "NAME")]
    new_name: String,
    /// For how long both work; then the old one ends by itself
    #[arg(long, value_name = "7d", default_value = "7d")]
    overlap: String,
}

/// Issues the new one.
pub(super) async fn run(args: &ReplaceArgs, context: &Context) -> Outcome {
    let client = context.client().await?;
    let path = format!("/api/v1/keys/{}/replace", segment(&args.name));
    let created = client.post(&path, &json!({ "name": args.new_name, "overlap": args.overlap })).await;
    client.close().await;
    let created = created?;
    context.output.show(&created, |paint| describe(args, &created, paint))
}

fn describe(args: &ReplaceArgs, created: &Value, paint: Paint) -> String {
    let text = |name: &str| created[name].as_str().unwrap_or_default().to_owned();
    let said = paint.good("the new access key is issued");
    format!(
        "{said}; the Secret Key is shown this once\n{}next: give it to your programs; `{}` ends by itself after {}\n",
        table::pairs([("Key ID", text("key_id")), ("Secret Key", text("secret_key"))]),
        args.name,
        args.overlap
    )
}
