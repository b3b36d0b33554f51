//! The stage for the tests: the binary in a clean environment, a paper broker, and a server, each on free ports.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Until when a test asks for something that must come: longer than it takes on the slowest machine.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn start() -> Self {
        Self(Instant::now() + Duration::from_secs(60))
    }

    pub fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// The JSON document on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The same, for a command that must have succeeded.
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }
}

/// The binary, in an environment of its own: nothing of the machine's settings reaches it.
pub fn paddock(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paddock"));
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

/// Runs a command to its end, with `input` on its standard input.
pub fn finish(mut command: Command, input: &str) -> Done {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that ends without reading its input closes the pipe, which is fine.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Done {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `paddock ARGUMENTS` in a home directory of its own.
pub fn run(arguments: &[&str]) -> Done {
    let home = tempfile::tempdir().unwrap();
    let mut command = paddock(home.path());
    command.args(arguments);
    finish(command, "")
}

/// A process that runs until it is told to end, with its error output in a file.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// The JSON document that it printed when it was ready.
    pub ready: Value,
    /// Everything that it printed to standard output so far.
    pub printed: String,
}

impl Process {
    /// Starts it and waits for its JSON document.
    pub fn start(mut command: Command, log: &Path) -> Self {
        command.arg("--json").stdout(Stdio::piped()).stderr(File::create(log).unwrap());
        let mut process =
            Self { child: command.spawn().unwrap(), ready: Value::Null, printed: String::new() };
        let mut lines = BufReader::new(process.child.stdout.take().unwrap());
        while process.ready.is_null() {
            let read = lines.read_line(&mut process.printed).unwrap();
            assert!(read > 0, "it ended early: {}{}", process.printed, std::fs::read_to_string(log).unwrap());
            process.ready = serde_json::from_str(&process.printed).unwrap_or_default();
        }
        process
    }

    /// An address that it told when it was ready.
    pub fn address(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.ready)).to_owned()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it write no file beyond that size from now on, as if the disk were full at `0`; `unlimited` gives room again. A limit stands
    /// in for a full file system because it needs no rights to set and to lift.
    #[cfg(target_os = "linux")]
    pub fn limit_files(&self, size: &str) {
        let limit = format!("--fsize={size}:unlimited");
        let done = Command::new("prlimit").args(["--pid", &self.id().to_string(), &limit]).status().unwrap();
        assert!(done.success());
    }

    /// Ends it as a service manager would, and returns its exit status.
    pub fn stop(&mut self) -> i32 {
        let done = Command::new("kill").arg(self.id().to_string()).status().unwrap();
        assert!(done.success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) {
        self.child.wait().unwrap();
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A paper broker with one paper account, and a data directory that is configured to use it.
#[derive(Debug)]
pub struct Bench {
    temp: TempDir,
    broker: Process,
    pub key_id: String,
    pub secret_key: String,
    /// What is logged by servers and commands.
    pub log_filter: &'static str,
}

impl Bench {
    /// A bench whose broker is held open, so that orders fill.
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let mut command = paddock(temp.path());
        command.args([
            "paper",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--live-listen",
            "127.0.0.1:0",
            "--hold-open",
        ]);
        // Tests send more than Alpaca allows in a minute.
        command.args(["--rate-limit", "1000000"]);
        command.args(["--seed", "7", "--data-dir"]).arg(temp.path().join("broker"));
        let broker = Process::start(command, &temp.path().join("broker.log"));
        let mut bench =
            Self { temp, broker, key_id: String::new(), secret_key: String::new(), log_filter: "info" };
        let account = bench.run(&["paper", "account", "create"]).ok().json();
        let text = |name: &str| account[name].as_str().unwrap().to_owned();
        (bench.key_id, bench.secret_key) = (text("key_id"), text("secret_key"));
        bench
    }

    /// The directory that holds everything.
    pub fn path(&self) -> &Path {
        self.temp.path()
    }

    /// The broker's address for paper accounts.
    pub fn broker_url(&self) -> String {
        self.broker.address("paper")
    }

    /// The broker's address for live accounts.
    pub fn live_broker_url(&self) -> String {
        self.broker.address("live")
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.path().join("data")
    }

    /// `paddock` for this bench's data directory and broker.
    pub fn command(&self) -> Command {
        self.command_in(&self.data_dir())
    }

    /// `paddock` for another data directory with this bench's broker.
    pub fn command_in(&self, data_dir: &Path) -> Command {
        let mut command = paddock(self.path());
        let (paper, live) = (self.broker.address("paper"), self.broker.address("live"));
        command.env("PADDOCK_DATA_DIR", data_dir).env("PADDOCK_LOG", self.log_filter);
        command.env("PADDOCK_ALPACA_PAPER_URL", &paper).env("PADDOCK_ALPACA_LIVE_URL", &live);
        command.env("PADDOCK_ALPACA_DATA_URL", &paper).env("PADDOCK_PAPER_URL", &paper);
        command
    }

    /// Runs `paddock ARGUMENTS --json`.
    pub fn run(&self, arguments: &[&str]) -> Done {
        self.run_with(arguments, "")
    }

    /// The same with something on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Done {
        let mut command = self.command();
        command.args(arguments).arg("--json");
        finish(command, input)
    }

    /// Connects the account as `main`.
    pub fn connect(&self) -> Done {
        let arguments = [
            "connection",
            "add",
            "main",
            "--environment",
            "paper",
            "--key-id",
            &self.key_id,
            "--secret-stdin",
        ];
        self.run_with(&arguments, &format!("{}\n", self.secret_key))
    }

    /// Issues an access key that may buy AAPL for at most 1,000 dollars.
    pub fn issue(&self, name: &str) -> (String, String) {
        let scope = ["--preset", "trader", "--symbols", "AAPL", "--side", "buy", "--max-notional", "1000"];
        let created =
            self.run(&[&["key", "create", name, "--connection", "main"], &scope[..]].concat()).ok().json();
        let text = |field: &str| created[field].as_str().unwrap().to_owned();
        (text("key_id"), text("secret_key"))
    }

    /// What a command prints as soon as it says so. Each run takes a while, so that asking is waiting.
    pub fn until(&self, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Deadline::start();
        loop {
            let last = self.run(arguments).ok().json();
            if wanted(&last) {
                return last;
            }
            assert!(!deadline.is_over(), "{arguments:?} never said so: {last}");
        }
    }

    /// The names of the audit records of these events, oldest first, as soon as there are `count` of them.
    pub fn wait_for_records(&self, count: usize, events: &[&str]) -> Vec<String> {
        let names = |page: &Value| -> Vec<String> {
            let records = page.as_array().unwrap().iter().rev();
            let names = records.map(|record| record["event"]["event"].as_str().unwrap().to_owned());
            names.filter(|name| events.contains(&name.as_str())).collect()
        };
        names(&self.until(&["audit", "list", "--limit", "100"], |page| names(page).len() >= count))
    }

    /// The same, but a write beyond [`Process::limit_files`] fails instead of ending the process.
    #[cfg(target_os = "linux")]
    pub fn serve_limited(&self) -> Process {
        let mut limited = Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(env!("CARGO_BIN_EXE_paddock"));
        let plain = self.command();
        limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
        Process::start(limited, &self.path().join("limited.log"))
    }

    /// Starts a server on free ports.
    pub fn serve(&self) -> Process {
        self.serve_at("127.0.0.1:0")
    }

    /// The same with the pages at that address.
    pub fn serve_at(&self, web: &str) -> Process {
        let mut command = self.command();
        command.args(["serve", "--web", web, "--gateway", "127.0.0.1:0"]);
        Process::start(command, &self.path().join("serve.log"))
    }
}

/// `curl` without curl: one request over a connection of its own. Returns status and body.
pub fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    try_http(method, url, headers, body).unwrap_or_else(|| panic!("{method} {url}: no answer"))
}

/// The cookie that an answer sets.
pub fn cookie_of(url: &str) -> String {
    let answer = try_whole("GET", url, &[], "").unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    line.unwrap_or_else(|| panic!("no cookie: {answer}")).split(';').next().unwrap().to_owned()
}

/// Makes the first owner by the set-up link; the cookie of their browser.
pub fn set_up(link: &str) -> String {
    let answer = submit(link, "name=ada&password=correct+horse+battery&again=correct+horse+battery");
    let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    line.unwrap_or_else(|| panic!("no cookie: {answer}")).split(';').next().unwrap().to_owned()
}

/// Sends a form as a page of that server does; the whole answer.
pub fn submit(url: &str, body: &str) -> String {
    use std::io::Read as _;
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut socket = std::net::TcpStream::connect(authority).unwrap();
    let request = format!(
        "POST /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\norigin: http://{authority}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// The same, where the server may die before it answers.
pub fn try_http(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Option<(u16, String)> {
    let answer = try_whole(method, url, headers, body)?;
    let status = answer.split(' ').nth(1)?.parse().unwrap();
    let body = answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned());
    Some((status, body))
}

/// Sends a form as a browser does from a page of the same host; the whole answer, head and all.
pub fn submit_form(url: &str, cookie: &str, form: &str) -> String {
    use std::io::Read as _;
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut socket = std::net::TcpStream::connect(authority).unwrap();
    let request = format!(
        "POST /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\norigin: http://{authority}\r\ncookie: {cookie}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// Where an answer leads.
pub fn location_of(answer: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix("location: "));
    line.unwrap_or_else(|| panic!("it leads nowhere: {answer}")).to_owned()
}

/// The whole answer, head and all.
pub fn try_whole(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Option<String> {
    use std::io::Read as _;
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, p.to_owned()));
    let mut socket = std::net::TcpStream::connect(authority).unwrap();
    let mut request = format!("{method} /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        request += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    socket.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    // A server that dies may reset the connection.
    _ = socket.read_to_string(&mut answer);
    Some(answer)
}
