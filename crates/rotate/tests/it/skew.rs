//! A wrong clock, on either side and at every step: services that check times refuse and are told apart from a wrong login, the others do not mind.

use std::time::Duration;

use paddock_fakes::aws::Aws;
use paddock_fakes::cloudflare::Cloudflare;
use paddock_fakes::github::Github;
use paddock_fakes::google::Google;
use paddock_fakes::heroku::Heroku;
use paddock_fakes::infisical::Infisical;
use paddock_fakes::kubernetes::Kubernetes;
use paddock_fakes::slack::Slack;
use paddock_fakes::vault::Vault;
use paddock_fakes::webhook::Webhook;
use paddock_fakes::{Fake, Running};
use paddock_rotate::{Applied, Consumer, Fault, FaultKind, Proof, Put};
use rstest::rstest;
use serde_json::json;

use super::common::{delivery, start};
use super::{aws, cloudflare, github, google, heroku, infisical, kubernetes, notices, vault};

/// What a consumer makes of a clock that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Times {
    /// Requests have a time, and the service looks at it.
    Checked,
    /// Nothing depends on it.
    Ignored,
}

/// A fake, its consumer, and how often the pair was written there.
struct Case<F> {
    fake: F,
    connect: fn(&str) -> Box<dyn Consumer>,
    writes: fn(&F) -> usize,
}

#[rstest]
#[case::aws("aws", Times::Checked)]
#[case::cloudflare("cloudflare", Times::Ignored)]
#[case::github("github", Times::Ignored)]
#[case::google("google", Times::Checked)]
#[case::heroku("heroku", Times::Ignored)]
#[case::infisical("infisical", Times::Ignored)]
#[case::kubernetes("kubernetes", Times::Ignored)]
#[case::slack("slack", Times::Ignored)]
#[case::vault("vault", Times::Ignored)]
#[case::webhook("webhook", Times::Checked)]
#[tokio::test]
async fn a_wrong_clock_is_named_or_does_not_matter(
    #[case] kind: &str,
    #[case] times: Times,
    #[values(-1200, 1200)] seconds: i64,
) {
    let fake = Kubernetes { at_once: true, ..Kubernetes::default() };
    match kind {
        "aws" => {
            let writes = |fake: &Aws| fake.versions.len() - 1;
            of(Case { fake: Aws::default(), connect: aws::consumer, writes }, times, seconds).await;
        }
        "cloudflare" => {
            let (fake, connect) = (Cloudflare::default(), |url: &str| cloudflare::consumer(url, "bot"));
            let writes = |fake: &Cloudflare| usize::try_from(fake.deployments).unwrap() - 1;
            of(Case { fake, connect, writes }, times, seconds).await;
        }
        "github" => {
            let (fake, connect) = (Github::default(), |url: &str| github::consumer(url, &json!({})));
            let writes = |fake: &Github| fake.secrets.len() / 2;
            of(Case { fake, connect, writes }, times, seconds).await;
        }
        "google" => {
            let (fake, connect) = (Google::default(), |url: &str| google::consumer(url, false));
            of(Case { fake, connect, writes: |fake| fake.versions.len() - 1 }, times, seconds).await;
        }
        "heroku" => {
            let (fake, connect) = (Heroku::with(&["bot"]), |url: &str| heroku::consumer(url, &["bot"]));
            of(Case { fake, connect, writes: |fake| fake.apps["bot"].releases.len() - 1 }, times, seconds)
                .await;
        }
        "infisical" => {
            let writes = |fake: &Infisical| fake.folders["/bots"].len() / 3;
            of(Case { fake: Infisical::default(), connect: infisical::consumer, writes }, times, seconds)
                .await;
        }
        "kubernetes" => {
            let writes = |fake: &Kubernetes| usize::try_from(fake.restarts).unwrap();
            of(Case { fake, connect: kubernetes::consumer, writes }, times, seconds).await;
        }
        "slack" => {
            let connect = |url: &str| notices::slack(url, &Slack::default().path);
            of(Case { fake: Slack::default(), connect, writes: |fake| fake.posts.len() }, times, seconds)
                .await;
        }
        "vault" => {
            let writes = |fake: &Vault| fake.secrets["apps/bot"].len() - 1;
            of(Case { fake: Vault::default(), connect: vault::consumer, writes }, times, seconds).await;
        }
        _ => {
            let (fake, connect) = (Webhook::default(), |url: &str| notices::webhook(url, true));
            let replaced = |fake: &Webhook| {
                fake.taken.values().filter(|message| message["type"] == "pair.replaced").count()
            };
            of(Case { fake, connect, writes: replaced }, times, seconds).await;
        }
    }
}

/// The service's clock goes wrong before each step, and is set right again.
async fn of<F: Fake>(case: Case<F>, times: Times, seconds: i64) {
    let Case { fake, connect, writes } = case;
    let fake = start(fake).await;
    // As the workflow does it: another consumer for each question, so that each logs in.
    let consumer = || connect(&fake.url);
    let looked = asked(&fake, seconds, times, async || consumer().look().await).await;
    let seen = looked.version.clone();
    let given = delivery(0);
    let put = async || consumer().put(&given, seen.as_deref()).await;
    let put: Put = if times == Times::Checked {
        fake.skew(seconds);
        let fault = put().await.unwrap_err();
        judge(&fault, seconds);
        assert_eq!((fault.applied, fake.with(|fake| writes(fake))), (Applied::No, 0));
        fake.skew(0);
        put().await.unwrap()
    } else {
        fake.skew(seconds);
        put().await.unwrap()
    };
    fake.skew(0);
    // Those that were told without being asked have nothing to prove.
    let asks = fake.heard().len();
    proven(&*consumer(), &put).await;
    let asks = fake.heard().len() > asks;
    if asks && times == Times::Checked {
        fake.skew(seconds);
        judge(&consumer().prove(&given, &put).await.unwrap_err(), seconds);
    }
    assert_eq!(fake.with(|fake| writes(fake)), 1);
}

async fn asked<F: Fake, T>(
    fake: &Running<F>,
    seconds: i64,
    times: Times,
    ask: impl AsyncFn() -> Result<T, Fault>,
) -> T {
    fake.skew(seconds);
    let told = ask().await;
    if times == Times::Ignored {
        return told.unwrap();
    }
    judge(&told.err().unwrap(), seconds);
    fake.skew(0);
    ask().await.unwrap()
}

/// A person is asked, and told by how much which clock is wrong.
fn judge(fault: &Fault, seconds: i64) {
    assert_eq!(fault.kind, FaultKind::Login, "{fault}");
    assert!(!fault.kind.may_pass());
    let minutes = Duration::from_secs(seconds.unsigned_abs()).as_secs() / 60;
    let way = if seconds > 0 { "behind" } else { "ahead" };
    assert!(fault.message.contains(&format!("clock is {minutes} minutes {way}")), "{fault}");
    assert!(fault.next_step.contains("clock"), "{fault:?}");
}

async fn proven(consumer: &dyn Consumer, put: &Put) -> Proof {
    loop {
        match consumer.prove(&delivery(0), put).await {
            Err(fault) if fault.kind == FaultKind::NotYet => {}
            proof => break proof.unwrap(),
        }
    }
}
