//! The encrypted ways in, from the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::bench::{Bench, Process, finish};

fn serve(bench: &Bench) -> Process {
    let mut command = bench.command();
    command.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    command.args(["--tls", "127.0.0.1:0", "--proxy", "127.0.0.1:0"]);
    Process::start(command, &bench.path().join("serve.log"))
}

#[test]
fn the_authority_is_made_once_and_its_key_is_its_owners_alone() {
    let bench = Bench::new();
    let export = || bench.run(&["ca", "export"]).ok().json()["certificate"].as_str().unwrap().to_owned();
    let first = export();
    assert!(first.starts_with("-----BEGIN CERTIFICATE-----"), "{first}");
    assert_eq!(export(), first);
    let mut server = serve(&bench);
    assert_eq!(export(), first);
    let mode = |name: &str| fs::metadata(bench.data_dir().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("ca.key"), 0o600);
    assert_eq!(server.stop(), 0);
    bench.run(&["ca", "renew"]).ok();
    assert_ne!(export(), first);

    // Once the next one is prepared clients can be given both, and trust whichever the server shows before and after the renewal.
    let old = export();
    bench.run(&["ca", "prepare"]).ok();
    let both = export();
    assert!(both.starts_with(&old) && both.matches("BEGIN CERTIFICATE").count() == 2, "{both}");
    bench.run(&["ca", "prepare"]).ok();
    assert_eq!((export(), mode("ca-next.key")), (both.clone(), 0o600), "there is one next authority");
    assert_eq!(bench.run(&["ca", "renew"]).ok().json()["prepared"], true);
    assert_eq!(both, format!("{old}{}", export()));
    let mut server = serve(&bench);
    assert_eq!(server.stop(), 0, "key and certificate belong together");
}

#[test]
fn a_program_is_started_with_the_access_key_and_its_own_exit_status() {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    let mut server = serve(&bench);
    let run = |options: &[&str], script: &str, input: &str| {
        let mut command = bench.command();
        command.args(["run", "--key", "bot", "--secret-stdin"]).args(options);
        command.args(["--", "/bin/sh", "-c", script]);
        finish(command, input)
    };
    let script = "echo $APCA_API_KEY_ID $APCA_API_SECRET_KEY $APCA_API_BASE_URL $ALPACA_PAPER_TRADE; exit 7";
    let done = run(&[], script, &secret_key);
    assert_eq!(done.status, 7, "{done:?}");
    assert_eq!(done.stdout, format!("{key_id} {secret_key} {} true\n", server.address("gateway")));
    let done = run(&["--proxy"], "echo $HTTPS_PROXY; cat $SSL_CERT_FILE", &secret_key);
    assert!(done.stdout.starts_with(&server.address("proxy")), "{done:?}");
    let authority = fs::read_to_string(bench.data_dir().join("ca.pem")).unwrap();
    assert!(done.stdout.ends_with(&authority));
    // Without its secret nothing is started.
    let done = run(&[], "echo started", "");
    assert_eq!((done.status, done.stdout.as_str()), (2, ""));
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_client_with_fixed_hosts_is_told_about_the_proxy() {
    let bench = Bench::new();
    bench.connect().ok();
    bench.issue("bot");
    let done = bench.run(&["env", "bot", "--for", "mcp"]);
    assert_eq!(done.status, 1);
    assert!(done.stderr.contains("--proxy"), "{done:?}");
    let mut server = serve(&bench);
    let text = bench.run(&["env", "bot", "--for", "mcp"]).ok().json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("HTTPS_PROXY=") && text.contains("PASTE-THE-SECRET-KEY-HERE"), "{text}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn an_operators_own_certificate_comes_whole_or_not_at_all() {
    let bench = Bench::new();
    fs::create_dir_all(bench.data_dir()).unwrap();
    let refused = |config: &str| {
        fs::write(bench.data_dir().join("config.toml"), config).unwrap();
        let mut command = bench.command();
        command.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--tls", "127.0.0.1:0"]);
        let done = finish(command, "");
        assert_ne!(done.status, 0, "{done:?}");
        done.stderr
    };
    assert!(refused("[tls]\ncertificate = \"a.pem\"\n").contains("belong together"));
    assert!(refused("[tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n").contains("a.pem"));
    assert!(refused("[tls]\nnames = [\"example.com\"]\n").contains("cannot vouch for `example.com`"));
}
