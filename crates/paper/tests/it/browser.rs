//! A person's browser, as far as the pages need one: it sends forms as a page of this address does, and follows nothing by itself.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use paddock_alpaca::path::Query;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::redirect::Policy;

use crate::harness::Desk;

pub const FORM: &str = "application/x-www-form-urlencoded";

/// A page that was answered.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    pub fn location(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }

    /// The value of the first field of that name.
    pub fn field(&self, name: &str) -> &str {
        let from = self.text.find(&format!("name=\"{name}\" value=\"")).unwrap();
        self.text[from..].split('"').nth(3).unwrap()
    }

    /// What follows `before`, up to the next mark-up.
    pub fn after(&self, before: &str) -> &str {
        let from = self.text.find(before).unwrap_or_else(|| panic!("no {before} in {}", self.text));
        self.text[from + before.len()..].split('<').next().unwrap()
    }
}

pub struct Browser<'a> {
    desk: &'a Desk,
    http: reqwest::Client,
}

impl<'a> Browser<'a> {
    pub fn new(desk: &'a Desk) -> Self {
        Self { desk, http: reqwest::Client::builder().redirect(Policy::none()).build().unwrap() }
    }

    pub async fn get(&self, target: &str) -> Page {
        self.get_with(target, &[]).await
    }

    pub async fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Page {
        self.send(self.http.get(self.desk.url(target)), headers).await
    }

    /// Sends a form from a page of this address.
    pub async fn post(&self, target: &str, form: &[(&str, &str)]) -> Page {
        let origin = self.desk.url("");
        self.post_with(target, form, &[("Origin", &origin), ("Sec-Fetch-Site", "same-origin")]).await
    }

    pub async fn post_with(&self, target: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let request = self.http.post(self.desk.url(target)).header(CONTENT_TYPE, FORM);
        self.send(request.body(Query::of(form).to_upstream()), headers).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> Page {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page { status, headers, text: response.text().await.unwrap() }
    }

    /// Sends a form of the dashboard and opens the page that it leads to.
    pub async fn act(&self, target: &str, form: &[(&str, &str)]) -> Page {
        let home = self.get("/dashboard").await;
        let mut form = form.to_vec();
        form.push(("token", home.field("token")));
        let sent = self.post(target, &form).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        self.get(sent.location()).await
    }
}
