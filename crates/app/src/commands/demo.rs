//! `paddock demo`: the whole way, from nothing to two refused orders, on the built-in paper broker.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::data_dir::DataDir;
use crate::demo::{self, Stage, Story};
use crate::failure::{Failure, Outcome};
use crate::listen::ListenAddr;
use crate::signals::Ending;

/// The demo's own directory, so that it never touches a person's.
const DIRECTORY: &str = "paddock-demo";

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The demo has a data directory of its own, which it clears at each start: ~/.local/share/paddock-demo, or --data-dir. It writes
demo.json there when it is ready.")]
pub(crate) struct DemoArgs {
    /// End after the last step; the exit status is 0 only if every step went as it should
    #[arg(long)]
    once: bool,
    /// Where people connect
    #[arg(long, value_name = "ADDR", default_value = crate::config::DEFAULT_WEB)]
    web: ListenAddr,
    /// Where programs connect
    #[arg(long, value_name = "ADDR", default_value = crate::config::DEFAULT_GATEWAY)]
    gateway: ListenAddr,
    /// Where programs connect by HTTPS [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    tls: Option<ListenAddr>,
    /// Where programs whose hosts cannot be changed find a proxy for HTTPS_PROXY [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    proxy: Option<ListenAddr>,
    /// Where the built-in broker's paper environment listens
    #[arg(long, value_name = "ADDR", default_value = crate::broker::DEFAULT_PAPER)]
    paper: ListenAddr,
    /// Where the built-in broker's live-like environment listens
    #[arg(long, value_name = "ADDR", default_value = crate::broker::DEFAULT_LIVE)]
    paper_live: ListenAddr,
    /// Append every request that reaches the built-in broker and its answer to this file as a JSON line, without credentials
    #[arg(long, value_name = "FILE", env = "PADDOCK_RECORD_EXCHANGES", hide_env_values = true)]
    record_exchanges: Option<PathBuf>,
}

pub(crate) async fn run(args: DemoArgs, context: &Context) -> Outcome {
    let ending = Ending::on_signals()?;
    let dir = DataDir::named_or_default(context.global.data_dir.as_deref(), DIRECTORY)?;
    let listeners = demo::Listeners {
        web: args.web,
        gateway: args.gateway,
        tls: args.tls,
        proxy: args.proxy,
        paper: args.paper,
        paper_live: args.paper_live,
    };
    let story = Story::new(context.output);
    let stage = Stage::set(dir, listeners, args.record_exchanges.clone(), &story).await?;
    let told = tokio::select! {
        told = demo::tell(&stage, &story) => told,
        () = ending.graceful.cancelled() => Err(Failure::new("the demo was interrupted")),
    };
    let result = match told {
        Ok(report) => finish(&args, context, &stage, &story, report, &ending).await,
        Err(failure) => Err(failure),
    };
    let stopped = stage.stop(ending).await;
    result.and(stopped)
}

async fn finish(
    args: &DemoArgs,
    context: &Context,
    stage: &Stage,
    story: &Story,
    report: demo::Report,
    ending: &Ending,
) -> Outcome {
    if context.output.is_json() {
        let mut value = json!({ "ok": report.ok() });
        if let (Some(value), serde_json::Value::Object(rest)) = (value.as_object_mut(), report.to_json(stage))
        {
            value.extend(rest);
        }
        context.output.document(&value)?;
    }
    if args.once {
        return match report.failed() {
            0 => story.line("\nEvery step went as it should."),
            failed => {
                Err(Failure::refused(format!("{failed} of the demo's steps did not go as they should"))
                    .hint("see above which; please report it with this output"))
            }
        };
    }
    story.paste(stage)?;
    ending.graceful.cancelled().await;
    Ok(())
}
