//! `paddock rotation`: a connection's key pair is replaced.

mod follow;
mod rehearse;
mod show;
mod which;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use paddock_core::Clock as _;
use paddock_core::rotation::{Cause, OpenOrders, ResumeWhen};
use paddock_web::RotationView;
use serde::{Deserialize as _, Serialize};
use serde_json::{Value, json};

use self::which::Which;
use crate::api::{ApiClient, segment};
use crate::clock::SystemClock;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::secrets;

#[derive(Debug, Subcommand)]
pub(crate) enum RotationCommand {
    /// Plan the rotation of a connection's pair; nothing is done before it is started
    #[command(after_help = "\
A live pair needs a window and a ticket: `--window-from 2026-12-01T18:00:00Z --window-until 2026-12-01T18:30:00Z --ticket OPS-17`.")]
    Plan(PlanArgs),
    /// Start what was planned: account and consumers are looked at first
    Start(Which),
    /// Show where a rotation is and what it waits for
    #[command(after_help = "\
Exit status with --follow: 0 done, 3 called off, 4 waits for a person, 5 waits for a person while the new pair is in use already (degraded);
1 when it could not be seen. Without it: 0 when it could be shown.")]
    Status {
        #[command(flatten)]
        which: Which,
        /// Go on showing each step until it is over or only a person can help it on
        #[arg(long)]
        follow: bool,
    },
    /// Hand over the pair that you have just made in Alpaca's dashboard; it is asked for, hidden
    Paste {
        #[command(flatten)]
        which: Which,
        /// Read the Key ID and the Secret Key from standard input, on two lines
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Go on where you were waited for
    Resume(Which),
    /// Go on although orders are open, knowingly
    GoOnWithOpenOrders(Which),
    /// Go without the test order
    SkipTestOrder(Which),
    /// Call it off; not possible once a new pair was asked for
    Abort {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: Why,
    },
    /// Leave a consumer out of a rotation: the new pair is not taken there
    LeaveOut(About),
    /// Say that what is at a consumer may be overwritten although Paddock did not write it
    TakeOver(About),
    /// Print what a rotation was, for an auditor: Markdown, or JSON with --json
    Report(Which),
    /// Play a whole rotation against the paper broker: consumers are looked at and never written to
    Rehearse(rehearse::RehearseArgs),
    /// List the rotations, newest first
    List,
    /// Show everything that is replaced from time to time, how old it is and when it is due
    Matrix,
    /// Say how often a connection's pair is to be replaced
    Cadence {
        /// The connection's name
        connection: String,
        /// Every so many days, from 1 to 3650
        days: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why, in a few words; it is recorded
    #[arg(long, value_name = "WORDS")]
    reason: String,
}

/// What is said of a consumer.
#[derive(Debug, Args)]
pub(crate) struct About {
    #[command(flatten)]
    which: Which,
    /// The consumer's name
    consumer: String,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The connection's name
    connection: String,
    /// Why: scheduled, by_hand, compromise, offboarding, account_reset [default: by_hand]
    #[arg(long, value_name = "CAUSE")]
    cause: Option<Cause>,
    /// When it may be started at the earliest
    #[arg(long, value_name = "TIME", requires = "window_until")]
    window_from: Option<Timestamp>,
    /// Before when it must be started
    #[arg(long, value_name = "TIME", requires = "window_from")]
    window_until: Option<Timestamp>,
    /// May be started from now on, for an hour: for a pair that leaked, which waits for no planned window
    #[arg(long, conflicts_with_all = ["window_from", "window_until"])]
    now: bool,
    /// The ticket under which it was agreed
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// What to do about open orders: wait, cancel or go_on [default: go_on for paper, wait for live]
    #[arg(long, value_name = "WORD")]
    open_orders: Option<OpenOrders>,
    /// When new orders pass again: swapped, as soon as the gateway has the new pair, or proven, when every consumer has it too
    /// [default: swapped for paper, proven for live]
    #[arg(long, value_name = "WORD")]
    resume: Option<ResumeWhen>,
    /// For paper: order one share far from the market with the new pair at the end, see it and cancel it
    #[arg(long)]
    test_order: bool,
}

/// The API's request to plan.
#[derive(Serialize)]
struct Planned<'a> {
    cause: Option<&'static str>,
    window_from: Option<Timestamp>,
    window_until: Option<Timestamp>,
    ticket: Option<&'a str>,
    open_orders: Option<&'static str>,
    resume: Option<&'static str>,
    test_order: bool,
}

/// The API's request to paste. It has no `Debug`.
#[derive(Serialize)]
struct Pair<'a> {
    key_id: &'a str,
    secret_key: &'a str,
}

pub(crate) async fn run(command: RotationCommand, context: &Context) -> Outcome {
    // Asked for before the data directory is held.
    let pair = match &command {
        RotationCommand::Paste { secret_stdin, .. } => Some(secrets::obtain_new_pair(*secret_stdin)?),
        _ => None,
    };
    let client = context.client().await?;
    let done = perform(command, pair, &client, context).await;
    client.close().await;
    done
}

async fn perform(
    command: RotationCommand,
    pair: Option<secrets::GivenPair>,
    client: &ApiClient,
    context: &Context,
) -> Outcome {
    use RotationCommand as C;
    match command {
        C::Plan(args) => plan(&args, client, context).await,
        C::Start(which) => say(&which, "start", json!({}), client, context).await,
        C::Resume(which) => say(&which, "resume", json!({}), client, context).await,
        C::GoOnWithOpenOrders(which) => {
            say(&which, "go-on-with-open-orders", json!({}), client, context).await
        }
        C::SkipTestOrder(which) => say(&which, "skip-test-order", json!({}), client, context).await,
        C::Abort { which, why } => {
            say(&which, "abort", json!({ "reason": why.reason }), client, context).await
        }
        C::LeaveOut(about) => say(&about.which, "leave-out", about.content(), client, context).await,
        C::TakeOver(about) => say(&about.which, "take-over", about.content(), client, context).await,
        C::Status { which, follow } => {
            let id = which.id(client, context).await?;
            if follow {
                client.run_rotations();
                return follow::follow(&id, client, context).await;
            }
            shown(client.get(&format!("/api/v1/rotations/{id}")).await?, context)
        }
        C::Paste { which, .. } => match pair {
            Some(pair) => paste(&which, &pair, client, context).await,
            None => Err(Failure::usage("the new pair is missing")),
        },
        C::Report(which) => report(&which, client, context).await,
        C::Rehearse(args) => rehearse::rehearse(&args, client, context).await,
        C::List => show::list(client, context).await,
        C::Matrix => show::matrix(&client.get("/api/v1/rotation-matrix").await?, context),
        C::Cadence { connection, days } => {
            let path = format!("/api/v1/connections/{}/cadence", segment(&connection));
            show::matrix(&client.post(&path, &json!({ "days": days })).await?, context)
        }
    }
}

impl About {
    fn content(&self) -> Value {
        json!({ "consumer": self.consumer, "reason": self.why.reason })
    }
}

/// The window of a live rotation that waits for no planned one: an hour from now on.
pub(super) fn window_from_now() -> (Timestamp, Timestamp) {
    let now = SystemClock.now();
    (now, now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now))
}

async fn plan(args: &PlanArgs, client: &ApiClient, context: &Context) -> Outcome {
    let (window_from, window_until) = match args.now.then(window_from_now) {
        Some((from, until)) => (Some(from), Some(until)),
        None => (args.window_from, args.window_until),
    };
    let content = Planned {
        cause: args.cause.map(Cause::as_str),
        window_from,
        window_until,
        ticket: args.ticket.as_deref(),
        open_orders: args.open_orders.map(OpenOrders::as_str),
        resume: args.resume.map(ResumeWhen::as_str),
        test_order: args.test_order,
    };
    let path = format!("/api/v1/connections/{}/rotations", segment(&args.connection));
    let planned = client.post(&path, &content).await?;
    tell_rehearsal(&args.connection, client).await?;
    shown(planned, context)
}

/// A rehearsal that was left open stands in nobody's way. It is told, so that nobody takes it for what was planned.
async fn tell_rehearsal(connection: &str, client: &ApiClient) -> Outcome {
    let listed = client.list("/api/v1/rotations").await?;
    let left =
        |one: &&Value| one["connection"] == connection && one["rehearsal"] == true && one["over"] == false;
    if let Some(id) =
        listed.as_array().and_then(|all| all.iter().find(left)).and_then(|one| one["id"].as_str())
    {
        crate::output::note(&format!(
            "a rehearsal of {connection} is open too, {id}: call it off with `paddock rotation abort {id} --reason WORDS`"
        ));
    }
    Ok(())
}

async fn say(which: &Which, word: &str, content: Value, client: &ApiClient, context: &Context) -> Outcome {
    let id = which.id(client, context).await?;
    let said = client.post(&format!("/api/v1/rotations/{id}/{word}"), &content).await?;
    if !client.is_served() {
        crate::output::note("no server runs: start `paddock serve`, which does the work");
    }
    shown(said, context)
}

async fn paste(which: &Which, pair: &secrets::GivenPair, client: &ApiClient, context: &Context) -> Outcome {
    let id = which.id(client, context).await?;
    let content = Pair { key_id: pair.key_id.expose(), secret_key: pair.secret_key.expose() };
    let taken = client.post(&format!("/api/v1/rotations/{id}/paste"), &content).await?;
    for repair in taken["repairs"].as_array().into_iter().flatten() {
        let removed = repair["removed"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let removed: Vec<&str> = removed.collect();
        let field = repair["field"].as_str().unwrap_or_default().replace('_', " ");
        crate::output::note(&format!("repaired the {field}: removed {}", removed.join(", ")));
    }
    client.run_rotations();
    follow::until_checked(&id, client, context).await
}

async fn report(which: &Which, client: &ApiClient, context: &Context) -> Outcome {
    let id = which.id(client, context).await?;
    if context.output.is_json() {
        return context.output.document(&client.get(&format!("/api/v1/rotations/{id}/report")).await?);
    }
    let body = client.stream(http::Method::GET, &format!("/api/v1/rotations/{id}/report.md")).await?;
    let text = axum::body::to_bytes(body, usize::MAX).await.map_err(Failure::cannot("read the report"))?;
    context.output.bytes(&text)
}

fn shown(rotation: Value, context: &Context) -> Outcome {
    let view = view(&rotation)?;
    context.output.show(&rotation, |paint| show::describe(&view, paint))
}

fn view(rotation: &Value) -> Outcome<RotationView> {
    RotationView::deserialize(rotation).map_err(Failure::cannot("understand the server's answer"))
}
