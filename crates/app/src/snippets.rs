//! Ready-to-paste settings for Alpaca's clients. alpaca-py and the JavaScript SDK 4 read no address from the environment, so
//! theirs stands in the code; the JavaScript SDK has no setting for it and is given a `fetchApi`.

/// A block to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// What it is for.
    pub(crate) title: &'static str,
    /// The lines.
    pub(crate) text: String,
}

/// All blocks for one access key. `gateway` is the gateway's address with its scheme and without a path.
pub(crate) fn all(gateway: &str, key_id: &str, secret_key: &str) -> [Snippet; 4] {
    [
        Snippet { title: "environment", text: environment(gateway, key_id, secret_key) },
        Snippet { title: "Python: alpaca-py", text: python(gateway) },
        Snippet { title: "JavaScript: @alpacahq/alpaca-trade-api", text: javascript(gateway) },
        Snippet { title: "curl", text: curl() },
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

fn python(gateway: &str) -> String {
    format!(
        "import os\n\
         from alpaca.trading.client import TradingClient\n\
         from alpaca.data.historical import StockHistoricalDataClient\n\
         pair = os.environ[\"APCA_API_KEY_ID\"], os.environ[\"APCA_API_SECRET_KEY\"]\n\
         trading = TradingClient(*pair, url_override=\"{gateway}\")\n\
         data = StockHistoricalDataClient(*pair, url_override=\"{gateway}\")\n\
         print(trading.get_account().buying_power)\n"
    )
}

fn javascript(gateway: &str) -> String {
    format!(
        "import {{ Alpaca }} from \"@alpacahq/alpaca-trade-api\";\n\
         const fetchApi = (url, init) =>\n\
         \x20 fetch(String(url).replace(/^https:\\/\\/[a-z-]+\\.alpaca\\.markets/, \"{gateway}\"), init);\n\
         const alpaca = new Alpaca({{\n\
         \x20 keyId: process.env.APCA_API_KEY_ID,\n\
         \x20 secret: process.env.APCA_API_SECRET_KEY,\n\
         \x20 fetchApi,\n\
         }});\n\
         console.log((await alpaca.trading.account.getAccount()).buyingPower);\n"
    )
}

fn curl() -> String {
    "curl -H \"APCA-API-KEY-ID: $APCA_API_KEY_ID\" -H \"APCA-API-SECRET-KEY: $APCA_API_SECRET_KEY\" \\\n\
     \x20 \"$APCA_API_BASE_URL/v2/account\"\n"
        .to_owned()
}
