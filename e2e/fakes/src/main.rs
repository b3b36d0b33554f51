//! Serves one fake on this machine for programs that are not tests: `paddock-fakes heroku`. The first line of its output is its address; it listens until
//! its standard input ends. `GET /_fake/heard` tells what it has heard.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::Clock;
use paddock_fakes::{
    Fake, Running, aws, cloudflare, github, google, heroku, infisical, kubernetes, slack, vault, webhook,
};

/// The machine's clock: the services' own clients use that, too.
#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let ended = match name.as_str() {
        "aws" => serve(aws::Aws::default()).await,
        "cloudflare" => serve(cloudflare::Cloudflare::default()).await,
        "github" => serve(github::Github::default()).await,
        // gcloud is told to use no login, since it would ask Google for one.
        "google" => serve(google::Google { anonymous: true, ..google::Google::default() }).await,
        "heroku" => serve(heroku::Heroku::with(&["bot", "bot-two"])).await,
        "infisical" => serve(infisical::Infisical::default()).await,
        "infisical-3" => {
            serve(infisical::Infisical { has_version_4: false, ..infisical::Infisical::default() }).await
        }
        "kubernetes" => serve(kubernetes::Kubernetes::default()).await,
        "slack" => serve(slack::Slack::default()).await,
        "vault" => serve(vault::Vault::default()).await,
        "webhook" => serve(webhook::Webhook::default()).await,
        _ => Err(std::io::Error::other(
            "name one of aws, cloudflare, github, google, heroku, infisical, infisical-3, kubernetes, slack, vault, webhook",
        )),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is a program")]
fn report(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "whoever starts this reads the address")]
async fn serve(fake: impl Fake) -> std::io::Result<()> {
    let running = Running::start(fake, ([127, 0, 0, 1], 0).into(), Arc::new(SystemClock)).await?;
    println!("{}", running.url);
    let input = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        ended = running.ended() => ended,
        _ = input => Ok(()),
    }
}
