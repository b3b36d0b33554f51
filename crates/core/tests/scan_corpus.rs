//! How much of what leaks in practice is found, and how much of what is found is a leak: a corpus made here, as people and tools write such files, measured
//! and printed. The seed is fixed: the figures change only with the rules.

use paddock_core::scan::{Leak, Rule, scan};

/// How many files of each kind.
const EACH: u64 = 40;

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8] = b"0123456789abcdef";
const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// SplitMix64: small, seeded, and no part of the product.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        let letter = |chance: &mut Self| {
            let place = usize::try_from(chance.next() % alphabet.len() as u64).unwrap_or_default();
            char::from(alphabet[place])
        };
        (0..length).map(|_| letter(self)).collect()
    }

    /// A pair of the older or the newer form.
    fn pair(&mut self) -> (String, String) {
        let prefix = ["PK", "AK", "PK"][usize::try_from(self.next() % 3).unwrap_or_default()];
        if self.next().is_multiple_of(2) {
            (format!("{prefix}{}", self.text(UPPER, 18)), self.text(ALNUM, 40))
        } else {
            (format!("{prefix}{}", self.text(BASE32, 24)), self.text(ALNUM, 44))
        }
    }
}

/// Files in which a pair leaks, as a template with the two halves.
const LEAKS: [(&str, &str); 24] = [
    (".env", "DEBUG=1\nAPCA_API_KEY_ID={id}\nAPCA_API_SECRET_KEY={secret}\nPORT=8000\n"),
    (".env with other names", "ALPACA_KEY=\"{id}\"\nALPACA_SECRET=\"{secret}\"\n"),
    ("shell", "export APCA_API_KEY_ID='{id}'\nexport APCA_API_SECRET_KEY='{secret}'\npython bot.py\n"),
    (
        "Python",
        "from alpaca.trading.client import TradingClient\nclient = TradingClient('{id}', '{secret}', paper=True)\n",
    ),
    (
        "Python constants",
        "API_KEY = \"{id}\"\nAPI_SECRET = \"{secret}\"\nBASE_URL = \"https://paper-api.alpaca.markets\"\n",
    ),
    (
        "Python dictionary",
        "CONFIG = {\n    'key': '{id}',\n    'secret': '{secret}',\n    'symbols': ['AAPL', 'MSFT'],\n}\n",
    ),
    (
        "JavaScript",
        "const alpaca = new Alpaca({\n  keyId: '{id}',\n  secretKey: '{secret}',\n  paper: true,\n});\n",
    ),
    ("JSON", "{\"broker\":{\"name\":\"alpaca\",\"api_key\":\"{id}\",\"api_secret\":\"{secret}\"}}\n"),
    ("YAML", "alpaca:\n  key_id: {id}\n  secret_key: {secret}\n  base_url: https://api.alpaca.markets\n"),
    (
        "docker-compose",
        "services:\n  bot:\n    image: bot:1\n    environment:\n      - APCA_API_KEY_ID={id}\n      - APCA_API_SECRET_KEY={secret}\n",
    ),
    (
        "Dockerfile",
        "FROM python:3.12\nENV APCA_API_KEY_ID={id} \\\n    APCA_API_SECRET_KEY={secret}\nCMD [\"python\", \"bot.py\"]\n",
    ),
    ("TOML", "[alpaca]\nkey = \"{id}\"\nsecret = \"{secret}\"\n"),
    ("ini", "[broker]\nid={id}\nsecret={secret}\n"),
    (
        "curl",
        "curl -H \"APCA-API-KEY-ID: {id}\" -H \"APCA-API-SECRET-KEY: {secret}\" https://paper-api.alpaca.markets/v2/account\n",
    ),
    (
        "Go",
        "client := alpaca.NewClient(alpaca.ClientOpts{\n\tAPIKey:    \"{id}\",\n\tAPISecret: \"{secret}\",\n})\n",
    ),
    (
        "C#",
        "var client = Environments.Paper.GetAlpacaTradingClient(new SecretKey(\"{id}\", \"{secret}\"));\n",
    ),
    ("notes", "Alpaca paper account\nKey ID: {id}\nSecret: {secret}\nreset it in March\n"),
    ("chat log", "[12:01] ann: use {id}\n[12:01] ann: and {secret} for now\n"),
    ("secret first", "secret: {secret}\nkey: {id}\n"),
    ("notebook", "{\"cells\":[{\"source\":[\"API_KEY='{id}'\\n\",\"SECRET_KEY='{secret}'\\n\"]}]}\n"),
    (
        "terraform",
        "resource \"x\" \"y\" {\n  alpaca_key_id     = \"{id}\"\n  alpaca_secret_key = \"{secret}\"\n}\n",
    ),
    ("request log", "GET /v2/account APCA-API-KEY-ID={id} APCA-API-SECRET-KEY={secret} 200\n"),
    ("secret alone", "ALPACA_SECRET_KEY={secret}\n"),
    ("credentials in a URL", "BROKER=https://{id}:{secret}@api.alpaca.markets\n"),
];

/// Those of them in which both halves stand behind a name of Alpaca's, as the rules for gitleaks need it.
const NAMED: [&str; 9] = [
    ".env",
    ".env with other names",
    "shell",
    "docker-compose",
    "Dockerfile",
    "curl",
    "terraform",
    "request log",
    "secret alone",
];

/// Files in which nothing of Alpaca's leaks, though much looks like it.
fn harmless(chance: &mut Chance) -> Vec<(&'static str, String)> {
    let mut text = |alphabet: &[u8], length: usize| chance.text(alphabet, length);
    vec![
        ("AWS", format!("[default]\naws_access_key_id = AKIA{}\naws_secret_access_key = {}\n", text(UPPER, 16), text(BASE64, 40))),
        ("AWS beside Alpaca", format!("# alpaca bot\nAWS_ACCESS_KEY_ID=AKIA{}\nAWS_SECRET_ACCESS_KEY={}\n", text(UPPER, 16), text(BASE64, 40))),
        ("commits", format!("alpaca-py at {}\nalpaca-trade-api at {}\n", text(HEX, 40), text(HEX, 40))),
        ("lockfile", format!("\"integrity\": \"sha512-{}==\",\n\"resolved\": \"https://example.com/alpaca-{}.tgz\"\n", text(BASE64, 86), text(HEX, 8))),
        ("sum file", format!("example.com/alpaca v1.2.3 h1:{}=\n", text(BASE64, 43))),
        ("order ids", format!("alpaca order {}-{}-4{}-a{}-{} filled\n", text(HEX, 8), text(HEX, 4), text(HEX, 3), text(HEX, 3), text(HEX, 12))),
        ("ULIDs", format!("alpaca event 01{}\nalpaca event 01{}\n", text(CROCKFORD, 24), text(CROCKFORD, 24))),
        ("placeholders", "APCA_API_KEY_ID=PKXXXXXXXXXXXXXXXXXXXXXXXX\nAPCA_API_SECRET_KEY=<your secret key>\n".to_owned()),
        ("documentation", "Set APCA_API_KEY_ID to your Key ID, which begins with PK on paper and AK on live.\n".to_owned()),
        ("JWT", format!("alpaca_token=eyJhbGciOiJIUzI1NiJ9.{}.{}\n", text(ALNUM, 60), text(ALNUM, 43))),
        ("Slack hook", format!("https://hooks.slack.com/services/T{}/B{}/{}\n", text(UPPER, 8), text(UPPER, 10), text(ALNUM, 24))),
        ("PEM", format!("-----BEGIN CERTIFICATE-----\n{}\n{}\n-----END CERTIFICATE-----\n", text(BASE64, 64), text(BASE64, 64))),
        ("part numbers", format!("PK{} 12 in stock\nAK{} sold out\n", text(UPPER, 18), text(UPPER, 18))),
        ("GitHub token", format!("GITHUB_TOKEN=ghp_{}\n", text(ALNUM, 36))),
        ("variable names", "alpaca_secret = os.environ['APCA_API_SECRET_KEY']\nkey = settings.PK_ALPACA_API_KEY_ID_PRODUCTION\n".to_owned()),
        ("hash of a secret", format!("alpaca_secret_sha256={}\nalpaca_secret_sha1={}\n", text(HEX, 64), text(HEX, 40))),
        ("Base64 data", format!("image: data:image/png;base64,{}\n", text(BASE64, 4000))),
        ("a secret of somebody else", format!("OPENAI_API_KEY=sk-{}\nSESSION_SECRET={}\n", text(ALNUM, 48), text(ALNUM, 44))),
        ("minified script", format!("var a=\"{}\",b=\"{}\";function PKa(){{}}\n", text(ALNUM, 36), text(ALNUM, 52))),
        ("ciphertext", format!("alpaca: ENC[AES256_GCM,data:{},iv:{}=,tag:{}==]\n", text(BASE64, 56), text(BASE64, 43), text(BASE64, 22))),
    ]
}

fn finds(leaks: &[Leak], id: &str, secret: &str, template: &str) -> bool {
    let has = |value: &str| {
        leaks
            .iter()
            .flat_map(|leak| [&leak.key_id, &leak.secret_key])
            .flatten()
            .any(|spot| spot.value.expose() == value)
    };
    let needs_id = template.contains("{id}");
    has(secret) && (!needs_id || (has(id) && leaks.iter().any(|leak| leak.rule == Rule::KeyPair)))
}

#[test]
fn what_leaks_is_found_and_what_does_not_is_left_alone() {
    let mut chance = Chance(20_261_127);
    let (mut there, mut hit, mut wrong) = (0_u32, 0_u32, 0_u32);
    let (mut missed, mut false_alarms) = (Vec::new(), Vec::new());
    for _ in 0..EACH {
        for (kind, template) in LEAKS {
            let (id, secret) = chance.pair();
            let leaks = scan(&template.replace("{id}", &id).replace("{secret}", &secret));
            there += 1;
            if finds(&leaks, &id, &secret, template) {
                hit += 1;
            } else {
                missed.push(kind);
            }
            // Anything besides the one finding is wrong, too.
            wrong += u32::try_from(leaks.len().saturating_sub(1)).unwrap_or(u32::MAX);
        }
        for (kind, text) in harmless(&mut chance) {
            let leaks = scan(&text);
            wrong += u32::try_from(leaks.len()).unwrap_or(u32::MAX);
            false_alarms.extend((!leaks.is_empty()).then_some(kind));
        }
    }
    let per_mille = |part: u32, whole: u32| part * 1000 / whole.max(1);
    let (recall, precision) = (per_mille(hit, there), per_mille(hit, hit + wrong));
    missed.sort_unstable();
    false_alarms.sort_unstable();
    println!(
        "scan: {hit} of {there} leaks found (recall {recall}/1000), {wrong} false alarms in {} files (precision {precision}/1000)\n\
         missed: {missed:?}\nfalse alarms: {false_alarms:?}",
        there + u32::try_from(EACH * 20).unwrap_or(0)
    );
    assert!(recall >= 980, "recall {recall}/1000, missed: {missed:?}");
    assert!(precision >= 980, "precision {precision}/1000, false alarms: {false_alarms:?}");
}

/// The rules that are printed for gitleaks, on the same corpus.
#[cfg(test)]
mod gitleaks {
    use std::collections::BTreeSet;

    use paddock_core::scan::GITLEAKS_RULES;
    use regex::Regex;

    use super::{Chance, EACH, LEAKS, NAMED, harmless};

    /// What gitleaks does with a rule of the file that is printed for it: a keyword, the expression, the entropy, and the two lists of what is let pass.
    struct GitleaksRule {
        keywords: Vec<String>,
        expression: Regex,
        entropy: f64,
        examples: Regex,
        looked_at: Regex,
    }

    fn gitleaks_rules() -> Vec<GitleaksRule> {
        let file: toml::Table = GITLEAKS_RULES.parse().unwrap();
        let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
        let expression = |value: &toml::Value| Regex::new(&text(value)).unwrap();
        assert_eq!(file["allowlist"]["regexTarget"].as_str(), Some("line"));
        let read = |rule: &toml::Value| {
            assert_eq!(rule["secretGroup"].as_integer(), Some(1), "{rule}");
            assert!(
                rule["allowlist"].get("regexTarget").is_none(),
                "what is let pass is looked for in the secret"
            );
            GitleaksRule {
                keywords: rule["keywords"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|word| text(word).to_lowercase())
                    .collect(),
                expression: expression(&rule["regex"]),
                entropy: rule["entropy"].as_float().unwrap(),
                examples: expression(&rule["allowlist"]["regexes"][0]),
                looked_at: expression(&file["allowlist"]["regexes"][0]),
            }
        };
        file["rules"].as_array().unwrap().iter().map(read).collect()
    }

    /// Shannon's, in bits for each letter, as gitleaks counts it.
    #[expect(clippy::float_arithmetic, reason = "no money: gitleaks counts so")]
    fn entropy(text: &str) -> f64 {
        let length = f64::from(u32::try_from(text.len()).unwrap());
        let share = |letter: u8| {
            f64::from(u32::try_from(text.bytes().filter(|one| *one == letter).count()).unwrap()) / length
        };
        let letters: BTreeSet<u8> = text.bytes().collect();
        letters.into_iter().map(|letter| -share(letter) * share(letter).log2()).sum()
    }

    fn gitleaks_finds(rules: &[GitleaksRule], text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for rule in rules {
            if !rule.keywords.iter().any(|word| text.to_lowercase().contains(word)) {
                continue;
            }
            for groups in rule.expression.captures_iter(text) {
                let secret = groups.get(1).unwrap();
                let begin = text[..secret.start()].rfind('\n').map_or(0, |before| before + 1);
                let line = text[begin..].lines().next().unwrap();
                if entropy(secret.as_str()) > rule.entropy
                    && !rule.examples.is_match(secret.as_str())
                    && !rule.looked_at.is_match(line)
                {
                    found.push(secret.as_str().to_owned());
                }
            }
        }
        found
    }

    #[test]
    fn the_rules_for_gitleaks_find_what_stands_behind_a_name_of_alpacas() {
        let rules = gitleaks_rules();
        assert_eq!(rules.len(), 3);
        let mut chance = Chance(20_261_128);
        let (mut named, mut missed, mut false_alarms) = (0, Vec::new(), Vec::new());
        for _ in 0..EACH {
            for (kind, template) in LEAKS {
                let (id, secret) = chance.pair();
                let found =
                    gitleaks_finds(&rules, &template.replace("{id}", &id).replace("{secret}", &secret));
                if NAMED.contains(&kind) {
                    named += 1;
                    let has_id = !template.contains("{id}") || found.contains(&id);
                    missed.extend((!has_id || !found.contains(&secret)).then_some(kind));
                }
            }
            for (kind, text) in harmless(&mut chance) {
                false_alarms.extend(gitleaks_finds(&rules, &text).first().map(|_| kind));
            }
        }
        println!(
            "gitleaks' rules: missed {} of {named}: {missed:?}; false alarms: {false_alarms:?}",
            missed.len()
        );
        assert!(missed.len() * 50 <= named, "{missed:?}");
        assert!(false_alarms.len() * 50 <= named, "{false_alarms:?}");
    }

    #[test]
    fn the_rules_for_gitleaks_let_pass_examples_and_what_was_looked_at_and_nothing_beside_them() {
        let rules = gitleaks_rules();
        let (id, secret) = Chance(1).pair();
        let found = |text: &str| gitleaks_finds(&rules, text).len();
        assert_eq!(found(&format!("APCA_API_SECRET_KEY={secret} # as on example.com\n")), 1);
        assert_eq!(found(&format!("APCA_API_SECRET_KEY={secret} # paddock:allow\n")), 0);
        assert_eq!(found(&format!("APCA_API_SECRET_KEY=EXAMPLE{}\n", &secret[7..])), 0);
        assert_eq!(found(&format!("APCA_API_KEY_ID=PKXXXXXX{}\n", &id[8..])), 0);
    }
}
