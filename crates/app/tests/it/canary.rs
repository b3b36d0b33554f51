//! A real secret that goes everywhere it can go, and is then found nowhere.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::bench::{Bench, Done, http};

/// What a leak would look like: the secret as it is, and in the codes in which programs carry text.
pub fn disguises(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut all = vec![secret.to_owned(), hex.to_uppercase(), hex, url, secret.chars().rev().collect()];
    // Base64 looks different depending on where in a group of three bytes the secret starts; the ends are blurred.
    for offset in 0..3 {
        let text = [&b"aaa"[..offset], secret.as_bytes()].concat();
        let encoded = base64(&text);
        all.push(encoded[4..encoded.len() - 4].to_owned());
    }
    all
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number =
            group.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in (0..4).rev() {
            text.push(char::from(LETTERS[(number >> (6 * place) & 63) as usize]));
        }
    }
    text
}

pub struct Hunt {
    pub disguises: Vec<String>,
    pub looked_at: usize,
}

impl Hunt {
    pub fn look(&mut self, place: &str, bytes: &[u8]) {
        self.looked_at += 1;
        for disguise in &self.disguises {
            let found = bytes.windows(disguise.len()).any(|window| window == disguise.as_bytes());
            assert!(!found, "the secret is in {place}");
        }
    }

    pub fn look_at_output(&mut self, place: &str, done: &Done) {
        self.look(&format!("standard output of {place}"), done.stdout.as_bytes());
        self.look(&format!("standard error of {place}"), done.stderr.as_bytes());
    }

    pub fn look_into(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.look_into(&path);
            } else if let Ok(bytes) = fs::read(&path) {
                self.look(&path.display().to_string(), &bytes);
            }
        }
    }
}

#[test]
fn disguises_are_recognised() {
    let secret = "Abc123Def456Ghi789";
    let mut hunt = Hunt { disguises: disguises(secret), looked_at: 0 };
    for offset in 0..3 {
        let carried = base64(&[&b"x: "[..offset], secret.as_bytes(), b" and more"].concat());
        let caught =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hunt.look("text", carried.as_bytes())));
        assert!(caught.is_err(), "{carried}");
    }
}

#[test]
fn a_connected_secret_is_found_nowhere() {
    let mut bench = Bench::new();
    bench.log_filter = "trace";
    let secret = bench.secret_key.clone();
    let mut hunt = Hunt { disguises: disguises(&secret), looked_at: 0 };
    let mut server = bench.serve();

    // Refused in every way there is: swapped, half of another pair, the wrong world, a name that is the secret.
    let add = |name: &str, environment: &str, key_id: &str, input: &str| {
        let arguments =
            ["connection", "add", name, "--environment", environment, "--key-id", key_id, "--secret-stdin"];
        bench.run_with(&arguments, input)
    };
    let key_id = bench.key_id.as_str();
    for (place, done) in [
        ("the wrong world", add("main", "live", key_id, &secret)),
        (
            "swapped fields",
            bench.run_with(
                &["connection", "add", "main", "--environment", "paper", "--secret-stdin"],
                &format!("{secret}\n{key_id}\n"),
            ),
        ),
        ("half of another pair", add("main", "paper", "PKAAAAAAAAAAAAAAAAAA", &secret)),
        ("a broken paste", add("main", "paper", key_id, &format!("{secret}=={secret}"))),
    ] {
        assert_ne!(done.status, 0, "{place}");
        hunt.look_at_output(place, &done);
    }
    // Connected, with slips that are repaired.
    let done = add("main", "paper", key_id, &format!("export APCA_API_SECRET_KEY=\" {secret} \"\n")).ok();
    hunt.look_at_output("connection add", &done);
    hunt.look_at_output("connection add again", &add("other", "paper", key_id, &secret));
    hunt.look_at_output(
        "connection add --replace",
        &bench.run_with(
            &[
                "connection",
                "add",
                "main",
                "--environment",
                "paper",
                "--key-id",
                key_id,
                "--secret-stdin",
                "--replace",
            ],
            &secret,
        ),
    );

    // Used and refused.
    let (access_id, access_secret) = bench.issue("bot");
    let pair = [("apca-api-key-id", access_id.as_str()), ("apca-api-secret-key", access_secret.as_str())];
    let gateway = server.address("gateway");
    let order = |symbol: &str| {
        format!(r#"{{"symbol":"{symbol}","qty":"1","side":"buy","type":"market","time_in_force":"day"}}"#)
    };
    assert_eq!(http("POST", &format!("{gateway}/v2/orders"), &pair, &order("AAPL")).0, 200);
    for (place, answer) in [
        ("an account", http("GET", &format!("{gateway}/v2/account"), &pair, "")),
        ("a refusal", http("POST", &format!("{gateway}/v2/orders"), &pair, &order("MSFT"))),
        (
            "the real pair",
            http(
                "GET",
                &format!("{gateway}/v2/account"),
                &[("apca-api-key-id", key_id), ("apca-api-secret-key", &secret)],
                "",
            ),
        ),
    ] {
        hunt.look(place, answer.1.as_bytes());
    }

    // Shown.
    for arguments in [
        &["connection", "list"][..],
        &["connection", "check"],
        &["key", "list"],
        &["key", "show", "bot"],
        &["audit", "list"],
        &["audit", "verify"],
        &["audit", "export"],
        &["vault", "status"],
        &["vault", "rotate", "kek"],
        &["vault", "rotate", "dek"],
        &["doctor"],
    ] {
        hunt.look_at_output(&arguments.join(" "), &bench.run(arguments));
    }
    let cookie = crate::bench::set_up(server.ready["set_up"].as_str().unwrap());
    for page in ["", "keys", "keys/bot", "activity", "audit", "settings", "settings/people"] {
        let url = format!("{}/{page}", server.address("web"));
        let (status, shown) = http("GET", &url, &[("cookie", &cookie)], "");
        assert_eq!(status, 200, "{url}");
        hunt.look(&format!("the page /{page}"), shown.as_bytes());
    }

    // Kept.
    let backup = bench.path().join("paddock.backup");
    let done = bench.run(&["backup", backup.to_str().unwrap(), "--with-key"]).ok();
    hunt.look_at_output("backup", &done);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(&backup).unwrap()).read_to_end(&mut unpacked).unwrap();
    hunt.look("the unpacked backup", &unpacked);
    hunt.look_into(&bench.data_dir());
    assert_eq!(server.stop(), 0);
    hunt.look("what the server printed", server.printed.as_bytes());
    let log = fs::read(bench.path().join("serve.log")).unwrap();
    assert!(log.windows(5).any(|window| window == b"TRACE"), "the log holds too little to prove anything");
    hunt.look("the server's log", &log);
    hunt.look_into(&bench.data_dir());
    assert!(hunt.looked_at > 40, "only {} places were looked at", hunt.looked_at);
}
