//! How secrets come in: from standard input, from the environment, or asked for. Never from the command line, which other
//! users of the machine can read and which shells keep.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use paddock_core::SecretText;
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};

/// A key pair as it was given. It may need repair; that is the server's business.
#[derive(Debug)]
pub(crate) struct GivenPair {
    pub(crate) key_id: SecretText,
    pub(crate) secret_key: SecretText,
}

/// More than any pair with any wrapping needs.
const MAX_INPUT: u64 = 64 * 1024;

const KEY_ID_VARIABLE: &str = "APCA_API_KEY_ID";
const SECRET_KEY_VARIABLE: &str = "APCA_API_SECRET_KEY";

/// Obtains a pair. `key_id` is the one from the command line, if any: it is no secret by itself. With `from_stdin` the
/// Secret Key is read from standard input, and the Key ID from its first line if there is no other source of it.
pub(crate) fn obtain_pair(key_id: Option<String>, from_stdin: bool) -> Outcome<GivenPair> {
    let key_id = key_id.map(SecretText::new);
    if from_stdin {
        return split(&read_stdin()?, key_id, in_environment(KEY_ID_VARIABLE));
    }
    let interactive = is_interactive();
    let key_id = match key_id.or_else(|| in_environment(KEY_ID_VARIABLE)) {
        Some(key_id) => key_id,
        None if interactive => ask("Key ID", inquire::Text::new("Key ID:").prompt())?,
        None => return Err(missing("Key ID")),
    };
    let secret_key = match in_environment(SECRET_KEY_VARIABLE) {
        Some(secret_key) => secret_key,
        None if interactive => ask_secret_key()?,
        None => return Err(missing("Secret Key")),
    };
    Ok(GivenPair { key_id, secret_key })
}

/// Obtains the Secret Key of an access key, if there is one: from standard input if `from_stdin`, from the environment, or from
/// the person at the terminal.
pub(crate) fn obtain_secret_key(from_stdin: bool) -> Outcome<Option<SecretText>> {
    if from_stdin {
        let text = read_stdin()?;
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(Failure::usage("standard input holds no Secret Key, or more than one")
                .hint("pipe in only the Secret Key that `paddock key create` showed"));
        }
        return Ok(Some(SecretText::new(text.to_owned())));
    }
    match in_environment(SECRET_KEY_VARIABLE) {
        None if is_interactive() => ask_secret_key().map(Some),
        found => Ok(found),
    }
}

/// Obtains a pair that was just made: from standard input, or from the person at the terminal, hidden. Not from the environment, which may
/// still have the one before.
pub(crate) fn obtain_new_pair(from_stdin: bool) -> Outcome<GivenPair> {
    if from_stdin {
        return split(&read_stdin()?, None, None);
    }
    if !is_interactive() {
        return Err(Failure::usage("the new pair is missing, and there is no terminal to ask at")
            .hint("pipe in the Key ID and the Secret Key on two lines with `--secret-stdin`"));
    }
    let prompt = inquire::Password::new("New Key ID:").without_confirmation();
    let prompt = prompt.with_display_mode(inquire::PasswordDisplayMode::Masked);
    let key_id = ask("Key ID", prompt.prompt())?;
    Ok(GivenPair { key_id, secret_key: ask_secret_key()? })
}

/// Obtains a secret that has one part, such as a token: from a file, from standard input, or from the person at the terminal. `what` says
/// what it is.
pub(crate) fn obtain_secret(what: &str, file: Option<&Path>, from_stdin: bool) -> Outcome<SecretText> {
    let text = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::new(format!("cannot read {}: {}", path.display(), error.kind()))
                    .hint("see that the path of `--secret-file` is right")
            })?;
            Zeroizing::new(text)
        }
        None if from_stdin => read_stdin()?,
        None if is_interactive() => {
            let question = format!("{what}:");
            let prompt = inquire::Password::new(&question).without_confirmation();
            return ask(what, prompt.with_display_mode(inquire::PasswordDisplayMode::Masked).prompt());
        }
        None => {
            return Err(Failure::usage(format!(
                "a secret is needed ({what}), and there is no terminal to ask at"
            ))
            .hint("pipe it in with `--secret-stdin`, or name its file with `--secret-file`"));
        }
    };
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("there is no secret in it: {what}")));
    }
    Ok(SecretText::new(text.trim().to_owned()))
}

fn in_environment(name: &str) -> Option<SecretText> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(SecretText::new)
}

fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn ask_secret_key() -> Outcome<SecretText> {
    let prompt = inquire::Password::new("Secret Key:").without_confirmation();
    let prompt = prompt.with_display_mode(inquire::PasswordDisplayMode::Masked);
    ask("Secret Key", prompt.prompt())
}

/// Splits what came over standard input. Without a Key ID from elsewhere, the first line is the Key ID.
fn split(text: &str, key_id: Option<SecretText>, fallback: Option<SecretText>) -> Outcome<GivenPair> {
    let secret = |text: &str| SecretText::new(text.to_owned());
    let text = text.trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() {
        return Err(Failure::usage("standard input holds no Secret Key")
            .hint("pipe it in, for example `printf %s \"$SECRET\" | paddock connection add NAME --secret-stdin ...`"));
    }
    if let Some(key_id) = key_id {
        return Ok(GivenPair { key_id, secret_key: secret(text) });
    }
    match (text.trim_start().split_once('\n'), fallback) {
        (Some((first, rest)), _) => Ok(GivenPair { key_id: secret(first), secret_key: secret(rest) }),
        (None, Some(key_id)) => Ok(GivenPair { key_id, secret_key: secret(text) }),
        (None, None) => Err(Failure::usage("standard input holds one line, and a pair has two parts")
            .hint("name the Key ID with `--key-id ID`, or pipe the Key ID first and the Secret Key on the next line")),
    }
}

fn read_stdin() -> Outcome<Zeroizing<String>> {
    // With the whole capacity reserved, reading leaves no copy behind in memory that was given back.
    let mut text = Zeroizing::new(String::with_capacity(MAX_INPUT as usize + 1));
    io::stdin().lock().take(MAX_INPUT + 1).read_to_string(&mut text).map_err(|error| {
        // Not the error's own text: it says nothing that helps and must not quote the input.
        Failure::usage(format!("standard input cannot be read as text: {}", error.kind()))
    })?;
    if text.len() as u64 > MAX_INPUT {
        return Err(Failure::usage("standard input holds more than any key pair")
            .hint("pipe in only the Secret Key, or the Key ID and the Secret Key on two lines"));
    }
    Ok(text)
}

fn ask(what: &str, answer: Result<String, inquire::InquireError>) -> Outcome<SecretText> {
    answer.map(SecretText::new).map_err(|_| {
        Failure::usage(format!("no {what} was given"))
            .hint("run the command again, or see its `--help` for other ways")
    })
}

fn missing(what: &str) -> Failure {
    Failure::usage(format!("the {what} is missing, and there is no terminal to ask at")).hint(format!(
        "pipe the pair in with `--secret-stdin`, or set {KEY_ID_VARIABLE} and {SECRET_KEY_VARIABLE}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Option<SecretText> {
        Some(SecretText::new(text.to_owned()))
    }

    fn parts(text: &str, key_id: Option<SecretText>, fallback: Option<SecretText>) -> (String, String) {
        let pair = split(text, key_id, fallback).unwrap();
        (pair.key_id.expose().to_owned(), pair.secret_key.expose().to_owned())
    }

    #[test]
    fn standard_input_is_the_secret_or_the_pair() {
        let expected = ("ID".to_owned(), "SECRET".to_owned());
        assert_eq!(parts("SECRET\n", secret("ID"), None), expected);
        assert_eq!(parts("ID\nSECRET\n", None, None), expected);
        assert_eq!(parts("SECRET", None, secret("ID")), expected);
        assert_eq!(parts("ID\nSECRET", None, secret("OTHER")), expected);
    }

    #[test]
    fn what_is_missing_is_said_without_quoting() {
        assert!(split("\n\n", secret("ID"), None).is_err());
        let failure = split("SECRET", None, None).unwrap_err();
        assert!(!failure.to_string().contains("SECRET\""), "{failure}");
    }
}
