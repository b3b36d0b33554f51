//! Pages and API as a person's browser and scripts have them: what they cost under load beside the least that axum can answer, in the same run;
//! and how long each takes when there is much to show.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::gateway::{AccessKey, Gateway, Upstream};
use super::load::{Load, Round, Target, visit};
use super::paper::Broker;
use super::report::{machine, median, micros, middle, ratio};
use crate::browser;
use crate::process::{self, Running};
use crate::workspace::{Profile, Workspace};

/// How much there is to show, at the least; and where a run is only to see that it works.
const RECORDS: u64 = 100_000;
const ORDERS: u64 = 10_000;
const FEW_RECORDS: u64 = 3_000;
const FEW_ORDERS: u64 = 1_000;
/// The seconds of a round from which on a run is a measurement.
const MEASURES: u32 = 5;
/// How many pages are gone through by their link to the older ones.
const TURNS: usize = 40;
/// How often each page is asked for, one after the other.
const LOOKS: usize = 20;
/// Before every so many of these visits somebody trades, so that what a page keeps in memory is out of date.
const TRADES_EVERY: usize = 5;
/// No page may take longer, at no visit.
const LONGEST: Duration = Duration::from_millis(100);
/// The pages that tell whether the audit chain is whole, and how often somebody comes back to each after a while of trading: when the chain is
/// due to be read again, which is after 2 s, or 20 times as long as reading it takes (`crates/web/src/pages/chain.rs`).
const CHECKED: [&str; 2] = ["/", "/audit"];
const RETURNS: usize = 3;
const DUE: Duration = Duration::from_millis(2100);
const SHARE: u32 = 21;
/// How many connections ask at once, and how often that is measured.
const CONNECTIONS: u32 = 16;
const ROUNDS: usize = 3;
/// An instant in a session, so that orders are filled.
const OPEN: &str = "2026-06-24T14:00:00Z";

/// What is looked at. `MIDDLE` stands for a record in the middle of the chain.
const PAGES: [&str; 27] = [
    "/",
    "/welcome",
    "/connections",
    "/connections/bench",
    "/connections/new/paper",
    "/keys",
    "/keys/new?connection=bench",
    "/keys/bench",
    "/keys/bench/edit",
    "/approvals",
    "/activity",
    "/activity?show=latest",
    "/activity?key=bench&decision=refused",
    "/activity?symbol=AAPL",
    "/activity?reason=order_notional_exceeded",
    "/activity?from=2020-01-01&to=2020-01-02",
    "/accounts/bench",
    "/audit",
    "/audit?before=MIDDLE",
    "/audit?event=key_created",
    "/audit?actor=nobody-of-that-name",
    "/freeze",
    "/paper-broker",
    "/settings",
    "/settings/people",
    "/settings/security",
    "/settings/tokens",
];
const API: [&str; 9] = [
    "/api/v1/status",
    "/api/v1/keys",
    "/api/v1/connections",
    "/api/v1/requests?limit=500",
    "/api/v1/activity?limit=100",
    "/api/v1/activity?symbol=MSFT&limit=1000",
    "/api/v1/audit?limit=100",
    "/api/v1/audit?limit=1000&before=MIDDLE",
    "/api/v1/audit?event=key_created",
];
/// What is gone through from its newest page on, by the link to the next.
const BROWSED: [&str; 4] = ["/activity", "/activity?symbol=AAPL", "/audit", "/audit?actor=bench"];
/// What takes the load.
const LOADED: [&str; 5] = ["/", "/keys", "/activity", "/api/v1/status", "/api/v1/keys"];
/// What Chromium opens.
const OPENED: [&str; 6] = ["/", "/keys", "/activity", "/accounts/bench", "/audit", "/settings"];

/// Measures and writes the section of the page.
pub(super) fn section(workspace: &Workspace, binary: &Path, seconds: u32) -> Result<String> {
    let directory = workspace.target.join("bench/web");
    let broker = Broker::start(binary, &["--start", OPEN])?;
    let account = broker.open_account()?;
    let stream_url = broker.url.replacen("http", "ws", 1);
    let upstream = Upstream { url: broker.url.clone(), live_url: broker.live_url.clone(), stream_url };
    let gateway = Gateway::start(binary, &directory, &upstream)?;
    gateway.connect(&account.key_id, &account.secret_key)?;
    let key = gateway.issue_access_key(&["--preset", "trader", "--max-daily-orders", "100000000"])?;
    let browser = Browser::signed_in(&gateway)?;
    let mut records = browser.records()?;
    let mut orders = 0;
    let quick = seconds < MEASURES;
    let (most_records, most_orders) = if quick { (FEW_RECORDS, FEW_ORDERS) } else { (RECORDS, ORDERS) };
    while records < most_records || orders < most_orders {
        let (key_id, secret_key) = (&*key.key_id, &*key.secret_key);
        let load = Load {
            url: &gateway.url,
            target: Target::Orders,
            key_id,
            secret_key,
            connections: 64,
            seconds: 2,
        };
        orders += u64::from(load.run(&[gateway.process_id()])?.requests);
        records = browser.records()?;
        println!("{orders} orders, {records} audit records");
    }
    let bot = Bot { address: gateway.address, key };
    let middle = (records / 2).to_string();
    // The first reading of the chain since the start is no visit's: how long it takes says when the next one is due.
    let started = Instant::now();
    browser.ask("GET", "/api/v1/audit/verify", "")?;
    let due = DUE.max(started.elapsed() * SHARE);
    let mut looks = Vec::new();
    for path in PAGES.into_iter().chain(API) {
        let path = path.replace("MIDDLE", &middle);
        let look = browser.look(&path, &bot)?;
        looks.push((path, look));
    }
    for path in CHECKED {
        looks.push((format!("{path}, after a while of trading"), browser.come_back(path, &bot, due)?));
    }
    for path in BROWSED {
        looks.push((format!("{path}, page after page"), browser.browse(path)?));
    }
    let seen = opened(workspace, &browser)?;
    let hello = Hello::start(workspace, if quick { Profile::Debug } else { Profile::Release })?;
    let mut loads = Vec::new();
    for path in LOADED {
        let (mut own, mut least) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let one = visit(
                &format!("http://{}{path}", browser.address),
                &browser.cookie,
                CONNECTIONS,
                seconds,
                gateway.process_id(),
            )?;
            let other =
                visit(&format!("http://{}/", hello.address), "", CONNECTIONS, seconds, hello.process.id())?;
            // The first round only warms caches.
            if round > 0 {
                println!("{path}, round {round}: p99 {}, hello {}", micros(one.p99), micros(other.p99));
                own.push(one);
                least.push(other);
            }
        }
        loads.push((path, own, least));
    }
    let page = report(&looks, &loads, &seen, orders, records, seconds)?;
    let missed: Vec<&str> =
        looks.iter().filter(|(_, look)| !look.is_met()).map(|(path, _)| &**path).collect();
    // A debug build is no measurement.
    if !quick && !missed.is_empty() {
        println!("{page}");
        bail!(
            "over {} ms of the server's time, or no answer of 200: {}",
            LONGEST.as_millis(),
            missed.join(", ")
        );
    }
    Ok(page)
}

/// What Chromium says of its first visit of a page.
#[derive(Debug, serde::Deserialize)]
struct Seen {
    path: String,
    /// Milliseconds until something was seen; the middle of several visits.
    paint: f64,
    /// How much moved while it came, of 1.
    shift: f64,
    /// Bytes of scripts, styles and pictures, as they came over the wire.
    bytes: u64,
}

/// Opens pages in Chromium, each in a profile that has seen none.
fn opened(workspace: &Workspace, browser: &Browser) -> Result<Vec<Seen>> {
    let (node, chromium) = browser::programs(workspace)?;
    let mut measure = Command::new(node.join("node"));
    measure.current_dir(workspace.root.join(browser::PROJECT)).arg("measure.mjs");
    measure.arg(format!("http://{}", browser.address)).args(OPENED);
    measure.env("PADDOCK_TEST_CHROMIUM", chromium).env("PADDOCK_TEST_COOKIE", &browser.cookie);
    Ok(serde_json::from_str(&process::output(&mut measure)?)?)
}

fn report(
    looks: &[(String, Look)],
    loads: &[(&str, Vec<Round>, Vec<Round>)],
    seen: &[Seen],
    orders: u64,
    records: u64,
    seconds: u32,
) -> Result<String> {
    let mut text = String::from(
        "Pages and API on the web listener, for an owner who signed in. The server's time, from the request to the last byte of the answer, on \
         the machine\nthat asks.\n\n",
    );
    writeln!(text, "{}\n", machine()?)?;
    writeln!(
        text,
        "{CONNECTIONS} connections, medians of {ROUNDS} rounds of {seconds} s. *hello* is a plain axum server that answers five bytes, in turn \
         in the same run.\n"
    )?;
    writeln!(
        text,
        "| | requests per second | p50 | p99 | p99 of hello | to hello |\n|---|---:|---:|---:|---:|---:|"
    )?;
    for (path, own, least) in loads {
        let (p99, hello) = (median(own, |round| round.p99), median(least, |round| round.p99));
        writeln!(
            text,
            "| `{path}` | {:.0} | {} | {} | {} | {:.2} |",
            super::report::rate(own, seconds),
            micros(median(own, |round| round.p50)),
            micros(p99),
            micros(hello),
            ratio(p99, hello)
        )?;
    }
    writeln!(
        text,
        "\nWith {orders} orders and {records} audit records to show, {LOOKS} times one after the other, an order before every fifth:\n"
    )?;
    writeln!(
        text,
        "| | status | bytes | median | longest | under {} ms |\n|---|---:|---:|---:|---:|---|",
        LONGEST.as_millis(),
    )?;
    for (path, look) in looks {
        let met = if look.is_met() { "met" } else { "missed" };
        writeln!(
            text,
            "| `{path}` | {} | {} | {} | {} | {met} |",
            look.status,
            look.bytes,
            micros(middle(look.times.clone())),
            micros(look.longest())
        )?;
    }
    writeln!(
        text,
        "\nWhat Chromium says of a first visit, with nothing kept (the middle of five). It calls a paint within 1.8 s and a shift under 0.1 good.\n"
    )?;
    writeln!(
        text,
        "| | first paint | layout shift | scripts, styles and pictures, compressed |\n|---|---:|---:|---:|"
    )?;
    for Seen { path, paint, shift, bytes } in seen {
        writeln!(text, "| `{path}` | {paint:.0} ms | {shift:.4} | {:.1} kB |", kilobytes(*bytes))?;
    }
    Ok(text)
}

#[expect(clippy::cast_precision_loss, reason = "a bundle is small")]
fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1000.0
}

/// What a page showed.
struct Look {
    status: u16,
    bytes: usize,
    /// How long each took.
    times: Vec<Duration>,
}

impl Look {
    fn longest(&self) -> Duration {
        self.times.iter().max().copied().unwrap_or_default()
    }

    fn is_met(&self) -> bool {
        self.status == 200 && self.longest() < LONGEST
    }
}

/// A program that trades meanwhile.
struct Bot {
    /// Of the gateway's listener.
    address: SocketAddr,
    key: AccessKey,
}

impl Bot {
    /// Buys one share, which is recorded.
    fn trade(&self) -> Result<()> {
        let order = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
        let AccessKey { key_id, secret_key } = &self.key;
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(
            stream,
            "POST /v2/orders HTTP/1.1\r\nHost: {}\r\nAPCA-API-KEY-ID: {key_id}\r\nAPCA-API-SECRET-KEY: {secret_key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{order}",
            self.address,
            order.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200") {
            bail!("an order between two visits is answered {}", answer.lines().next().unwrap_or_default());
        }
        Ok(())
    }
}

/// Somebody who signed in.
struct Browser {
    address: SocketAddr,
    /// The header's value.
    cookie: String,
}

impl Browser {
    /// Follows the set-up link.
    fn signed_in(gateway: &Gateway) -> Result<Self> {
        let link = gateway.set_up.as_deref().context("`paddock serve` gave no link to set it up")?;
        let path = link.splitn(4, '/').nth(3).context("the link has no path")?;
        let form = "name=bench&password=a+long+benchmark+password&again=a+long+benchmark+password";
        let mut browser = Self { address: gateway.web, cookie: String::new() };
        let (head, _) = browser.ask("POST", &format!("/{path}"), form)?;
        let cookie = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.split(';').next().unwrap_or_default().to_owned())
        });
        browser.cookie = cookie
            .with_context(|| format!("no session began: {}", head.lines().next().unwrap_or_default()))?;
        Ok(browser)
    }

    fn records(&self) -> Result<u64> {
        let (head, body) = self.ask("GET", "/api/v1/status", "")?;
        let status: Value = serde_json::from_slice(&body).with_context(|| head.clone())?;
        status["audit"]["records"].as_u64().context("the status tells of no audit records")
    }

    /// Goes from a list's newest page to older ones by their links; each page once.
    fn browse(&self, path: &str) -> Result<Look> {
        let mut look = Look { status: 200, bytes: 0, times: Vec::new() };
        let mut path = path.to_owned();
        for _ in 0..TURNS {
            let started = Instant::now();
            let (head, body) = self.ask("GET", &path, "")?;
            look.times.push(started.elapsed());
            if !head.starts_with("HTTP/1.1 200") {
                bail!("{path} answers {}", head.lines().next().unwrap_or_default());
            }
            look.bytes = look.bytes.max(body.len());
            let page = String::from_utf8_lossy(&body);
            let older = page.split("<a class=\"button\" href=\"").find_map(|link| {
                let (address, rest) = link.split_once('"')?;
                rest.starts_with(" rel=\"next\"").then(|| address.replace("&#38;", "&").replace("&amp;", "&"))
            });
            let Some(older) = older else { break };
            path = older;
        }
        Ok(look)
    }

    fn look(&self, path: &str, bot: &Bot) -> Result<Look> {
        let mut look = Look { status: 0, bytes: 0, times: Vec::new() };
        for number in 0..LOOKS {
            if number % TRADES_EVERY == 0 {
                bot.trade()?;
            }
            self.visit(path, &mut look)?;
        }
        Ok(look)
    }

    /// Visits a page each time when something was recorded since, and what it tells of that is due to be looked at again.
    fn come_back(&self, path: &str, bot: &Bot, due: Duration) -> Result<Look> {
        let mut look = Look { status: 0, bytes: 0, times: Vec::new() };
        for _ in 0..RETURNS {
            bot.trade()?;
            std::thread::sleep(due);
            self.visit(path, &mut look)?;
        }
        Ok(look)
    }

    fn visit(&self, path: &str, look: &mut Look) -> Result<()> {
        let started = Instant::now();
        let (head, body) = self.ask("GET", path, "")?;
        look.times.push(started.elapsed());
        look.status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        look.bytes = body.len();
        if look.status >= 500 {
            bail!("{path} answers {}", head.lines().next().unwrap_or_default());
        }
        Ok(())
    }

    /// Head and body of an answer, whose body may come in chunks.
    fn ask(&self, method: &str, path: &str, form: &str) -> Result<(String, Vec<u8>)> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let kind = if form.is_empty() { "" } else { "Content-Type: application/x-www-form-urlencoded\r\n" };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nSec-Fetch-Site: same-origin\r\n{kind}Content-Length: {}\r\n\
             Connection: close\r\n\r\n{form}",
            self.address,
            self.cookie,
            form.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("the answer has no head")?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        Ok((head, answer[end + 4..].to_vec()))
    }
}

/// `crates/web/examples/hello.rs`.
struct Hello {
    process: Running,
    address: SocketAddr,
}

impl Hello {
    fn start(workspace: &Workspace, profile: Profile) -> Result<Self> {
        let mut cargo = workspace.cargo(&["build", "--package", "paddock-web", "--example", "hello"]);
        if profile == Profile::Release {
            cargo.arg("--release");
        }
        process::run(&mut cargo)?;
        let program = workspace.binary(profile).with_file_name("examples").join("hello");
        let mut process = Running::start(Command::new(program).stdout(Stdio::piped()))?;
        let address = first_line(process.0.stdout.take())?.trim().parse()?;
        Ok(Self { process, address })
    }
}

fn first_line(output: Option<ChildStdout>) -> Result<String> {
    let mut line = String::new();
    BufReader::new(output.context("no output")?).read_line(&mut line)?;
    Ok(line)
}
