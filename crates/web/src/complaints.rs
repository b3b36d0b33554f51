//! Everything that is wrong with a request, so that a form can show each complaint at its field.

use crate::problem::Problem;

/// What is wrong with the fields of a request, in the order in which it was found.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Vec<Problem>);

impl Complaints {
    /// What was read. Where it could not be, the complaint is kept, and what is absent takes its place: nobody gets to see that, since
    /// [`Complaints::unless_any`] ends it.
    pub(crate) fn hear<T: Default>(&mut self, read: Result<T, Problem>) -> T {
        read.unwrap_or_else(|problem| {
            self.0.push(problem);
            T::default()
        })
    }

    /// One more.
    pub(crate) fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Those of another part of the request.
    pub(crate) fn add_all(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// What another part of the request was read as, unless something is wrong with it or was before.
    pub(crate) fn with<T>(mut self, read: Result<T, Self>) -> Result<T, Self> {
        match read {
            Ok(read) => self.unless_any(read),
            Err(others) => {
                self.add_all(others);
                Err(self)
            }
        }
    }

    /// All of them.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.0
    }

    /// What was read, if nothing is wrong with any of it.
    pub(crate) fn unless_any<T>(self, read: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(read) } else { Err(self) }
    }
}

impl From<Problem> for Complaints {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// The API answers with the first: whoever sends JSON mends one thing after the other.
impl From<Complaints> for Problem {
    fn from(complaints: Complaints) -> Self {
        let first = complaints.0.into_iter().next();
        // There is always one, since only complaints are turned into a problem.
        first.unwrap_or_else(|| Self::field("body", "other fields"))
    }
}
