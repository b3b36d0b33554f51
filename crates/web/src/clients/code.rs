//! Ready-to-paste settings for Alpaca's clients. alpaca-py and the JavaScript SDK 4 read no address from the environment, so
//! theirs stands in the code; the JavaScript SDK has no setting for it and is given a `fetchApi`.

/// A block to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// What it is for.
    pub title: &'static str,
    /// The lines.
    pub text: String,
}

/// All blocks for one access key. The first sets the environment that the others use. `gateway` is the gateway's address with
/// its scheme and without a path.
#[must_use]
pub fn snippets(gateway: &str, key_id: &str, secret_key: &str) -> [Snippet; 4] {
    [
        Snippet {
            title: "first the environment, for all of them",
            text: environment(gateway, key_id, secret_key),
        },
        Snippet { title: "Python: pip install alpaca-py", text: PYTHON.to_owned() },
        Snippet { title: "JavaScript: npm install @alpacahq/alpaca-trade-api", text: JAVASCRIPT.to_owned() },
        Snippet { title: "curl", text: CURL.to_owned() },
    ]
}

fn environment(gateway: &str, key_id: &str, secret_key: &str) -> String {
    format!(
        "export APCA_API_KEY_ID={key_id}\n\
         export APCA_API_SECRET_KEY={secret_key}\n\
         export APCA_API_BASE_URL={gateway}\n\
         export APCA_API_DATA_URL={gateway}\n"
    )
}

pub(super) const PYTHON: &str = r#"python3 - <<'END'
import os
from alpaca.trading.client import TradingClient
key_id, secret_key, gateway = (os.environ["APCA_API_" + name] for name in ("KEY_ID", "SECRET_KEY", "BASE_URL"))
trading = TradingClient(key_id, secret_key, url_override=gateway)
print(trading.get_account().buying_power)
END
"#;

pub(super) const JAVASCRIPT: &str = r#"node --input-type=module - <<'END'
import { Alpaca } from "@alpacahq/alpaca-trade-api";
const { APCA_API_KEY_ID: keyId, APCA_API_SECRET_KEY: secret, APCA_API_BASE_URL: gateway } = process.env;
const fetchApi = (url, init) => fetch(String(url).replace(/^https:\/\/[a-z-]+\.alpaca\.markets/, gateway), init);
const alpaca = new Alpaca({ keyId, secret, fetchApi });
console.log((await alpaca.trading.account.getAccount()).buyingPower);
END
"#;

pub(super) const CURL: &str = r#"curl -H "APCA-API-KEY-ID: $APCA_API_KEY_ID" -H "APCA-API-SECRET-KEY: $APCA_API_SECRET_KEY" \
  "$APCA_API_BASE_URL/v2/account"
"#;
