//! An opened ControlNet or T2I-Adapter: its header. Its numbers are read when a run needs them, and
//! hashed then: the file is read once.

use super::names::{ControlKind, recognise};
use crate::error::{Error, Result, bad_file};
use crate::weights::single_file::identify::instead_of_sd_v1;
use crate::weights::source::hashed::Hashed;
use crate::weights::{Archive, MemorySource, Source, read_all};
use std::fmt;
use std::rc::Rc;

/// The longest config.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
const CONFIG: &str = "config.json";

/// An opened ControlNet or T2I-Adapter.
pub struct ControlFile {
    source: Hashed,
    name: String,
    kind: ControlKind,
    archive: Rc<Archive>,
    /// The path and the text of its config, where it has one.
    config: Option<(String, String)>,
    /// What its SHA-256 must begin with.
    wanted: Option<String>,
}

impl fmt::Debug for ControlFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlFile({}, {:?})", self.file(), self.kind)
    }
}

impl ControlFile {
    /// The names of the file in a folder of diffusers, in the order in which they are tried.
    pub const NAMES: [&str; 4] = [
        "diffusion_pytorch_model.safetensors",
        "diffusion_pytorch_model.fp16.safetensors",
        "diffusion_pytorch_model.bin",
        "diffusion_pytorch_model.fp16.bin",
    ];

    /// Reads the header of the file `path`. A `config.json` beside it counts if it is one of such a
    /// network.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a file that is damaged, and [`Error::OtherModel`] for one that is
    /// neither; those of the source.
    pub async fn open(source: Rc<dyn Source>, path: &str) -> Result<Rc<ControlFile>> {
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = file.rsplit_once('.').map_or(file, |(name, _)| name).to_owned();
        ControlFile::open_named(source, path, &name).await
    }

    /// As [`ControlFile::open`], under another name than the file's.
    ///
    /// # Errors
    /// Those of [`ControlFile::open`].
    pub async fn open_named(
        source: Rc<dyn Source>,
        path: &str,
        name: &str,
    ) -> Result<Rc<ControlFile>> {
        ControlFile::open_as(source, path, name.to_owned()).await.map(Rc::new)
    }

    /// Reads that in the root of `source`, a folder in the layout of diffusers; `name` is the
    /// folder's.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a folder without one; else as [`ControlFile::open`].
    pub async fn open_folder(source: Rc<dyn Source>, name: &str) -> Result<Rc<ControlFile>> {
        for path in ControlFile::NAMES {
            match ControlFile::open_as(source.clone(), path, name.to_owned()).await {
                Err(Error::NotFound { path: absent, .. }) if absent == path => {}
                other => return other.map(Rc::new),
            }
        }
        let reason = format!("there is no ControlNet in this folder, such as {}", Self::NAMES[0]);
        Err(Error::NotFound { path: name.to_owned(), reason })
    }

    /// One of which only the header is there, for dry runs; `None` for tensors of something else.
    pub fn without_numbers(header: &Archive) -> Option<Rc<ControlFile>> {
        let (kind, archive) = recognise(header)?;
        let name = header.file().to_owned();
        let source = Rc::new(MemorySource::new(&*name, Vec::new()));
        let source = Hashed::new(source, &name);
        let archive = Rc::new(archive);
        Some(Rc::new(ControlFile { source, name, kind, archive, config: None, wanted: None }))
    }

    async fn open_as(source: Rc<dyn Source>, path: &str, name: String) -> Result<ControlFile> {
        let source = Hashed::new(source, path);
        let whole = Archive::open(&source, path).await?;
        let Some((kind, archive)) = recognise(&whole) else {
            return Err(bad_file(path, instead(&whole)));
        };
        let config = config_beside(&source, path).await?;
        Ok(ControlFile { source, name, kind, archive: Rc::new(archive), config, wanted: None })
    }

    /// Refuses the file once it was read, unless its SHA-256 begins with these digits.
    pub fn expect_sha256(&mut self, digits: &str) {
        self.wanted = Some(digits.to_ascii_lowercase());
    }

    /// Where its numbers are read.
    pub fn source(&self) -> &dyn Source {
        &self.source
    }

    /// Reads what of the file its loader did not read, so that [`ControlFile::sha256`] is known.
    /// `check` is called before each read; its error ends it.
    ///
    /// # Errors
    /// Those of the source and of `check`; [`Error::BadFile`] for another file than is expected.
    #[cfg(feature = "engine")]
    pub(crate) async fn finish_hash(&self, check: &dyn Fn() -> Result<()>) -> Result<()> {
        self.source.finish(check).await?;
        let known = self.source.sha256();
        match &self.wanted {
            Some(wanted) if !known.starts_with(wanted) => {
                let reason = format!("its SHA-256 is {known}, and {wanted} is asked for");
                Err(bad_file(self.file(), reason))
            }
            _ => Ok(()),
        }
    }

    /// The path of the file.
    pub fn file(&self) -> &str {
        self.archive.file()
    }

    /// The name of its file without folders and extension, or that of its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    pub fn kind(&self) -> ControlKind {
        self.kind
    }

    /// Its tensors, under diffusers' names.
    pub fn archive(&self) -> &Rc<Archive> {
        &self.archive
    }

    /// The path and the text of its config, where it has one.
    pub fn config(&self) -> Option<(&str, &str)> {
        self.config.as_ref().map(|(path, json)| (path.as_str(), json.as_str()))
    }

    /// SHA-256 of the file; empty before a run has used it.
    pub fn sha256(&self) -> String {
        self.source.sha256()
    }

    /// The shape of a tensor, if there is one of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.archive.get(name).map(|info| &info.shape[..])
    }
}

/// What a file is that is neither.
fn instead(archive: &Archive) -> String {
    let is = |part: &str| archive.tensors().iter().any(|info| info.name.contains(part));
    if is("lora_controlnet") {
        return "it is a Control-LoRA, which is not supported: give the ControlNet itself".into();
    }
    match instead_of_sd_v1(archive) {
        Some(what) => format!("it is {what}, and neither a ControlNet nor a T2I-Adapter"),
        None => "it is a checkpoint, and neither a ControlNet nor a T2I-Adapter".into(),
    }
}

/// The path and the text of the config in the same folder, if it is one of such a network.
async fn config_beside(source: &dyn Source, path: &str) -> Result<Option<(String, String)>> {
    let config = match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{CONFIG}"),
        None => CONFIG.to_owned(),
    };
    let bytes = match read_all(source, &config, CONFIG_BYTES_MAX).await {
        // A server may have another file there, or none.
        Err(Error::NotFound { .. } | Error::BadFile { .. }) => return Ok(None),
        other => other?,
    };
    let json = String::from_utf8(bytes).ok().filter(|json| {
        let fields: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        let class = fields["_class_name"].as_str();
        class.is_some_and(|class| ["ControlNetModel", "T2IAdapter"].contains(&class))
    });
    Ok(json.map(|json| (config, json)))
}
