//! The ControlNets and T2I-Adapters that JavaScript passes beside a request.

use super::beside::{ControlOption, controls};
use super::open::{Opened, addon_source};
use crate::error::Result;
use crate::pipeline::PictureControl;
use crate::weights::ControlFile;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

impl Opened {
    /// Opens those of a request. Only these are kept open; after an error all are that were.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for values that do not fit; those of the source
    /// and of [`ControlFile::open`].
    pub(super) async fn choose_controls(&self, beside: &JsValue) -> Result<Vec<PictureControl>> {
        let (mut used, mut chosen) = (Vec::new(), Vec::new());
        for one in controls(beside)? {
            let ControlOption { address, picture, weight, start, end, guess, preprocess } = one;
            let known = self.controls.borrow().get(&address).cloned();
            let file = match known {
                Some(file) => file,
                None => self.open_control(&address).await?,
            };
            self.controls.borrow_mut().insert(address.clone(), file.clone());
            used.push(address);
            chosen.push(PictureControl { file, picture, weight, start, end, guess, preprocess });
        }
        self.controls.borrow_mut().retain(|address, _| used.contains(address));
        Ok(chosen)
    }

    async fn open_control(&self, address: &str) -> Result<Rc<ControlFile>> {
        let source = addon_source(address, &self.notices).await?;
        match source.checkpoint().map(str::to_owned) {
            Some(path) => {
                // In the layout of diffusers all files have one name.
                let is_any = ControlFile::NAMES.iter().any(|name| path.ends_with(name));
                match source.manifest().filter(|_| is_any) {
                    Some(manifest) => ControlFile::open_named(source, &path, &manifest.title).await,
                    None => ControlFile::open(source, &path).await,
                }
            }
            None => {
                let folder = address.trim_end_matches('/');
                let name = folder.rsplit('/').next().unwrap_or(folder);
                ControlFile::open_folder(source, name).await
            }
        }
    }
}
