//! `paddock serve`: the gateway, the pages and the admin socket, until a signal.

use clap::Args;
use serde_json::json;

use crate::config::{DEFAULT_GATEWAY, DEFAULT_WEB};
use crate::context::Context;
use crate::failure::Outcome;
use crate::listen::ListenAddr;
use crate::running::Running;
use crate::signals::Ending;

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where people connect
    #[arg(long, value_name = "ADDR", help = format!("Where people connect [default: {DEFAULT_WEB}]"))]
    web: Option<ListenAddr>,
    /// Where programs connect
    #[arg(long, value_name = "ADDR", help = format!("Where programs connect [default: {DEFAULT_GATEWAY}]"))]
    gateway: Option<ListenAddr>,
    /// Allow addresses that other machines can reach. Both listeners speak plain HTTP and the pages have no login: only a
    /// trusted network or a TLS proxy may reach them
    #[arg(long)]
    allow_remote: bool,
}

pub(crate) async fn run(args: ServeArgs, context: &Context) -> Outcome {
    let ending = Ending::on_signals()?;
    let dir = context.data_dir()?;
    let mut config = context.config(&dir)?;
    config.web = args.web.unwrap_or(config.web);
    config.gateway = args.gateway.unwrap_or(config.gateway);
    config.allow_remote |= args.allow_remote;
    let running = Running::start(dir.clone(), &config).await?;
    let (gateway, web) = (running.addresses().gateway, running.addresses().web);
    let value = json!({
        "gateway": format!("http://{gateway}"), "web": format!("http://{web}"), "data_dir": dir.path(),
    });
    context.output.show(&value, |paint| {
        format!(
            "{}\n  programs  http://{gateway}\n  pages     http://{web}\n  data      {}\nCtrl-C ends it.",
            paint.bold("Paddock is ready"),
            dir.path().display()
        )
    })?;
    running.run(ending.graceful, ending.hard).await
}
