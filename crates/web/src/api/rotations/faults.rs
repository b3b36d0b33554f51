//! What rotations report, as a person or a program reads it.

use http::StatusCode;
use paddock_rotate::RotateError;

use crate::problem::Problem;

impl From<RotateError> for Problem {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Store(error) => error.into(),
            RotateError::Vault(error) => error.into(),
            RotateError::Refused(refusal) => match refusal.code {
                "no_such_consumer" => Self::new(
                    StatusCode::NOT_FOUND,
                    "unknown_consumer",
                    "Unknown consumer",
                    refusal.message,
                    refusal.next_step,
                ),
                "step_up" => Self::new(
                    StatusCode::FORBIDDEN,
                    "fresh_factor_needed",
                    "Confirm that it is you",
                    refusal.message,
                    "confirm at /confirm, then do it again",
                ),
                "role" => Self::new(
                    StatusCode::FORBIDDEN,
                    "role_too_low",
                    "Not with your role",
                    refusal.message,
                    refusal.next_step,
                ),
                code => Self::new(
                    StatusCode::CONFLICT,
                    "rotation_refuses",
                    "Not now",
                    refusal.message,
                    refusal.next_step,
                )
                .with("reason", code),
            },
            RotateError::Plan(fault) => {
                let field = if fault.field == "window" { "window_from" } else { fault.field };
                Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid_field",
                    "Invalid field",
                    format!("`{}`: {}", fault.field, fault.problem),
                    format!("change `{}` and try again", fault.field),
                )
                .with("field", field)
            }
            RotateError::NoRehearsal => Self::new(
                StatusCode::CONFLICT,
                "no_rehearsal",
                "No paper broker to rehearse with",
                "a rehearsal runs against the paper broker, and this Paddock knows of none",
                "start one with `paddock paper serve`, and name it under [rotation] rehearsal_url in the configuration",
            ),
            RotateError::NotAPair(what) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "credentials_missing",
                "Pair missing",
                what,
                "paste both halves as Alpaca shows them",
            )
            .with("field", "key_id"),
            other => {
                tracing::error!(error = %other, "a rotation did not do what it was asked");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal_error",
                    "Internal error",
                    "the rotation did not do what it was asked",
                    "look at its state, then try again",
                )
            }
        }
    }
}
