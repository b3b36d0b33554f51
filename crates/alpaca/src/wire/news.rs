//! News articles.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsArticle {
    /// Unique, and later articles have higher ones.
    pub id: u64,
    /// The headline.
    pub headline: String,
    /// Who wrote it.
    pub author: String,
    /// When it appeared.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What it is about in a sentence or two.
    pub summary: String,
    /// The article itself, as HTML; empty if it was not asked for or there is none.
    pub content: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// Pictures.
    #[serde(default)]
    pub images: Vec<NewsImage>,
    /// What it is about; a crypto pair has no slash here.
    pub symbols: Vec<String>,
    /// Who published it.
    pub source: String,
}

/// A picture of an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsImage {
    /// `thumb`, `small` or `large`.
    pub size: String,
    /// Where it is.
    pub url: String,
}

/// One page of articles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// The articles.
    pub news: Vec<NewsArticle>,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}
