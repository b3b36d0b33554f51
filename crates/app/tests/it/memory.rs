//! What a dump of the process would hold of the real secret: after thousands of requests, one copy for each connection to the broker
//! that is open, in the buffer from which its last request was sent; after a change of the credential, nothing of the old one.

use std::fs::{self, File};
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::FileExt as _;
use std::thread;

use crate::bench::{Bench, Process, http};
use crate::canary::disguises;

/// How many reads each of the threads sends.
const READS: usize = 2_475;
const THREADS: usize = 4;
/// And how many orders are sent beside them: together they are 10,000 requests.
const ORDERS: usize = 100;

/// How much is read at a time.
const WINDOW: usize = 4 << 20;

/// A program that keeps its connection.
struct Program(TcpStream);

impl Program {
    fn connect(gateway: &str) -> Self {
        Self(TcpStream::connect(gateway.trim_start_matches("http://")).unwrap())
    }

    /// Sends a head and reads a whole answer.
    fn ask(&mut self, head: &str) -> String {
        self.0.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        let mut byte = [0];
        while !answer.ends_with("\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap();
            answer.push(char::from(byte[0]));
        }
        let lower = answer.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).unwrap();
        answer
    }

    /// Reads a stream until it has said that.
    fn hear(&mut self, words: &str) {
        let mut heard = Vec::new();
        let mut piece = [0; 1024];
        while !String::from_utf8_lossy(&heard).contains(words) {
            let read = self.0.read(&mut piece).unwrap();
            assert!(read > 0, "no {words} in {}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&piece[..read]);
        }
    }

    /// Says something short in a text frame, whose mask is none.
    fn say(&mut self, text: &str) {
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.0.write_all(&frame).unwrap();
    }
}

/// The memory of a process, in which texts are counted.
struct Memory<'a>(&'a Process);

impl Memory<'_> {
    /// How often each of the texts is in it.
    fn count(&self, texts: &[String]) -> Vec<usize> {
        let id = self.0.id();
        let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
        let memory = File::open(format!("/proc/{id}/mem")).unwrap();
        let longest = texts.iter().map(String::len).max().unwrap();
        let (mut counts, mut looked_at) = (vec![0; texts.len()], 0);
        let mut window = vec![0; WINDOW];
        for map in maps.lines().filter(|map| map.contains(" r") && !map.contains("[v")) {
            let (start, end) = map.split(' ').next().unwrap().split_once('-').unwrap();
            let parse = |number: &str| u64::from_str_radix(number, 16).unwrap();
            let (mut place, end) = (parse(start), parse(end));
            while place < end {
                let length = usize::try_from(end - place).unwrap().min(WINDOW);
                let Ok(read) = memory.read_at(&mut window[..length], place) else { break };
                looked_at += read;
                for used in used_parts(&window[..read]) {
                    for (text, count) in texts.iter().zip(&mut counts) {
                        *count += occurrences(used, text.as_bytes());
                    }
                }
                // What lies over the edge of a window is found in the next one, and counted in one of them only.
                let step = if place + read as u64 >= end { read } else { read - (longest - 1).min(read - 1) };
                place += step as u64;
            }
        }
        assert!(looked_at > 10 << 20, "only {looked_at} bytes could be looked at");
        counts
    }

    /// How many connections to that port the process has.
    fn connections_to(&self, port: u16) -> usize {
        let id = self.0.id();
        let files = fs::read_dir(format!("/proc/{id}/fd")).unwrap();
        let files = files.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
        let own: Vec<String> = files.map(|file| file.display().to_string()).collect();
        let table = fs::read_to_string(format!("/proc/{id}/net/tcp")).unwrap();
        let is_one = |line: &&str| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            columns[2].ends_with(&format!(":{port:04X}")) && own.contains(&format!("socket:[{}]", columns[9]))
        };
        table.lines().skip(1).filter(is_one).count()
    }
}

/// How often a text is in another. The system's search for its first byte is fast in tests too.
fn occurrences(mut rest: &[u8], text: &[u8]) -> usize {
    let mut count = 0;
    while rest.skip_until(text[0]).unwrap() > 0 {
        count += usize::from(rest.starts_with(&text[1..]));
    }
    count
}

/// The parts that are not empty: most of what is reserved was never used.
fn used_parts(window: &[u8]) -> Vec<&[u8]> {
    const PAGE: usize = 4096;
    static EMPTY: [u8; PAGE] = [0; PAGE];
    let mut parts = Vec::new();
    let mut begun = None;
    for start in (0..window.len()).step_by(PAGE) {
        let page = &window[start..(start + PAGE).min(window.len())];
        let is_empty = page == &EMPTY[..page.len()];
        match begun {
            Some(begin) if is_empty => {
                parts.push(&window[begin..start]);
                begun = None;
            }
            None if !is_empty => begun = Some(start),
            _ => {}
        }
    }
    parts.extend(begun.map(|begin| &window[begin..]));
    parts
}

fn order(gateway: &str, pair: &[(&str, &str)]) -> u16 {
    let body = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
    http("POST", &format!("{gateway}/v2/orders"), pair, body).0
}

#[cfg(target_os = "linux")]
#[test]
fn after_ten_thousand_requests_a_dump_holds_at_most_the_live_set() {
    let bench = Bench::new();
    bench.connect().ok();
    let scope = ["--preset", "trader", "--max-notional", "1000"];
    let created = [&["key", "create", "bot", "--connection", "main"], &scope[..]].concat();
    let created = bench.run(&created).ok().json();
    let (key_id, secret_key) = (created["key_id"].as_str().unwrap(), created["secret_key"].as_str().unwrap());
    let pair = [("apca-api-key-id", key_id), ("apca-api-secret-key", secret_key)];
    let mut command = bench.command();
    command.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    command.env("PADDOCK_TEST_MEMORY_MAY_BE_READ", "1");
    command.env("PADDOCK_ALPACA_STREAM_URL", bench.broker_url().replace("http", "ws"));
    let server = Process::start(command, &bench.path().join("serve.log"));
    let gateway = server.address("gateway");
    let broker: u16 = bench.broker_url().rsplit(':').next().unwrap().parse().unwrap();

    // Both streams, whose upstream sockets are told the real pair.
    let head = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAPCA-API-KEY-ID: {key_id}\r\nAPCA-API-SECRET-KEY: {secret_key}\r\n"
        )
    };
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut data = Program::connect(&gateway);
    assert!(data.ask(&(head("/v2/iex") + upgrade)).starts_with("HTTP/1.1 101"));
    data.say(r#"{"action":"subscribe","trades":["AAPL"]}"#);
    data.hear("subscription");
    let mut updates = Program::connect(&gateway);
    assert!(updates.ask(&(head("/stream") + upgrade)).starts_with("HTTP/1.1 101"));
    updates.say(r#"{"action":"listen","data":{"streams":["trade_updates"]}}"#);
    updates.hear("listening");

    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut program = Program::connect(&gateway);
                for _ in 0..READS {
                    let answer = program.ask(&(head("/v2/account") + "\r\n"));
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                }
            });
        }
        for _ in 0..ORDERS {
            assert_eq!(order(&gateway, &pair), 200);
        }
    });

    let memory = Memory(&server);
    let old = disguises(&bench.secret_key);
    let live = memory.connections_to(broker);
    let counts = memory.count(&old);
    println!("with {live} connections to the broker: {counts:?}");
    // The first is the secret as it is. Each connection was sent it last, and keeps the buffer.
    assert!(counts[0] <= live, "{} copies for {live} connections", counts[0]);
    assert!(counts[1..].iter().all(|count| *count == 0), "{counts:?}");

    // Another pair takes its place.
    let renewed = bench.run(&["paper", "key", "regenerate"]).ok().json();
    let (new_id, new_secret) = (renewed["key_id"].as_str().unwrap(), renewed["secret_key"].as_str().unwrap());
    let replace = [
        "connection",
        "add",
        "main",
        "--environment",
        "paper",
        "--key-id",
        new_id,
        "--secret-stdin",
        "--replace",
    ];
    bench.run_with(&replace, new_secret).ok();
    assert_eq!(order(&gateway, &pair), 200);
    let mut counts = memory.count(&old);
    // Connections that were in use close a moment later.
    for _ in 0..50 {
        if counts.iter().all(|count| *count == 0) {
            break;
        }
        assert_eq!(order(&gateway, &pair), 200);
        counts = memory.count(&old);
    }
    println!("of the old secret, after the change: {counts:?}");
    assert!(counts.iter().all(|count| *count == 0), "{counts:?}");
    let (live, counts) = (memory.connections_to(broker), memory.count(&disguises(new_secret)));
    println!("of the new one, with {live} connections: {counts:?}");
    assert!(counts[0] <= live && counts[1..].iter().all(|count| *count == 0), "{counts:?}");
}
