//! The one queue: jobs in the order in which they came, at most so many.

use super::fault::Fault;
use super::job::{Api, Job, State};
use darkroom::pipeline::EarlyEnd;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Jobs that wait, and the one in work.
pub(super) struct Queue {
    most: usize,
    inner: Mutex<Inner>,
    wake: Condvar,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Arc<Job>>,
    running: Option<Arc<Job>>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(most: usize) -> Queue {
        Queue { most, inner: Mutex::default(), wake: Condvar::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end.
    ///
    /// # Errors
    /// A full queue; a service that ends.
    pub(super) fn push(&self, job: Arc<Job>) -> Result<(), Fault> {
        let mut inner = self.inner();
        if inner.closed {
            return Err(Fault::ending());
        }
        if inner.waiting.len() >= self.most {
            return Err(Fault::full());
        }
        inner.waiting.push_back(job);
        self.wake.notify_one();
        Ok(())
    }

    /// Waits for the next job; `None` when the service ends.
    pub(super) fn next(&self) -> Option<Arc<Job>> {
        let mut inner = self.inner();
        inner.running = None;
        loop {
            if inner.closed {
                return None;
            }
            if let Some(job) = inner.waiting.pop_front() {
                inner.running = Some(job.clone());
                return Some(job);
            }
            inner = self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Cancels a job, wherever it is.
    pub(super) fn cancel(&self, job: &Job) {
        let mut inner = self.inner();
        inner.waiting.retain(|other| other.id != job.id);
        job.cancel();
        if inner.running.as_ref().is_none_or(|running| running.id != job.id) {
            job.set(State::Failed(Fault::cancelled()));
        }
    }

    /// Ends the job in work early, if this API asked for it.
    pub(super) fn end_early(&self, api: Api, how: EarlyEnd) {
        if let Some(job) = self.running().filter(|job| job.api == api) {
            job.end_early(how);
        }
    }

    pub(super) fn running(&self) -> Option<Arc<Job>> {
        self.inner().running.clone()
    }

    /// How many wait, and whether one is in work.
    pub(super) fn counts(&self) -> [usize; 2] {
        let inner = self.inner();
        [inner.waiting.len(), usize::from(inner.running.is_some())]
    }

    /// How many jobs come before this one.
    pub(super) fn before(&self, id: &str) -> Option<usize> {
        let inner = self.inner();
        let at = inner.waiting.iter().position(|job| job.id == id)?;
        Some(at + usize::from(inner.running.is_some()))
    }

    /// Ends: nothing is accepted any more, all jobs are cancelled.
    pub(super) fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        for job in inner.waiting.drain(..) {
            job.cancel();
            job.set(State::Failed(Fault::ending()));
        }
        if let Some(job) = &inner.running {
            job.cancel();
        }
        self.wake.notify_all();
    }
}
