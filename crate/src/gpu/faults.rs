//! Errors that the device reports, kept until [`Faults::take`].
//!
//! Natively every error arrives at once through wgpu's handler of uncaptured errors. In a browser
//! it arrives later, so all work stands between error scopes, which are closed (and awaited) when a
//! run is finished: a picture is never shown from commands that were refused. The scopes are pushed
//! and popped through JavaScript, because wgpu 30's own conversion panics at a `GPUInternalError`.

use crate::error::Error;
use std::sync::{Arc, Mutex};

/// The first fault since the last [`Faults::take`].
#[derive(Clone, Default)]
pub(super) struct Faults(Arc<Mutex<Option<Error>>>);

impl Faults {
    /// Keeps `error` unless there is an earlier one: those that follow say less. But a buffer that
    /// there was no memory for is refused by every command, and a browser may report that first;
    /// and a lost device is the reason for all else.
    pub(super) fn put(&self, error: Error) {
        let weight = |error: &Error| match error {
            Error::DeviceLost { .. } => 2,
            Error::OutOfMemory { .. } => 1,
            _ => 0,
        };
        let mut kept = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if kept.as_ref().is_none_or(|kept| weight(kept) < weight(&error)) {
            *kept = Some(error);
        }
    }

    /// The fault, once; a lost device stays lost.
    pub(super) fn take(&self) -> Option<Error> {
        let mut first = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*first {
            Some(Error::DeviceLost { .. }) => first.clone(),
            _ => first.take(),
        }
    }

    /// Sets the device's callbacks for uncaptured errors and for its loss.
    pub(super) fn listen(&self, device: &wgpu::Device) {
        let lost = self.clone();
        device.set_device_lost_callback(move |reason, message| {
            lost.put(Error::DeviceLost { reason: format!("{reason:?}: {message}") });
        });
        #[cfg(not(target_arch = "wasm32"))]
        {
            let faults = self.clone();
            device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
                faults.put(match error {
                    wgpu::Error::OutOfMemory { source } => {
                        Error::OutOfMemory { reason: source.to_string() }
                    }
                    other => Error::Gpu { message: other.to_string() },
                });
            }));
        }
        #[cfg(target_arch = "wasm32")]
        web::push(device);
    }

    /// Whether `work`, which makes buffers and no commands, does not run out of memory.
    pub(super) async fn fits(&self, device: &wgpu::Device, work: impl FnOnce()) -> bool {
        #[cfg(not(target_arch = "wasm32"))]
        {
            let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
            work();
            scope.pop().await.is_none()
        }
        #[cfg(target_arch = "wasm32")]
        web::fits(device, work).await
    }

    /// Closes the browser's error scopes, waits for what they report of the commands so far, and
    /// opens new ones.
    #[cfg(target_arch = "wasm32")]
    pub(super) async fn collect(&self, device: &wgpu::Device) {
        for error in web::pop(device).await {
            self.put(error);
        }
        web::push(device);
    }
}

#[cfg(target_arch = "wasm32")]
mod web {
    use super::Error;
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        /// The part of GPUDevice that holds error scopes.
        type ScopedDevice;
        #[wasm_bindgen(method, js_name = pushErrorScope)]
        fn push_error_scope(this: &ScopedDevice, filter: &str);
        #[wasm_bindgen(method, js_name = popErrorScope)]
        fn pop_error_scope(this: &ScopedDevice) -> js_sys::Promise;
    }

    const OUT_OF_MEMORY: &str = "out-of-memory";
    const FILTERS: [&str; 3] = ["internal", OUT_OF_MEMORY, "validation"];

    fn scoped(device: &wgpu::Device) -> Option<&ScopedDevice> {
        device.as_webgpu().map(|d| d.unchecked_ref())
    }

    pub(super) fn push(device: &wgpu::Device) {
        if let Some(device) = scoped(device) {
            FILTERS.iter().for_each(|filter| device.push_error_scope(filter));
        }
    }

    pub(super) async fn pop(device: &wgpu::Device) -> Vec<Error> {
        let mut errors = Vec::new();
        let Some(device) = scoped(device) else { return errors };
        // All three are popped before the first is awaited: nothing is recorded in between.
        let scopes = FILTERS.map(|_| device.pop_error_scope());
        for (filter, scope) in FILTERS.iter().rev().zip(scopes) {
            match wasm_bindgen_futures::JsFuture::from(scope).await {
                Ok(error) if error.is_null() || error.is_undefined() => {}
                Ok(error) => errors.push(describe(filter, &error)),
                Err(error) => errors.push(Error::DeviceLost { reason: text(&error) }),
            }
        }
        errors
    }

    /// By a scope within those that are open.
    pub(super) async fn fits(device: &wgpu::Device, work: impl FnOnce()) -> bool {
        let Some(scoped) = scoped(device) else {
            work();
            return true;
        };
        scoped.push_error_scope(OUT_OF_MEMORY);
        work();
        let popped = scoped.pop_error_scope();
        let error = wasm_bindgen_futures::JsFuture::from(popped).await;
        // A promise that is rejected says that the device is lost, not that it is full.
        error.map_or(true, |error| error.is_null() || error.is_undefined())
    }

    fn describe(filter: &str, error: &JsValue) -> Error {
        match filter {
            OUT_OF_MEMORY => Error::OutOfMemory { reason: text(error) },
            _ => Error::Gpu { message: text(error) },
        }
    }

    fn text(error: &JsValue) -> String {
        js_sys::Reflect::get(error, &JsValue::from_str("message"))
            .ok()
            .and_then(|message| message.as_string())
            .unwrap_or_else(|| format!("{error:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a browser reports them: commands with a buffer that is none, then why it is none.
    #[test]
    fn short_memory_is_told_and_not_what_follows_from_it() {
        let command = || Error::Gpu { message: "an invalid buffer".into() };
        let memory = || Error::OutOfMemory { reason: "full".into() };
        let lost = || Error::DeviceLost { reason: "reset".into() };
        for (order, kept) in [
            ([command(), memory(), command()], memory()),
            ([memory(), command(), lost()], lost()),
            ([lost(), memory(), command()], lost()),
        ] {
            let faults = Faults::default();
            order.into_iter().for_each(|error| faults.put(error));
            assert_eq!(faults.take(), Some(kept));
        }
    }
}
