//! A picture that was asked for: what to draw, how far it is, what became of it.

use super::fault::Fault;
use crate::lora_list::Named;
use darkroom::pipeline::{EarlyEnd, Request, Safety};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Which API asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    OpenAi,
    Sdapi,
    Own,
}

/// How a file becomes a mask that is white where the picture is made anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum MaskKind {
    /// It is one.
    #[default]
    White,
    /// As in AUTOMATIC1111's web UI: one with transparent pixels is opaque where the picture is
    /// made anew, others are white there; or, inverted, where it stays.
    WebUi { is_inverted: bool },
    /// It is transparent there.
    Transparent,
}

/// What to draw.
#[derive(Default)]
pub(super) struct Order {
    pub request: Request,
    /// PNG files.
    pub initial: Option<Vec<u8>>,
    pub mask: Option<(Vec<u8>, MaskKind)>,
    /// The weights of the given LoRAs, where the request has its own.
    pub loras: Option<Vec<Named>>,
    /// What the request asked for and does not get.
    pub warnings: Vec<String>,
    /// The share of the memory for bodies that it holds.
    pub holds: Option<OwnedSemaphorePermit>,
}

/// A finished picture.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub png: Vec<u8>,
    pub request: Request,
    pub size: [u32; 2],
    pub safety: Safety,
    pub notices: Vec<String>,
    /// The text in its file.
    pub infotext: String,
}

/// How far a job is.
#[derive(Debug, Clone)]
pub(super) enum State {
    Queued,
    /// Steps done, of all of them.
    Running([usize; 2]),
    Done(Arc<Vec<Made>>),
    Failed(Fault),
}

impl State {
    pub(super) fn is_over(&self) -> bool {
        matches!(self, State::Done(_) | State::Failed(_))
    }
}

/// A picture that was asked for.
pub(super) struct Job {
    pub id: String,
    pub api: Api,
    pub warnings: Vec<String>,
    order: Mutex<Option<Order>>,
    cancelled: AtomicBool,
    early_end: Mutex<EarlyEnd>,
    state: watch::Sender<State>,
    started: Mutex<Option<Instant>>,
}

impl Job {
    pub(super) fn new(api: Api, mut order: Order) -> Job {
        // Keys of hash maps are random: nobody guesses another one's id.
        let id = [(); 2].map(|()| format!("{:016x}", RandomState::new().hash_one(0))).concat();
        let warnings = std::mem::take(&mut order.warnings);
        Job {
            id,
            api,
            warnings,
            order: Mutex::new(Some(order)),
            cancelled: AtomicBool::new(false),
            early_end: Mutex::default(),
            state: watch::Sender::new(State::Queued),
            started: Mutex::new(None),
        }
    }

    /// What to draw, which is given out once: its files are not kept longer than they are needed.
    pub(super) fn take_order(&self) -> Option<Order> {
        *self.started.lock().ok()? = Some(Instant::now());
        self.order.lock().ok()?.take()
    }

    /// Asks for its end; the worker sees it between two steps.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn early(&self) -> MutexGuard<'_, EarlyEnd> {
        self.early_end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for an end that keeps what there is. One of the whole request stays asked for.
    pub(super) fn end_early(&self, how: EarlyEnd) {
        let mut early = self.early();
        if *early != EarlyEnd::Request {
            *early = how;
        }
    }

    /// Which early end is asked for.
    pub(super) fn early_end(&self) -> EarlyEnd {
        *self.early()
    }

    /// The same for the run, which hears once of a batch.
    pub(super) fn take_early_end(&self) -> EarlyEnd {
        let mut early = self.early();
        let asked = *early;
        if asked == EarlyEnd::Batch {
            *early = EarlyEnd::No;
        }
        asked
    }

    /// Sets how far it is, unless it is over.
    pub(super) fn set(&self, state: State) {
        if state.is_over() {
            self.order.lock().ok().and_then(|mut order| order.take());
        }
        self.state.send_if_modified(|now| {
            let is_open = !now.is_over();
            if is_open {
                *now = state;
            }
            is_open
        });
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Waits until it is over.
    pub(super) async fn ended(&self) -> Result<Arc<Vec<Made>>, Fault> {
        let mut watch = self.watch();
        match watch.wait_for(State::is_over).await.map(|state| state.clone()) {
            Ok(State::Done(made)) => Ok(made),
            Ok(State::Failed(fault)) => Err(fault),
            _ => Err(Fault::ending()),
        }
    }

    /// Since when it is drawn.
    pub(super) fn running_for(&self) -> Option<Duration> {
        self.started.lock().ok()?.map(|start| start.elapsed())
    }
}
