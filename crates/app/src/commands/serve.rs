//! `paddock serve`: the gateway, the pages and the admin socket, until a signal.

use clap::Args;
use paddock_core::SecretText;
use serde_json::json;

use crate::config::{DEFAULT_GATEWAY, DEFAULT_WEB};
use crate::context::Context;
use crate::failure::Outcome;
use crate::instance::Addresses;
use crate::listen::ListenAddr;
use crate::memory;
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
    /// Where programs connect by HTTPS, with a certificate of the local authority (`paddock ca export`) [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    tls: Option<ListenAddr>,
    /// Where programs whose hosts cannot be changed find a proxy for HTTPS_PROXY, which leads to Alpaca's hosts only
    /// [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    proxy: Option<ListenAddr>,
    /// Where Prometheus and other watchers find /metrics, /livez and /readyz; they name access keys and tell what they do
    /// [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    metrics: Option<ListenAddr>,
    /// Allow addresses that other machines can reach. All but the TLS entrance speak plain HTTP, in which passwords and cookies can be
    /// read on their way: only a trusted network or a TLS proxy may reach them
    #[arg(long)]
    allow_remote: bool,
}

pub(crate) async fn run(args: ServeArgs, context: &Context) -> Outcome {
    memory::use_small_pages();
    let ending = Ending::on_signals()?;
    let dir = context.data_dir()?;
    let mut config = context.config(&dir)?;
    config.web = args.web.unwrap_or(config.web);
    config.gateway = args.gateway.unwrap_or(config.gateway);
    config.tls = args.tls.or(config.tls);
    config.proxy = args.proxy.or(config.proxy);
    config.metrics = args.metrics.or(config.metrics);
    config.allow_remote |= args.allow_remote;
    let running = Running::start(dir.clone(), &config).await?;
    let Addresses { gateway, tls, proxy, web, metrics } = running.addresses();
    let (gateway, web) = (format!("http://{gateway}"), format!("http://{web}"));
    let (tls, proxy) =
        (tls.map(|tls| format!("https://{tls}")), proxy.map(|proxy| format!("http://{proxy}")));
    let metrics = metrics.map(|metrics| format!("http://{metrics}/metrics"));
    // It makes whoever opens it the owner: it goes to this terminal and into no log.
    let set_up = running.set_up_link().await?;
    let set_up = set_up.as_ref().map(SecretText::expose);
    let value = json!({
        "gateway": gateway, "tls": tls, "proxy": proxy, "web": web, "metrics": metrics, "data_dir": dir.path(),
        "set_up": set_up
    });
    context.output.show(&value, |paint| {
        let mut lines = format!("{}\n  programs  {gateway}\n", paint.bold("Paddock is ready"));
        for (name, address) in [("by TLS  ", tls), ("by proxy", proxy)] {
            lines += &address.map(|address| format!("  {name}  {address}\n")).unwrap_or_default();
        }
        lines += &format!("  pages     {web}\n");
        lines += &metrics.map(|address| format!("  metrics   {address}\n")).unwrap_or_default();
        if let Some(link) = set_up {
            lines += &format!(
                "  set up    {link}\n            makes the first owner, once; open it in a browser\n"
            );
        }
        format!("{lines}  data      {}\nCtrl-C ends it.", dir.path().display())
    })?;
    running.run(ending.graceful, ending.hard).await
}
