//! What all handlers share, and how a request becomes a job.

use super::args::ServeArgs;
use super::fault::Fault;
use super::job::{Api, Job, Made, Order};
use super::kept::Kept;
use super::queue::Queue;
use super::worker::About;
use darkroom::pipeline::Request;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The name of a model whose path has none.
const UNNAMED: &str = "darkroom";

/// What all handlers share.
pub(super) struct App {
    pub args: Arc<ServeArgs>,
    pub about: About,
    pub queue: Arc<Queue>,
    pub kept: Kept,
    /// KiB that bodies, read or waiting in the queue, may take.
    pub bodies: Arc<Semaphore>,
    /// The request without what clients say, and the same for AUTOMATIC1111's API.
    pub plain: Request,
    pub web_ui: Request,
}

impl App {
    /// The model's name for clients.
    pub(super) fn model(&self) -> String {
        let named = self.about.provenance.as_ref().map(|known| known.title.clone());
        named.unwrap_or_else(|| {
            let given = Path::new(&self.args.opens.model.model);
            let path = given.canonicalize().unwrap_or_else(|_| given.to_owned());
            // The ending of a folder's name is a part of it: sd-v1.4.
            let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
            name.map_or_else(|| UNNAMED.to_owned(), |name| name.to_string_lossy().into_owned())
        })
    }

    /// Puts a request into the queue, once its fields are checked.
    ///
    /// # Errors
    /// A field that the model does not allow; a full queue.
    pub(super) fn submit(&self, api: Api, order: Order) -> Result<Arc<Job>, Fault> {
        order.request.validate(&self.about.description.allowed())?;
        let job = Arc::new(Job::new(api, order));
        self.queue.push(job.clone())?;
        Ok(job)
    }

    /// Draws a request while its client waits: if that goes away, the job is cancelled.
    ///
    /// # Errors
    /// As [`App::submit`], and why there is no picture.
    pub(super) async fn draw(&self, api: Api, order: Order) -> Result<Drawn, Fault> {
        let job = self.submit(api, order)?;
        let waiting = Waiting { queue: self.queue.clone(), job };
        let made = waiting.job.ended().await?;
        let warnings = waiting.job.warnings.clone();
        Ok(Drawn { made, warnings })
    }
}

/// Finished pictures, and what the request asked for and did not get.
pub(super) struct Drawn {
    pub made: Arc<Vec<Made>>,
    pub warnings: Vec<String>,
}

/// A job for whose end somebody waits.
struct Waiting {
    queue: Arc<Queue>,
    job: Arc<Job>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.job.state().is_over() {
            self.queue.cancel(&self.job);
        }
    }
}
