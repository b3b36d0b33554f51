//! `GET /api/v1/attestation` and `/api/v1/connections/{name}/attestation`: what a person signs who connects a live account.

use axum::Json;
use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::audit::Actor;
use paddock_store::{Attestation, Connection, SignedAttestation};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{params, views};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// The fields of a request that carry the signature.
pub(crate) const FIELDS: [&str; 3] = ["statements", "signed_name", "text_sha256"];

/// The most characters that a typed name may have.
const LONGEST_NAME: usize = 120;

/// What the statements stand under.
const OPENING: &str = "Connecting a live Alpaca account to Paddock\n\
    \n\
    Programs that hold an access key of this connection trade with real money, within what each key allows.\n\
    I have read each of the following and state it separately.\n";

/// What the statements end with.
const CLOSING: &str = "By typing my name I sign this text as it stands here.\n";

/// One thing that is stated, with a tick of its own.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Statement {
    /// The word that stands for it in a request.
    pub(crate) code: &'static str,
    /// What is stated.
    pub(crate) text: &'static str,
}

/// What is stated, each by itself.
pub(crate) const STATEMENTS: [Statement; 5] = [
    Statement {
        code: "real_money",
        text: "Orders through this connection are real. They buy and sell with real money, and what they lose is lost.",
    },
    Statement {
        code: "my_account",
        text: "The account is mine, or its owner has allowed me in writing to connect it.",
    },
    Statement {
        code: "tried_on_paper",
        text: "What I will let trade here I have let trade on a paper account first, and I have seen a freeze stop it.",
    },
    Statement {
        code: "can_stop_it",
        text: "I know how to stop it: Freeze in Paddock, a file named FREEZE in the data directory, and, if Paddock itself \
               cannot be reached, a new pair in Alpaca's dashboard, which ends this one.",
    },
    Statement {
        code: "no_advice",
        text: "Paddock holds access keys to their limits. It gives no advice, and it does not prevent a loss within the limits \
               that I set.",
    },
];

/// The text that is shown and signed.
pub(crate) fn text() -> String {
    let mut text = OPENING.to_owned();
    for (number, statement) in STATEMENTS.iter().enumerate() {
        text += &format!("\n{}. {}\n", number + 1, statement.text);
    }
    text.push('\n');
    text + CLOSING
}

/// Its SHA-256, hex.
pub(crate) fn text_sha256() -> String {
    hex::encode(Sha256::digest(text()))
}

/// What is to be signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttestationToSign)]
pub(crate) struct ToSign {
    text: String,
    text_sha256: String,
    #[schema(value_type = Vec<Statement>)]
    statements: [Statement; 5],
}

/// What was signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attestation)]
pub(crate) struct Signed {
    connection: String,
    account_number: String,
    text: String,
    text_sha256: String,
    signed_name: String,
    #[schema(value_type = views::Actor)]
    signed_by: Actor,
    signed_at: Timestamp,
}

/// What a person signs who connects a live account.
#[utoipa::path(
    get,
    path = "/api/v1/attestation",
    operation_id = "showAttestation",
    tag = "connections",
    responses(
        (status = 200, description = "What is to be signed", body = ToSign),
    ),
)]
pub(crate) async fn show(_desk: Desk) -> Json<ToSign> {
    Json(ToSign { text: text(), text_sha256: text_sha256(), statements: STATEMENTS })
}

/// What was signed for a connection.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/attestation",
    operation_id = "showConnectionAttestation",
    tag = "connections",
    params(params::ConnectionEverNamed),
    responses(
        (status = 200, description = "What was signed, by whom and when", body = Signed),
    ),
    extensions(("x-problems" = json!(["unknown_connection", "ambiguous_connection", "not_attested"]))),
)]
pub(crate) async fn signed(desk: Desk, PathName(name): PathName) -> Result<Json<Signed>, Problem> {
    let connection = super::ever_named(&desk, &name).await?;
    let SignedAttestation { attestation, actor, at } = found(&desk, &connection).await?;
    Ok(Json(Signed {
        connection: connection.name,
        account_number: connection.account_number,
        text: attestation.text,
        text_sha256: attestation.text_sha256,
        signed_name: attestation.signed_name,
        signed_by: actor,
        signed_at: at,
    }))
}

/// What was signed for the connection; a problem if nothing was.
pub(crate) async fn found(desk: &Desk, connection: &Connection) -> Result<SignedAttestation, Problem> {
    desk.store.attestation(connection.id).await?.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not_attested",
            "Nothing was signed",
            format!("connection `{}` was made without a signature", connection.name),
            "a paper account needs none, and at this machine's command line none is demanded",
        )
    })
}

/// The dated copy, as it is kept by a person: the text, and who signed it when.
pub(crate) fn copy(connection: &Connection, signed: &SignedAttestation) -> String {
    let SignedAttestation { attestation, actor, at } = signed;
    let by = match actor {
        Actor::Person { name, .. } | Actor::AccessKey { name, .. } => name.as_str(),
        Actor::Operator => "at the command line",
        Actor::System => "Paddock",
    };
    format!(
        "{}\n----------------------------------------\nSigned:          {}\nSigned in as:    {by}\nAt:              {}\n\
         Connection:      {}, {} account {}\nSHA-256 of the text above the line:\n{}\n",
        attestation.text,
        attestation.signed_name,
        at.strftime("%-d %B %Y, %H:%M:%S UTC"),
        connection.name,
        connection.environment,
        connection.account_number,
        attestation.text_sha256,
    )
}

/// Reads the signature from a request: all of it or nothing of it.
pub(crate) fn read(fields: &mut Fields) -> Result<Option<Attestation>, Problem> {
    if !FIELDS.iter().any(|field| fields.has(field)) {
        return Ok(None);
    }
    let stated = fields.list("statements")?.unwrap_or_default();
    let codes: Vec<&str> = STATEMENTS.iter().map(|statement| statement.code).collect();
    if let Some(unknown) = stated.iter().find(|code| !codes.contains(&code.as_str())) {
        return Err(Problem::not_allowed("statements", unknown, &codes));
    }
    let name = fields.text("signed_name")?;
    let hash = fields.need_text("text_sha256", "the SHA-256 of the text that was shown")?;
    if hash != text_sha256() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "attestation_changed",
            "The text has changed",
            "the text that was signed is not the one that is shown now",
            "read it again, and sign what stands there now",
        )
        .with("field", "statements"));
    }
    let missing: Vec<&str> = codes.into_iter().filter(|code| !stated.iter().any(|one| one == code)).collect();
    if !missing.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "attestation_incomplete",
            "Not all is stated",
            format!("{} of the {} statements are not ticked", missing.len(), STATEMENTS.len()),
            "read each one and tick it; if one is not true, do not connect a live account",
        )
        .with("field", "statements")
        .with("missing", missing));
    }
    let name = name.map(|name| name.trim().to_owned()).unwrap_or_default();
    if name.chars().count() < 2 || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Problem::field("signed_name", format!("your name, 2 to {LONGEST_NAME} characters")));
    }
    Ok(Some(Attestation { text: text(), text_sha256: hash, signed_name: name }))
}

/// Whether what is asked for may be done without a signature: a paper account, or somebody at this machine's command line, which
/// asks by itself.
pub(crate) fn check(
    desk: &Desk,
    environment: Environment,
    attestation: Option<&Attestation>,
) -> Result<(), Problem> {
    if environment == Environment::Paper || attestation.is_some() || desk.actor() == Actor::Operator {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "attestation_missing",
        "Not signed",
        "a live account is connected with a signature, and there is none",
        "read what `GET /api/v1/attestation` answers, and send `statements`, `signed_name` and `text_sha256`",
    )
    .with("field", "statements"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_holds_each_statement_once_and_has_no_stray_spaces() {
        let text = text();
        for statement in STATEMENTS {
            assert_eq!(text.matches(statement.text).count(), 1);
        }
        assert!(!text.contains("  "), "{text}");
        assert_eq!(text_sha256().len(), 64);
    }
}
