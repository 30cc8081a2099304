//! ControlNets and T2I-Adapters on the command line and in lists.

use crate::list_files::{ListFile, PictureFile};
use clap::Args;
use darkroom::image::Preprocess;
use darkroom::pipeline::PictureControl;
use darkroom::weights::{ControlFile, FileSource};
use darkroom::{Error, Result};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How many digits of a SHA-256 tell a file from others.
const HASH_DIGITS: RangeInclusive<usize> = 8..=64;

/// Networks that guide the picture by another one.
#[derive(Debug, Args)]
pub(crate) struct ControlArgs {
    /// A ControlNet or T2I-Adapter (a file, or a folder of diffusers), the PNG by which it guides,
    /// and on wish how: canny.safetensors:house.png:0.8:canny. The weight is 1 when left out;
    /// start=0.2 and end=0.9 are the part of the steps in which it takes part; guess is diffusers'
    /// guess mode; canny (edges), invert (dark lines on white) or none is made of the picture
    /// first. May be given several times.
    #[arg(long = "control", value_name = "FILE:PICTURE[:WEIGHT][:OPTION…]", value_parser = parse)]
    controls: Vec<ControlSpec>,
}

impl ControlArgs {
    /// What was given.
    pub(crate) fn specs(&self) -> &[ControlSpec] {
        &self.controls
    }
}

/// A control as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ControlSpec {
    file: PathBuf,
    /// What the SHA-256 of the file begins with.
    sha256: Option<String>,
    picture: PictureFile,
    weight: f32,
    start: f64,
    end: f64,
    guess: bool,
    preprocess: Preprocess,
}

impl ControlSpec {
    fn new(file: PathBuf, picture: PictureFile) -> ControlSpec {
        let weight = 1.0;
        let (start, end, guess, preprocess) = (0.0, 1.0, false, Preprocess::None);
        ControlSpec { file, sha256: None, picture, weight, start, end, guess, preprocess }
    }
}

/// A path, and what the file's SHA-256 begins with.
type FileKey = (PathBuf, Option<String>);

/// Opened files: each is read once.
#[derive(Default)]
pub(crate) struct ControlFiles(RefCell<HashMap<FileKey, Rc<ControlFile>>>);

impl ControlFiles {
    /// Reads the pictures, and those files that were not read yet.
    ///
    /// # Errors
    /// Files that are missing, damaged, or something else.
    pub(crate) async fn open(&self, specs: &[ControlSpec]) -> Result<Vec<PictureControl>> {
        let mut opened = Vec::new();
        for spec in specs {
            let key = (spec.file.clone(), spec.sha256.clone());
            let known = self.0.borrow().get(&key).cloned();
            let file = match known {
                Some(file) => file,
                None => open(&spec.file, spec.sha256.as_deref()).await?,
            };
            self.0.borrow_mut().insert(key, file.clone());
            let plain = PictureControl::new(file, spec.picture.read()?);
            let ControlSpec { weight, start, end, guess, preprocess, .. } = *spec;
            opened.push(PictureControl { weight, start, end, guess, preprocess, ..plain });
        }
        Ok(opened)
    }
}

async fn open(path: &Path, sha256: Option<&str>) -> Result<Rc<ControlFile>> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::NotFound {
        path: path.display().to_string(),
        reason: "it names neither a file nor a folder".into(),
    })?;
    let mut file = if path.is_dir() {
        ControlFile::open_folder(Rc::new(FileSource::new(path)), name).await?
    } else {
        let folder = path.parent().unwrap_or(path);
        ControlFile::open(Rc::new(FileSource::new(folder)), name).await?
    };
    if let Some(digits) = sha256 {
        Rc::get_mut(&mut file).expect("nothing else has it yet").expect_sha256(digits);
    }
    Ok(file)
}

/// Parses `FILE:PICTURE` and what follows it.
fn parse(text: &str) -> Result<ControlSpec, String> {
    let mut words = joined(text);
    let mut options = Vec::new();
    while words.len() > 2 {
        options.extend(words.pop());
    }
    let [file, picture] = &words[..] else {
        return Err("a file and a picture are needed, as in net.safetensors:edges.png".into());
    };
    let mut spec = ControlSpec::new(file.into(), PictureFile::new(Path::new(picture)));
    for option in options.into_iter().rev() {
        set(&mut spec, &option)?;
    }
    Ok(spec)
}

/// The words between colons; the colon after the letter of a drive of Windows separates none.
fn joined(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(':') {
        let drive = words.last().is_some_and(|last| {
            last.len() == 1 && last.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
        match words.last_mut() {
            Some(last) if drive && word.starts_with(['\\', '/']) => {
                last.push(':');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

fn set(spec: &mut ControlSpec, option: &str) -> Result<(), String> {
    let number = |text: &str| {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| format!("`{text}` is not a number"))
    };
    match option.split_once('=') {
        Some(("start", text)) => spec.start = number(text)?,
        Some(("end", text)) => spec.end = number(text)?,
        Some(_) => return Err(format!("there is no option `{option}` of a control")),
        None if option == "guess" => spec.guess = true,
        None => match option.parse() {
            Ok(preprocess) => spec.preprocess = preprocess,
            Err(_) => {
                spec.weight = number(option).map_err(|_| {
                    format!("`{option}` is neither a weight nor an option of a control")
                })? as f32;
            }
        },
    }
    Ok(())
}

/// The controls of a line of a list at this place: `[{"file": …, "image": …, "weight": 0.8,
/// "start": 0, "end": 1, "guess": false, "preprocess": "canny"}]`. A `sha256`, or its first digits,
/// must be that of the file.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(crate) fn from_json(
    value: &Value,
    place: &ListFile,
) -> std::result::Result<Vec<ControlSpec>, String> {
    let wrong = || {
        "`controls` must be a list of objects with `file`, `image`, and on wish `sha256`, \
         `weight`, `start`, `end`, `guess` and `preprocess`"
            .to_owned()
    };
    let one = |value: &Value| {
        let fields = value.as_object().ok_or_else(wrong)?;
        let path = |name: &str| fields.get(name).and_then(Value::as_str).ok_or_else(wrong);
        let (file, image) = (place.beside(path("file")?)?, place.picture(path("image")?)?);
        let mut spec = ControlSpec::new(file, image);
        for (name, value) in fields {
            let number = || value.as_f64().ok_or_else(wrong);
            match name.as_str() {
                "file" | "image" => {}
                "sha256" => {
                    let digits = value.as_str().ok_or_else(wrong)?;
                    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                    if !is_hex || !HASH_DIGITS.contains(&digits.len()) {
                        return Err("`sha256` must be 8 to 64 hexadecimal digits".into());
                    }
                    spec.sha256 = Some(digits.to_owned());
                }
                "weight" => spec.weight = number()? as f32,
                "start" => spec.start = number()?,
                "end" => spec.end = number()?,
                "guess" => spec.guess = value.as_bool().ok_or_else(wrong)?,
                "preprocess" => {
                    let text = value.as_str().ok_or_else(wrong)?;
                    spec.preprocess = text.parse().map_err(|why| format!("`preprocess` {why}"))?;
                }
                _ => return Err(wrong()),
            }
        }
        Ok(spec)
    };
    value.as_array().ok_or_else(wrong)?.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(file: &str, picture: &str) -> ControlSpec {
        ControlSpec::new(file.into(), PictureFile::new(Path::new(picture)))
    }

    #[test]
    fn options_follow_the_picture() {
        let plain = spec("net.safetensors", "edges.png");
        assert_eq!(parse("net.safetensors:edges.png"), Ok(plain.clone()));
        let all = ControlSpec {
            weight: 0.8,
            start: 0.2,
            end: 0.9,
            guess: true,
            preprocess: Preprocess::Canny,
            ..plain.clone()
        };
        let text = "net.safetensors:edges.png:0.8:start=0.2:end=0.9:guess:canny";
        assert_eq!(parse(text), Ok(all.clone()));
        let json = serde_json::json!([{
            "file": "net.safetensors", "image": "edges.png", "weight": 0.8_f32, "start": 0.2,
            "end": 0.9, "guess": true, "preprocess": "canny",
        }]);
        let from_json = |json| from_json(&json, &ListFile::open(Path::new(file!())).unwrap());
        let folder = Path::new(file!()).parent().unwrap();
        let beside = |name: &str| folder.join(name);
        let picture = PictureFile::new(&beside("edges.png"));
        let all = ControlSpec { file: beside("net.safetensors"), picture, ..all };
        assert_eq!(from_json(json), Ok(vec![all]));
        let drives = spec(r"C:\nets\a.safetensors", "D:/b.png");
        let drives = ControlSpec { weight: -1.0, ..drives };
        assert_eq!(parse(r"C:\nets\a.safetensors:D:/b.png:-1"), Ok(drives));
        for wrong in ["a", "a:b:c", "a:b:start=x", "a:b:middle=1", "a:b:inf", ""] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        for wrong in [
            serde_json::json!({}),
            serde_json::json!(["a:b"]),
            serde_json::json!([{ "file": "a" }]),
            serde_json::json!([{ "file": "a", "image": "b", "strength": 1 }]),
            serde_json::json!([{ "file": "a", "image": "b", "preprocess": "depth" }]),
        ] {
            assert!(from_json(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
