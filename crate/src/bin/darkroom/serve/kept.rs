//! The jobs of the own API, kept until they are fetched: at most so many finished ones, with at
//! most so many bytes. Those that were fetched go first, then the oldest.

use super::job::{Job, State};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The jobs, the oldest first.
pub(super) struct Kept {
    most: usize,
    most_bytes: usize,
    jobs: Mutex<VecDeque<Entry>>,
}

struct Entry {
    job: Arc<Job>,
    was_fetched: bool,
}

impl Kept {
    pub(super) fn new(most: usize, most_bytes: usize) -> Kept {
        Kept { most, most_bytes, jobs: Mutex::default() }
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, and drops what is too much.
    pub(super) fn add(&self, job: Arc<Job>) {
        self.jobs().push_back(Entry { job, was_fetched: false });
        self.trim();
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Job>> {
        self.trim();
        self.jobs().iter().find(|entry| entry.job.id == id).map(|entry| entry.job.clone())
    }

    /// Notes that its picture was fetched.
    pub(super) fn fetched(&self, id: &str) {
        if let Some(entry) = self.jobs().iter_mut().find(|entry| entry.job.id == id) {
            entry.was_fetched = true;
        }
    }

    pub(super) fn remove(&self, id: &str) {
        self.jobs().retain(|entry| entry.job.id != id);
    }

    /// Drops finished jobs until the others keep the bounds.
    fn trim(&self) {
        let mut jobs = self.jobs();
        loop {
            let over = jobs.iter().filter(|entry| entry.job.state().is_over());
            let (count, bytes) = over.fold((0, 0), |(count, bytes), entry| {
                (count + 1, bytes + bytes_of(&entry.job.state()))
            });
            if count <= self.most && bytes <= self.most_bytes {
                return;
            }
            let is_over = |entry: &Entry| entry.job.state().is_over();
            let fetched = jobs.iter().position(|entry| entry.was_fetched && is_over(entry));
            let Some(first) = fetched.or_else(|| jobs.iter().position(is_over)) else { return };
            jobs.remove(first);
        }
    }
}

fn bytes_of(state: &State) -> usize {
    match state {
        State::Done(made) => made.iter().map(|one| one.png.len()).sum(),
        _ => 0,
    }
}
