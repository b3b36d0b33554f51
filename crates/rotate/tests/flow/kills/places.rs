//! The twelve consumers of a connection: two on this machine, ten strict fakes of services. All hold the present pair at first, as far as their values can be
//! read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use paddock_core::{Clock, Environment};
use paddock_fakes::aws::Aws;
use paddock_fakes::cloudflare::{ACCOUNT, Cloudflare};
use paddock_fakes::github::{Github, Place};
use paddock_fakes::google::{self, Google};
use paddock_fakes::heroku::Heroku;
use paddock_fakes::infisical::Infisical;
use paddock_fakes::kubernetes::Kubernetes;
use paddock_fakes::slack::Slack;
use paddock_fakes::vault::Vault;
use paddock_fakes::webhook::Webhook;
use paddock_fakes::{Fake, Heard, Running, When};
use serde_json::{Value, json};

use super::victim::Victim;

const ID: &str = "APCA_API_KEY_ID";
const SECRET: &str = "APCA_API_SECRET_KEY";

/// Both halves of a pair.
pub type Pair = (String, String);

pub struct Places {
    /// Where the `.env` file, the program and what that keeps are.
    folder: PathBuf,
    aws: Running<Aws>,
    cloudflare: Running<Cloudflare>,
    github: Running<Github>,
    google: Running<Google>,
    heroku: Running<Heroku>,
    infisical: Running<Infisical>,
    kubernetes: Running<Kubernetes>,
    slack: Running<Slack>,
    vault: Running<Vault>,
    webhook: Running<Webhook>,
}

/// One consumer as a person sets it up: its name, its settings, its secret.
pub type SetUp = (&'static str, Value, Option<String>);

impl Places {
    /// Starts them with the present pair. Infisical is one of its older servers for a live account, so that both of its APIs are had.
    pub async fn start(
        folder: &Path,
        environment: Environment,
        pair: &Pair,
        clock: Arc<dyn Clock>,
        victim: &Arc<Victim>,
    ) -> Self {
        fs::write(folder.join(".env"), dotenv(pair)).unwrap();
        fs::write(folder.join("program"), PROGRAM).unwrap();
        fs::set_permissions(folder.join("program"), fs::Permissions::from_mode(0o700)).unwrap();
        let (clock, victim) = (&clock, victim);
        let with = |fields: Value| -> Value {
            let mut document = fields;
            (document[ID], document[SECRET]) = (json!(pair.0), json!(pair.1));
            document
        };
        let text = with(json!({"OTHER": "untouched"})).to_string();

        let mut aws = Aws::default();
        aws.versions.values_mut().for_each(|version| version.text.clone_from(&text));
        let mut google = Google::default();
        google.versions[0].data = text.clone().into_bytes();
        let mut github = Github::default();
        // GitHub lists a run some time after it was started.
        github.runs.unlisted = 1;
        let mut heroku = Heroku::with(&["bot", "bot-two"]);
        for app in heroku.apps.values_mut() {
            app.vars.extend([(ID.to_owned(), pair.0.clone()), (SECRET.to_owned(), pair.1.clone())]);
        }
        let has_version_4 = environment == Environment::Paper;
        let mut infisical = Infisical { has_version_4, ..Infisical::default() };
        let half = |name: &str, value: &String| (name.to_owned(), (value.clone(), 1));
        let secrets = infisical.folders.get_mut("/bots").unwrap();
        secrets.extend([half(ID, &pair.0), half(SECRET, &pair.1)]);
        let mut kubernetes = Kubernetes::default();
        for (name, value) in [(ID, &pair.0), (SECRET, &pair.1)] {
            kubernetes.secret["data"][name] = json!(STANDARD.encode(value));
        }
        let mut vault = Vault::default();
        let first = with(json!({"OTHER": "untouched", "number": 1}));
        vault.secrets.insert("apps/bot".to_owned(), vec![Some(first)]);
        Self {
            folder: folder.to_owned(),
            aws: serve("aws", aws, clock, victim).await,
            cloudflare: serve("cloudflare", Cloudflare::default(), clock, victim).await,
            github: serve("github", github, clock, victim).await,
            google: serve("google", google, clock, victim).await,
            heroku: serve("heroku", heroku, clock, victim).await,
            infisical: serve("infisical", infisical, clock, victim).await,
            kubernetes: serve("kubernetes", kubernetes, clock, victim).await,
            slack: serve("slack", Slack::default(), clock, victim).await,
            vault: serve("vault", vault, clock, victim).await,
            webhook: serve("webhook", Webhook::default(), clock, victim).await,
        }
    }

    pub fn program(&self) -> PathBuf {
        self.folder.join("program")
    }

    /// Has the program kill who has started it, once.
    pub fn arm_program(&self, when: When) {
        fs::write(self.folder.join(format!("die-{when:?}")), "").unwrap();
    }

    pub fn set_up(&self) -> [SetUp; 12] {
        let url = |name: &str| match name {
            "aws" => self.aws.url.clone(),
            "google" => self.google.url.clone(),
            _ => String::new(),
        };
        let aws = json!({
            "kind": "aws", "region": "us-east-1", "secret_id": "bots/alpaca", "access_key_id": "AKIDEXAMPLE",
            "endpoint": url("aws"),
        });
        let cloudflare = json!({
            "kind": "cloudflare_workers", "api": format!("{}/client/v4", self.cloudflare.url), "account_id": ACCOUNT,
            "script": "bot",
        });
        let github = json!({
            "kind": "github_actions", "api": self.github.url, "workflow": {"file": "paddock.yml", "ref": "main"},
            "place": {"of": "repository", "owner": "o", "repository": "r"},
        });
        let google = json!({
            "kind": "google", "project": "project-1", "secret": "bots", "endpoint": url("google"),
            "disable_previous": true,
        });
        let infisical = json!({
            "kind": "infisical", "address": self.infisical.url, "project_id": "project-1", "environment": "prod",
            "path": "/bots", "client_id": "client-1",
        });
        let kubernetes = json!({
            "kind": "kubernetes", "server": self.kubernetes.url, "namespace": "bots", "secret": "alpaca",
            "restart": ["deployment/bot"],
        });
        let login = json!({"method": "approle", "role_id": "role-1"});
        let vault = json!({"kind": "vault", "address": self.vault.url, "path": "apps/bot", "login": login});
        let webhook =
            json!({"kind": "webhook", "url": format!("{}/in", self.webhook.url), "send_values": true});
        let command = json!({"kind": "command", "put": [self.program()], "prove": [self.program()]});
        let slack_address = format!("{}{}", self.slack.url, Slack::default().path);
        let secret = |text: &str| Some(text.to_owned());
        [
            ("aws", aws, secret(&paddock_fakes::Known::default().secret)),
            ("cloudflare", cloudflare, secret("cf-fake")),
            ("command", command, None),
            ("dotenv", json!({"kind": "dotenv", "path": self.folder.join(".env")}), None),
            ("github", github, secret("github_pat_fake")),
            ("google", google, Some(google::key_file(&self.google.url))),
            (
                "heroku",
                json!({"kind": "heroku", "apps": ["bot", "bot-two"], "api": self.heroku.url}),
                secret("HRKU-fake"),
            ),
            ("infisical", infisical, secret("client-secret-1")),
            ("kubernetes", kubernetes, secret("sa.fake.token")),
            (
                "slack",
                json!({"kind": "slack", "label": "the bots", "host": "127.0.0.1"}),
                Some(slack_address),
            ),
            ("vault", vault, secret("secret-id-1")),
            ("webhook", webhook, Some(Webhook::default().secret)),
        ]
    }

    /// Whatever was cut off, who reads a place that changes at once finds the whole old pair or the whole new one.
    pub fn are_whole(&self, old: &Pair, new: Option<&Pair>) {
        let of = |document: &Value| {
            let half = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
            (half(ID), half(SECRET))
        };
        let text = |text: &[u8]| of(&serde_json::from_slice(text).unwrap());
        let mut found = vec![
            ("aws", self.aws.with(|aws| text(aws.staged("AWSCURRENT").unwrap().1.text.as_bytes()))),
            ("google", self.google.with(|google| text(&google.versions.last().unwrap().data))),
            ("vault", self.vault.with(|vault| of(vault.newest("apps/bot").unwrap()))),
        ];
        for app in ["bot", "bot-two"] {
            found.push(("heroku", self.heroku.with(|heroku| of(&json!(heroku.apps[app].vars)))));
        }
        let value = |kubernetes: &Kubernetes, name| kubernetes.value(name).unwrap_or_default();
        found.push(("kubernetes", self.kubernetes.with(|one| (value(one, ID), value(one, SECRET)))));
        let at_once = self.infisical.with(|infisical| infisical.has_version_4);
        if at_once {
            let half = |one: &Infisical, name: &str| one.folders["/bots"][name].0.clone();
            found.push(("infisical", self.infisical.with(|one| (half(one, ID), half(one, SECRET)))));
        }
        for (name, pair) in found {
            assert!(pair == *old || Some(&pair) == new, "{name} has a torn pair");
        }
        let file = fs::read_to_string(self.folder.join(".env")).unwrap();
        assert!(file == dotenv(old) || new.is_some_and(|new| file == dotenv(new)), ".env is torn: {file}");
    }

    /// Everything that must be so in the end. `killed` tells where the processes died: what cannot be seen may have been sent again there, and nowhere else.
    pub fn are_done(&self, new: &Pair, killed: &[String]) {
        let after = |place: &str, name: &str| {
            let own = place.starts_with(&format!("{name}, ")) && place.ends_with("Done");
            own || ["Sent", "Done"].iter().any(|point| place.ends_with(&format!("Deliver {name}, {point}")))
        };
        let struck = |name: &str| killed.iter().filter(|place| after(place, name)).count();
        let document = |text: &[u8], name: &str| {
            let document: Value = serde_json::from_slice(text).unwrap();
            let found = (&document["OTHER"], &document[ID], &document[SECRET]);
            assert_eq!(found, (&json!("untouched"), &json!(new.0), &json!(new.1)), "{name}");
        };
        self.aws.with(|aws| {
            document(aws.staged("AWSCURRENT").unwrap().1.text.as_bytes(), "aws");
            assert_eq!(aws.versions.len(), 2, "aws: one version more");
        });
        self.google.with(|google| {
            document(&google.versions.last().unwrap().data, "google");
            let enabled: Vec<bool> = google.versions.iter().map(|version| version.enabled).collect();
            assert_eq!(enabled, [false, true], "google: one version more, and the old one disabled");
        });
        self.vault.with(|vault| {
            document(vault.newest("apps/bot").unwrap().to_string().as_bytes(), "vault");
            assert_eq!(vault.secrets["apps/bot"].len(), 2, "vault: one version more");
        });
        self.heroku.with(|heroku| {
            for app in heroku.apps.values() {
                document(json!(app.vars).to_string().as_bytes(), "heroku");
                assert_eq!(app.releases.len(), 2, "heroku: one release more of each app");
            }
        });
        self.infisical.with(|infisical| {
            let secrets = &infisical.folders["/bots"];
            let found = [ID, SECRET, "OTHER"].map(|name| secrets[name].clone());
            let untouched = ("untouched".to_owned(), 1);
            assert_eq!(found, [(new.0.clone(), 2), (new.1.clone(), 2), untouched], "infisical");
        });
        self.kubernetes.with(|kubernetes| {
            let found = [ID, SECRET, "OTHER"].map(|name| kubernetes.value(name).unwrap());
            assert_eq!(found, [new.0.clone(), new.1.clone(), "untouched".to_owned()], "kubernetes");
            assert_eq!(kubernetes.restarts, 1, "kubernetes: restarted once");
        });
        self.cloudflare.with(|cloudflare| {
            let found = [ID, SECRET, "OTHER"].map(|name| cloudflare.secrets[name].as_str());
            assert_eq!(found, [new.0.as_str(), new.1.as_str(), "untouched"], "cloudflare");
            let most = 2 + u32::try_from(struck("cloudflare")).unwrap();
            assert!(
                (2..=most).contains(&cloudflare.deployments),
                "cloudflare: {} deployments",
                cloudflare.deployments
            );
        });
        self.github.with(|github| {
            let found = [ID, SECRET].map(|name| github.value(Place::Repository, name));
            assert_eq!(found, [Some(new.0.as_str()), Some(new.1.as_str())], "github");
            assert_eq!(github.runs.started.len(), 1, "github: the workflow ran once");
        });
        self.webhook.with(|webhook| {
            let mut deliveries = webhook.taken.values().filter(|message| message["type"] == "pair.replaced");
            let values = &deliveries.next().unwrap()["data"]["values"];
            assert_eq!((&values[ID], &values[SECRET]), (&json!(new.0), &json!(new.1)), "webhook");
            assert!(deliveries.next().is_none(), "webhook: one delivery");
        });
        self.slack.with(|slack| {
            assert!((1..=1 + struck("slack")).contains(&slack.posts.len()), "slack: {:?}", slack.posts);
            let all = slack.posts.concat();
            assert!(!all.contains(&new.0) && !all.contains(&new.1), "slack was told a value");
        });
        assert_eq!(fs::read_to_string(self.folder.join(".env")).unwrap(), dotenv(new), ".env");
        assert!(!self.folder.join("..env.paddock-new").exists(), "half a .env file was left behind");
        let taken = fs::read_to_string(self.folder.join("taken")).unwrap();
        let taken: Value = serde_json::from_str(&taken).unwrap();
        assert_eq!((&taken[ID], &taken[SECRET]), (&json!(new.0), &json!(new.1)), "command");
        let deliveries = fs::read_to_string(self.folder.join("deliveries")).unwrap();
        let mut deliveries: Vec<&str> = deliveries.lines().collect();
        assert!(deliveries.len() <= 1 + struck("command"), "command: {deliveries:?}");
        deliveries.dedup();
        assert_eq!(deliveries.len(), 1, "command: a delivery has one name");
    }
}

/// A `.env` file of somebody who cares for it.
fn dotenv((key_id, secret_key): &Pair) -> String {
    format!(
        "# The bot's own file: do not sort.\nSYMBOL=AAPL\n\n{SECRET}='{secret_key}' # of the paper account\nexport {ID}={key_id}\n# end\nLOG=\"a b\"\n"
    )
}

/// Keeps the pair and the delivery's name. Told so, it kills who has started it before or after that.
const PROGRAM: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
kills() {
    [ -e "die-$1" ] || return 0
    rm "die-$1"
    kill -9 "$PPID"
    exit 1
}
if [ "$PADDOCK_ACTION" = prove ]; then
    cmp -s - taken
    exit
fi
kills Heard
cat > taking && mv taking taken || exit 75
echo "$PADDOCK_DELIVERY" >> deliveries
kills Done
"#;

async fn serve<F: Fake>(
    name: &'static str,
    fake: F,
    clock: &Arc<dyn Clock>,
    victim: &Arc<Victim>,
) -> Running<F> {
    let running = Running::start(fake, ([127, 0, 0, 1], 0).into(), Arc::clone(clock)).await.unwrap();
    let victim = Arc::clone(victim);
    running.watch(move |heard, when| victim.survives(&request(name, heard, when)));
    running
}

/// `heroku, PATCH /apps/bot/config-vars, Done`: the same for the same request.
fn request(name: &str, heard: &Heard, when: When) -> String {
    let operation = heard.header("x-amz-target");
    let kind = heard.json().and_then(|body| body["type"].as_str().map(str::to_owned)).unwrap_or_default();
    let empty = heard.json().is_some_and(|body| body["text"] == "");
    let more = if empty { "without text" } else { &kind };
    format!("{name}, {} {}{operation}{more}, {when:?}", heard.method, heard.path)
}
