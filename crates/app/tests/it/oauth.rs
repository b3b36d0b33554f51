//! A token of OAuth, the code that it comes of and the secret of the app go everywhere they can go, and are then found nowhere.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;

use serde_json::Value;

use crate::bench::{Bench, http, location_of, set_up, submit_form, try_whole};
use crate::canary::{Hunt, disguises};

/// Stands before the broker's token endpoint and tells what it answered. It ends with its process.
fn listen_in(broker: &str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let broker = broker.strip_prefix("http://").unwrap().to_owned();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                let read = socket.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
                let text = String::from_utf8_lossy(&request).to_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if read == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    break;
                }
            }
            let request = String::from_utf8(request).unwrap();
            let mut there = TcpStream::connect(&broker).unwrap();
            // So that the end of the answer is the end of the connection.
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            there.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes()).unwrap();
            let mut answer = String::new();
            there.read_to_string(&mut answer).unwrap();
            socket.write_all(answer.as_bytes()).unwrap();
            tell.send(answer).unwrap();
        }
    });
    (address, told)
}

/// Says yes on the consent page; where the browser is sent.
fn allow(consent: &str, account: &str) -> String {
    let page = http("GET", consent, &[], "").1;
    let mut form = format!("decision=allow&paper_account={account}");
    for piece in page.split("<input type=\"hidden\" name=\"").skip(1) {
        let (name, rest) = piece.split_once("\" value=\"").unwrap();
        let value = rest.split_once('"').unwrap().0;
        let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        form += &format!("&{name}={value}");
    }
    location_of(&submit_form(consent.split('?').next().unwrap(), "none=1", &form))
}

fn post(url: &str, body: &str) -> Value {
    let (status, answer) = http("POST", url, &[], body);
    assert_eq!(status, 201, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn a_token_its_code_and_the_secret_of_the_app_are_found_nowhere() {
    let mut bench = Bench::new();
    bench.log_filter = "trace";
    let broker = bench.broker_url();
    let web = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = post(
        &format!("{broker}/dashboard/v1/oauth/clients"),
        &format!(r#"{{"name":"Paddock","redirect_uris":["http://{web}/oauth/callback"]}}"#),
    );
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let (client_id, app_secret) = (text("client_id"), text("client_secret"));
    let (tokens, told) = listen_in(&broker);
    let data = bench.data_dir();
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    // Outside the directory, which is looked through for it.
    let secret_file = bench.path().join("app-secret");
    fs::write(&secret_file, &app_secret).unwrap();
    let config = format!(
        "[oauth]\nclient_id = \"{client_id}\"\nsecret_file = \"{}\"\napp_url = \"{broker}\"\ntoken_url = \"{tokens}\"\n",
        secret_file.display()
    );
    fs::write(data.join("config.toml"), config).unwrap();

    // A secret that others can read is refused, by its name and not by what it is.
    fs::set_permissions(&secret_file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = bench.run(&["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    fs::set_permissions(&secret_file, fs::Permissions::from_mode(0o600)).unwrap();
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(refused.status != 0 && said.contains("can be read by others"), "{refused:?}");

    let mut server = bench.serve_at(&web.to_string());
    let cookie = set_up(server.ready["set_up"].as_str().unwrap());
    let pages = server.address("web");
    let account = bench.run(&["paper", "account", "list"]).ok().json();
    let account = account.to_string();
    let number = account.split("\"account_number\":\"").nth(1).unwrap().split('"').next().unwrap();

    let left = submit_form(&format!("{pages}/connections/new/paper/oauth"), &cookie, "name=main");
    let consent = location_of(&left);
    let back = allow(&consent, number);
    let code = back.split_once("code=").unwrap().1.split('&').next().unwrap().to_owned();
    let state = back.split_once("state=").unwrap().1.to_owned();
    let arrived = try_whole("GET", &back, &[("cookie", &cookie)], "").unwrap();
    assert_eq!(location_of(&arrived), "/connections/main?done=connected-oauth", "{arrived}");
    let answer = told.recv().unwrap();
    let token = answer.split("\"access_token\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();

    let secrets = [&token, &code, &app_secret];
    let mut hunt =
        Hunt { disguises: secrets.iter().flat_map(|secret| disguises(secret)).collect(), looked_at: 0 };
    hunt.look_at_output("a refused secret file", &refused);
    hunt.look("where the browser was sent after it came back", arrived.as_bytes());

    // Used, refused, looked at, sealed anew.
    let (access_id, access_secret) = bench.issue("bot");
    let pair = [("apca-api-key-id", access_id.as_str()), ("apca-api-secret-key", access_secret.as_str())];
    let gateway = server.address("gateway");
    for symbol in ["AAPL", "MSFT"] {
        let order = format!(
            r#"{{"symbol":"{symbol}","qty":"1","side":"buy","type":"market","time_in_force":"day"}}"#
        );
        let (status, answer) = http("POST", &format!("{gateway}/v2/orders"), &pair, &order);
        assert_eq!(status, if symbol == "AAPL" { 200 } else { 403 }, "{answer}");
        hunt.look(symbol, answer.as_bytes());
    }
    let again = try_whole("GET", &back, &[("cookie", &cookie)], "").unwrap();
    hunt.look("the answer to a code that came before", again.as_bytes());
    let nobody = try_whole("GET", &back, &[], "").unwrap();
    hunt.look("where somebody is sent who is not signed in", nobody.as_bytes());
    for arguments in [
        &["connection", "list"][..],
        &["connection", "check"],
        &["audit", "list"],
        &["audit", "verify"],
        &["audit", "export"],
        &["vault", "rotate", "dek"],
        &["connection", "add", "next", "--environment", "paper", "--oauth"],
        &["doctor"],
    ] {
        hunt.look_at_output(&arguments.join(" "), &bench.run(arguments));
    }
    for page in ["", "connections", "connections/main", "connections/main/replace", "audit", "activity"] {
        let (status, shown) = http("GET", &format!("{pages}/{page}"), &[("cookie", &cookie)], "");
        assert_eq!(status, 200, "{page}");
        hunt.look(&format!("the page /{page}"), shown.as_bytes());
    }

    // Kept. The state is the browser's own, and is kept as its hash only.
    hunt.disguises.extend(disguises(&state));
    let backup = bench.path().join("paddock.backup");
    let done = bench.run(&["backup", backup.to_str().unwrap(), "--with-key"]).ok();
    hunt.look_at_output("backup", &done);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(&backup).unwrap()).read_to_end(&mut unpacked).unwrap();
    hunt.look("the unpacked backup", &unpacked);
    assert_eq!(server.stop(), 0);
    hunt.look("what the server printed", server.printed.as_bytes());
    let log = fs::read(bench.path().join("serve.log")).unwrap();
    assert!(log.windows(5).any(|window| window == b"TRACE"), "the log holds too little to prove anything");
    hunt.look("the server's log", &log);
    hunt.look_into(&data);
    assert!(hunt.looked_at > 25, "only {} places were looked at", hunt.looked_at);
}
