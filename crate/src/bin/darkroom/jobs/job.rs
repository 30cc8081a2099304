//! One request of a list, and how it is read. A line of a list is a request as JSON, `{"prompt": "a
//! red cat", "seed": "7", "file": "cat.png"}`, with any of the fields of a request, `init` for the
//! PNG that it begins with, `mask` for the one that says which part of it is made anew, `loras` for
//! other weights of the given LoRAs, `controls` for ControlNets and T2I-Adapters with their
//! pictures, and `id` or `custom_id` for its name in the results; missing fields are as on the
//! command line. Files that a line names are beside the list. Other kinds of lists are in
//! [`lists`](crate::lists).

use crate::control_args::{self, ControlFiles, ControlSpec};
use crate::list_files::{ListFile, PictureFile};
use crate::lora_list::{self, Named, weighted};
use crate::start_args::StartPictures;
use crate::upscaler_args::NamedUpscaler;
use darkroom::Result;
use darkroom::pipeline::{Control, Extras, Picture, Pipeline, Request, Upscaler, Weighted};
use serde_json::{Map, Value};
use std::path::Path;
use std::rc::Rc;

/// What lines leave out: the request, and the files of a start picture and its mask.
pub(crate) type Defaults<'a> = (&'a Request, &'a [Option<PictureFile>; 2]);

/// The longest name of a file, on Linux, macOS and Windows.
const NAME_BYTES_MAX: usize = 255;

/// One line of the list.
pub(crate) struct Job {
    /// The picture's name.
    pub file: String,
    /// The start picture, and its mask.
    pub init: Option<PictureFile>,
    pub mask: Option<PictureFile>,
    /// The weights of the given LoRAs, where the line has its own.
    pub loras: Option<Vec<Named>>,
    /// The ControlNets and T2I-Adapters, where the line has its own; and the opened files of all
    /// lines.
    pub controls: Option<Vec<ControlSpec>>,
    pub control_files: Rc<ControlFiles>,
    /// What enlarges the first of two passes; and the one that the line names.
    pub upscaler: Option<Rc<Upscaler>>,
    pub named_upscaler: Option<NamedUpscaler>,
    pub request: Request,
}

impl Job {
    /// Makes its picture.
    ///
    /// # Errors
    /// As [`Pipeline::generate_with`]; a start picture that cannot be read.
    pub(crate) async fn draw(&self, pipeline: &Pipeline, control: &Control) -> Result<Picture> {
        let pictures = StartPictures::read(self.init.as_ref(), self.mask.as_ref())?;
        let specs = self.controls.as_deref().unwrap_or_default();
        let controls = &self.control_files.open(specs).await?;
        let upscaler = self.upscaler.as_deref();
        let extras = Extras { controls, upscaler, ..pictures.extras() };
        let given = self.choose_loras(pipeline)?;
        let drawn = pipeline.generate_with(&self.request, control, &extras).await;
        pipeline.set_loras(given);
        drawn
    }

    /// Takes what the command line gives to all lines.
    ///
    /// # Errors
    /// [`Error::Request`](darkroom::Error::Request) for another upscaler than the line names.
    pub(super) fn take(
        &mut self,
        controls: &[ControlSpec],
        upscaler: Option<&Rc<Upscaler>>,
    ) -> Result<()> {
        self.controls.get_or_insert_with(|| controls.to_vec());
        self.upscaler = upscaler.cloned();
        let Some(named) = &self.named_upscaler else { return Ok(()) };
        named.check(&self.request, upscaler.map(|one| one.record()).as_ref())
    }

    /// Gives the pipeline the line's own LoRAs, if it has any; returns those of before.
    ///
    /// # Errors
    /// [`Error::Request`] for one that is not given.
    pub(super) fn choose_loras(&self, pipeline: &Pipeline) -> Result<Vec<Weighted>> {
        let given = pipeline.chosen_loras();
        if let Some(named) = &self.loras {
            pipeline.set_loras(weighted(&given, named)?);
        }
        Ok(given)
    }
}

/// Reads the fields of a line; `place` is where the list is.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(
    mut own: Map<String, Value>,
    index: usize,
    (defaults, [init, mask]): Defaults<'_>,
    place: &ListFile,
) -> Result<Job, String> {
    let fault = |e: serde_json::Error| e.to_string();
    let file = match own.remove("file") {
        None => format!("{index:05}.png"),
        Some(Value::String(name)) => name,
        Some(_) => return Err("`file` must be a name".into()),
    };
    let mut picture = |name: &str, given: &Option<PictureFile>| match own.remove(name) {
        None => Ok(given.clone()),
        Some(Value::Null) => Ok(None),
        Some(Value::String(path)) => place.picture(&path).map(Some),
        Some(_) => Err(format!("`{name}` must be the name of a PNG file")),
    };
    let (init, mask) = (picture("init", init)?, picture("mask", mask)?);
    let loras = match own.remove("loras") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(lora_list::parse(&text)?),
        Some(_) => return Err("`loras` must be a text such as `style:0.8`".into()),
    };
    let controls = match own.remove("controls") {
        None => None,
        Some(Value::Null) => Some(Vec::new()),
        Some(list) => Some(control_args::from_json(&list, place)?),
    };
    let named_upscaler = match own.remove("upscaler") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(NamedUpscaler(name)),
        Some(_) => return Err("`upscaler` must be a text such as `NAME#HASH`".into()),
    };
    check_name(&file)?;
    let says_how = own.contains_key("hires_upscaler");
    let mut all = serde_json::to_value(defaults).map_err(fault)?;
    for (name, value) in own {
        all[name] = value;
    }
    let mut request = Request::from_json(&all.to_string()).map_err(|e| e.to_string())?;
    if let Some(named) = named_upscaler.as_ref().filter(|_| !says_how) {
        named.choose(&mut request);
    }
    if request.count != 1 {
        return Err(format!("`count` must be 1: a line is one picture, not {}", request.count));
    }
    let control_files = Rc::default();
    Ok(Job {
        file,
        init,
        mask,
        loras,
        controls,
        control_files,
        upscaler: None,
        named_upscaler,
        request,
    })
}

/// Refuses what is no name of a picture, or none that a disk takes.
fn check_name(file: &str) -> Result<(), String> {
    if !file.ends_with(".png") || Path::new(file).file_name() != Some(file.as_ref()) {
        return Err(format!("`file` must be a bare name ending in .png, not `{file}`"));
    }
    if file.len() > NAME_BYTES_MAX {
        return Err(format!("`file` has {} bytes, and may have {NAME_BYTES_MAX}", file.len()));
    }
    match file.chars().any(char::is_control) {
        true => Err(format!("`file` must have no control characters, not {file:?}")),
        false => Ok(()),
    }
}
