//! Delivers a pair to one consumer, as a rotation would: for the judges of `cargo xtask judge`, which compare what is sent with what the services' own clients
//! send. It reaches this machine only. Standard input is a JSON object with `settings`, `secret`, `key_id`, `secret_key`, and `folders` and `programs` that
//! are allowed; standard output is one with what came of it.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::{Clock, Environment, SecretText};
use paddock_rotate::consumers::ConsumerSettings;
use paddock_rotate::{Delivery, Fault, FaultKind, Machine, Means, Memory, Outbound, OutboundOptions};
use paddock_vault::OsEntropy;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[derive(Deserialize)]
struct Order {
    settings: ConsumerSettings,
    secret: Option<String>,
    key_id: String,
    secret_key: String,
    #[serde(default)]
    folders: Vec<PathBuf>,
    #[serde(default)]
    programs: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let (told, code) = match run().await {
        Ok(told) => (told, ExitCode::SUCCESS),
        Err(error) => (json!({"error": error}), ExitCode::FAILURE),
    };
    show(&told);
    code
}

#[expect(clippy::print_stdout, reason = "whoever starts this reads it")]
fn show(told: &Value) {
    println!("{told}");
}

async fn run() -> Result<Value, String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    let order: Order = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let allowed_hosts = BTreeSet::from(["127.0.0.1".to_owned()]);
    let options = OutboundOptions { allowed_hosts, ..OutboundOptions::default() };
    let means = Means {
        outbound: Outbound::new(options).map_err(|error| error.to_string())?,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        machine: Machine { folders: order.folders, programs: order.programs },
        memory: Memory::default(),
    };
    let secret = order.secret.map(SecretText::new);
    let consumer = order.settings.connect(secret, &means).map_err(|fault| fault.to_string())?;
    let delivery = Delivery {
        token: Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef),
        environment: Environment::Paper,
        key_id: SecretText::new(order.key_id),
        secret_key: SecretText::new(order.secret_key),
    };
    let told = |fault: Fault| format!("{}: {} {}", fault.kind.code(), fault.message, fault.next_step);
    let looked = consumer.look().await.map_err(told)?;
    let put = consumer.put(&delivery, looked.version.as_deref()).await.map_err(told)?;
    for _ in 0..20 {
        match consumer.prove(&delivery, &put).await {
            Err(fault) if fault.kind == FaultKind::NotYet => {}
            Err(fault) => return Err(told(fault)),
            Ok(proof) => {
                return Ok(json!({
                    "login": looked.login,
                    "outcome": format!("{:?}", put.outcome),
                    "stored": format!("{:?}", proof.stored),
                    "in_use": proof.in_use.map(|in_use| in_use.0),
                }));
            }
        }
    }
    Err("not proven after twenty questions".to_owned())
}
