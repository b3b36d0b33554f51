//! The same in the words of gitleaks and of tools that read its rules. A rule there sees one match and its entropy, and not which halves belong together:
//! Secret Keys are found by the names before them.

/// A configuration for gitleaks 8, as TOML.
pub const RULES: &str = r##"# Alpaca's key pairs, for gitleaks 8 and what reads its rules: gitleaks detect --config THIS_FILE
# Made by `paddock scan --gitleaks-rules`. `paddock scan` itself also tells which halves belong together.
title = "Alpaca key pairs"

[[rules]]
id = "alpaca-key-id"
description = "An Alpaca Key ID of the form seen since 2025"
regex = '''\b((?:PK|AK|CK)[A-Z2-7]{24})\b'''
secretGroup = 1
entropy = 3.2
keywords = ["PK", "AK", "CK"]

[rules.allowlist]
description = "Examples"
regexes = ['''(?i)example|your[_-]?(?:api|secret|key)|placeholder|xxxx''']

[[rules]]
id = "alpaca-key-id-named"
description = "An Alpaca Key ID behind a name that says so"
regex = '''(?i:apca|alpaca)[A-Za-z0-9_.\-\[\]"' ]{0,40}["']?\s*(?:=>|:=|=|:|,)\s*["'`]?((?:PK|AK|CK)(?:[A-Z0-9]{18}|[A-Z0-9]{24}))\b'''
secretGroup = 1
entropy = 2.8
keywords = ["apca", "alpaca"]

[rules.allowlist]
description = "Examples"
regexes = ['''(?i)example|your[_-]?(?:api|secret|key)|placeholder|xxxx''']

[[rules]]
id = "alpaca-secret-key"
description = "An Alpaca Secret Key behind a name that says so"
regex = '''(?i:apca|alpaca)[A-Za-z0-9_.\-\[\]"' ]{0,40}(?i:secret|key|token)[A-Za-z0-9_.\-\]"' ]{0,20}["']?\s*(?:=>|:=|=|:|,)\s*["'`]?([A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{44})(?:[^A-Za-z0-9+/=]|$)'''
secretGroup = 1
entropy = 4.0
keywords = ["apca", "alpaca"]

[rules.allowlist]
description = "Examples"
regexes = ['''(?i)example|your[_-]?(?:api|secret|key)|placeholder|xxxx''']

[allowlist]
description = "Lines that somebody has looked at"
regexTarget = "line"
regexes = ['''paddock:allow''']
"##;
