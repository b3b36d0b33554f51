//! What a program asks a person for.

use paddock_alpaca::oauth::OAuthScopes;
use paddock_alpaca::path::Query;
use paddock_core::Environment;

use super::{field, redirect_uri};
use crate::PaperBroker;

/// The parameters of a request for access, in the order in which they are written anew.
const PARAMETERS: [&str; 6] = ["response_type", "client_id", "redirect_uri", "scope", "state", "env"];

/// A request for access that may be shown to a person.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub client_id: String,
    /// What the program calls itself.
    pub name: String,
    pub redirect_uri: String,
    pub scopes: OAuthScopes,
    pub state: Option<String>,
    /// The only environment whose accounts are asked for.
    pub environment: Option<Environment>,
    /// The same as it was asked, for the form that answers it.
    pub parameters: Vec<(&'static str, String)>,
}

/// Why a request for access is not shown to a person.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Nobody can be sent back with the reason: it is not known who asks, or where a program's people come from. Only the person
    /// is told.
    Here(&'static str),
    /// The program is told, at this address.
    Back(String),
}

impl Ask {
    /// Reads a request, in a query or in the form that answers it.
    pub fn read(broker: &PaperBroker, query: &Query) -> Result<Self, Unfit> {
        let client_id = field(query, "client_id").unwrap_or_default();
        let client = broker.look(|broker| broker.oauth_client(client_id).cloned());
        let client = client.ok_or(Unfit::Here(
            "the program that sent you here is not registered: its client_id is unknown",
        ))?;
        // Exactly as it was registered, or a code could be sent to anybody.
        let back = field(query, "redirect_uri").unwrap_or_default();
        if !client.redirect_uris.iter().any(|registered| registered == back) {
            return Err(Unfit::Here(
                "the program wants to send you on to an address that is not registered: its redirect_uri must be exactly one of \
                 those that it was registered with",
            ));
        }
        let state = query.get("state").map(ToOwned::to_owned);
        let unfit = |error: &str, why: &str| {
            Unfit::Back(sent_back(back, &[("error", error), ("error_description", why)], state.as_deref()))
        };
        if field(query, "response_type") != Some("code") {
            return Err(unfit("unsupported_response_type", "response_type must be code"));
        }
        let scopes = query.get("scope").unwrap_or_default().parse();
        let scopes = scopes.map_err(|unknown: paddock_alpaca::oauth::UnknownScope| {
            unfit("invalid_scope", &unknown.to_string())
        })?;
        let environment = field(query, "env").map(str::parse).transpose();
        let environment = environment.map_err(|_| unfit("invalid_request", "env must be live or paper"))?;
        let parameters =
            PARAMETERS.into_iter().filter_map(|name| Some((name, query.get(name)?.to_owned()))).collect();
        Ok(Self {
            client_id: client.client_id,
            name: client.name,
            redirect_uri: back.to_owned(),
            scopes,
            state: state.clone(),
            environment,
            parameters,
        })
    }

    /// Where the person goes with the answer.
    pub fn answered(&self, answer: &[(&str, &str)]) -> String {
        sent_back(&self.redirect_uri, answer, self.state.as_deref())
    }

    /// What a form that answers this request, and no other, is for.
    pub fn purpose(&self) -> String {
        let pairs: Vec<(&str, &str)> =
            self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        format!("consent?{}", Query::of(&pairs).to_upstream())
    }
}

fn sent_back(uri: &str, answer: &[(&str, &str)], state: Option<&str>) -> String {
    let state = state.map(|state| ("state", state));
    let answer: Vec<(&str, &str)> = answer.iter().copied().chain(state).collect();
    redirect_uri::with_answer(uri, &answer)
}
