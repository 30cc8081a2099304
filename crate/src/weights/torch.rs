//! The header of a torch file (`.ckpt`, `.pt`, `.bin`): a zip of a pickle and the storages that it
//! refers to. The pickle is read as data, see [`super::pickle`]; of its objects only the tensors
//! count, each a shape, strides and an offset in a storage.
//!
//! ```text
//! archive/data.pkl    {"state_dict": {"a.weight": _rebuild_tensor_v2(storage, offset, …), …}}
//! archive/data/0      the numbers of storage 0
//! ```
//!
//! Format: torch/serialization.py, torch/_utils.py.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::archive::{Header, TensorInfo};
use super::pickle::{self, Id, Object, Objects};
use super::safetensors::size_of;
use super::source::{Source, read_exact};
use super::zip::{self, Entry};
use crate::dtype::FileType;
use crate::error::{Result, bad_file};

/// The longest pickle that is read; that of v1.4 with its optimiser has 2 MB.
const PICKLE_BYTES_MAX: u64 = 16 << 20;
/// The longest name, and the longest of a dictionary in the dictionary.
const NAME_BYTES_MAX: usize = 256;
const PREFIX_BYTES_MAX: usize = 64;
/// Texts beside the tensors, such as configs: how many are kept, and how long they may be.
const TEXTS_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 1 << 16;
/// The most dimensions of a tensor.
const DIMS_MAX: usize = 8;

/// torch's storages and their elements. (Newer ones are named by type only.)
const STORAGES: [(&str, FileType); 9] = [
    ("torch.FloatStorage", FileType::F32),
    ("torch.HalfStorage", FileType::F16),
    ("torch.BFloat16Storage", FileType::BF16),
    ("torch.DoubleStorage", FileType::F64),
    ("torch.LongStorage", FileType::I64),
    ("torch.IntStorage", FileType::I32),
    ("torch.ShortStorage", FileType::I16),
    ("torch.ByteStorage", FileType::U8),
    ("torch.BoolStorage", FileType::Bool),
];

/// A tensor as the pickle describes it.
struct Pickled {
    file_type: FileType,
    storage: String,
    offset: u64,
    shape: Vec<u64>,
    stride: Vec<u64>,
}

/// Reads and checks the directory and the pickle of `path`.
pub(super) async fn read(source: &dyn Source, path: &str) -> Result<Header> {
    let entries = zip::entries(source, path).await?;
    let is_pickle = |entry: &&Entry| entry.name.ends_with("/data.pkl");
    let Some(pickle) = entries.iter().find(is_pickle) else {
        return Err(bad_file(path, "it is a zip file, but not one that torch has written"));
    };
    let root = pickle.name.trim_end_matches("data.pkl").to_owned();
    let by_name: HashMap<&str, &Entry> =
        entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
    check_byte_order(source, path, by_name.get(&*format!("{root}byteorder")).copied()).await?;
    if pickle.size > PICKLE_BYTES_MAX {
        return Err(bad_file(path, format!("its pickle has {} bytes", pickle.size)));
    }
    let range = pickle.range(source, path).await?;
    let objects = pickle::read(&read_exact(source, path, range).await?)
        .map_err(|reason| bad_file(path, format!("its pickle cannot be read: {reason}")))?;
    let found = tensors(&objects).map_err(|reason| bad_file(path, reason))?;

    let mut storages: HashMap<&str, Range<u64>> = HashMap::new();
    let mut header = Header { tensors: Vec::new(), metadata: texts(&objects) };
    let file: Arc<str> = path.into();
    for (name, tensor) in &found {
        let range = match storages.get(&*tensor.storage) {
            Some(range) => range.clone(),
            None => {
                let entry = by_name.get(&*format!("{root}data/{}", tensor.storage));
                let entry = entry.ok_or_else(|| {
                    bad_file(path, format!("the numbers of `{name}` are not in it"))
                })?;
                let range = entry.range(source, path).await?;
                storages.insert(&tensor.storage, range.clone());
                range
            }
        };
        let (range, shape) = place(tensor, range)
            .ok_or_else(|| bad_file(path, format!("`{name}` lies outside of its storage")))?;
        let (name, file_type, file) = (name.clone(), tensor.file_type, file.clone());
        header.tensors.push(TensorInfo { name, file_type, shape, file, range });
    }
    // Tensors may share numbers, but a file that is all sharing is made to fill memory.
    let bytes: u64 = header.tensors.iter().map(|t| t.range.end - t.range.start).sum();
    if bytes / 2 > source.size(path).await? {
        return Err(bad_file(path, format!("it claims {bytes} bytes of tensors")));
    }
    Ok(header)
}

/// Where a tensor's bytes lie, given those of its storage.
fn place(tensor: &Pickled, storage: Range<u64>) -> Option<(Range<u64>, Vec<usize>)> {
    let bytes = size_of(&tensor.shape, tensor.file_type)?;
    let start = tensor.file_type.bytes_of(tensor.offset)?.checked_add(storage.start)?;
    let end = start.checked_add(bytes).filter(|end| *end <= storage.end)?;
    let shape = tensor.shape.iter().map(|n| usize::try_from(*n).ok()).collect::<Option<_>>()?;
    Some((start..end, shape))
}

async fn check_byte_order(source: &dyn Source, path: &str, entry: Option<&Entry>) -> Result<()> {
    let Some(entry) = entry.filter(|entry| entry.size < 16) else { return Ok(()) };
    let range = entry.range(source, path).await?;
    let order = read_exact(source, path, range).await?;
    if order == b"little" {
        return Ok(());
    }
    Err(bad_file(path, "its numbers are big-endian: save it on a little-endian machine"))
}

/// The texts of the outer dictionary.
fn texts(objects: &Objects) -> BTreeMap<String, String> {
    let Object::Dict(root) = objects.root() else { return BTreeMap::new() };
    let text = |(key, value): &(Id, Id)| Some((objects.text(*key)?, objects.text(*value)?));
    root.iter()
        .filter_map(text)
        .filter(|(key, text)| key.len() <= NAME_BYTES_MAX && text.len() <= TEXT_BYTES_MAX)
        .take(TEXTS_MAX)
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .collect()
}

/// The tensors of a pickle, with their names.
fn tensors(objects: &Objects) -> Result<Vec<(String, Pickled)>, String> {
    let Object::Dict(root) = objects.root() else {
        return Err("its pickle is not a dictionary of tensors".into());
    };
    let state = root.iter().rev().find_map(|(key, value)| match objects.get(*value) {
        Object::Dict(dict) if objects.text(*key) == Some("state_dict") => Some(dict),
        _ => None,
    });
    let mut found = Found { objects, tensors: Vec::new(), names: HashSet::new() };
    let dict = state.unwrap_or(root);
    found.collect(dict, "")?;
    // One level down: `string_to_param` of a textual inversion.
    let mut visited = HashSet::new();
    for (key, value) in dict {
        if let (Some(key), Object::Dict(inner)) = (objects.text(*key), objects.get(*value))
            && key.len() <= PREFIX_BYTES_MAX
            && visited.insert(*value)
        {
            found.collect(inner, &format!("{key}."))?;
        }
    }
    Ok(found.tensors)
}

struct Found<'a> {
    objects: &'a Objects,
    tensors: Vec<(String, Pickled)>,
    names: HashSet<String>,
}

impl Found<'_> {
    /// The tensors of one dictionary.
    fn collect(&mut self, dict: &[(Id, Id)], prefix: &str) -> Result<(), String> {
        for (key, value) in dict {
            let Some(key) = self.objects.text(*key) else { continue };
            if key.len() > NAME_BYTES_MAX || !matches!(self.objects.get(*value), Object::Call(..)) {
                continue;
            }
            let name = format!("{prefix}{key}");
            if let Some(tensor) = tensor(self.objects, *value, &name)? {
                if !self.names.insert(name.clone()) {
                    return Err(format!("the name `{name}` appears twice"));
                }
                self.tensors.push((name, tensor));
            }
        }
        Ok(())
    }
}

/// The tensor that a call rebuilds; none when it is a call of something else.
fn tensor(objects: &Objects, call: Id, name: &str) -> Result<Option<Pickled>, String> {
    let mut call = call;
    // A parameter, or a tensor of a class of its own, is a call around that of the tensor.
    for _ in 0..3 {
        let Object::Call(function, arguments) = objects.get(call) else { return Ok(None) };
        let Object::Global(function) = objects.get(*function) else { return Ok(None) };
        let arguments = objects.members(*arguments).unwrap_or_default();
        match (function.as_str(), arguments) {
            ("torch._utils._rebuild_tensor_v2", [storage, offset, shape, stride, ..]) => {
                let parts = (*storage, *offset, *shape, *stride);
                return rebuilt(objects, parts, name).map(Some);
            }
            ("torch._utils._rebuild_parameter", [data, ..]) => call = *data,
            ("torch._tensor._rebuild_from_type_v2", [function, _, arguments, ..]) => {
                let plain = matches!(objects.get(*function),
                    Object::Global(name) if name == "torch._utils._rebuild_tensor_v2");
                let Some([storage, offset, shape, stride, ..]) = objects.members(*arguments) else {
                    return Ok(None);
                };
                let parts = (*storage, *offset, *shape, *stride);
                return if plain { rebuilt(objects, parts, name).map(Some) } else { Ok(None) };
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn rebuilt(
    objects: &Objects,
    (storage, offset, shape, stride): (Id, Id, Id, Id),
    name: &str,
) -> Result<Pickled, String> {
    let damaged = || format!("`{name}` is described in no known way");
    let sizes = |id: Id| -> Option<Vec<u64>> {
        let members = objects.members(id).filter(|members| members.len() <= DIMS_MAX)?;
        members.iter().map(|id| u64::try_from(objects.int(*id)?).ok()).collect()
    };
    let Object::Persistent(storage) = objects.get(storage) else { return Err(damaged()) };
    // ("storage", its class, its key, the device, its elements)
    let Some([_, class, key, ..]) = objects.members(*storage) else { return Err(damaged()) };
    let Object::Global(class) = objects.get(*class) else { return Err(damaged()) };
    let Some((_, file_type)) = STORAGES.iter().find(|(known, _)| known == class) else {
        return Err(format!("`{name}` is of {class}, which is not supported"));
    };
    let offset = objects.int(offset).and_then(|offset| u64::try_from(offset).ok());
    let (Some(key), Some(offset), Some(shape), Some(stride)) =
        (objects.text(*key), offset, sizes(shape), sizes(stride))
    else {
        return Err(damaged());
    };
    let tensor = Pickled { file_type: *file_type, storage: key.to_owned(), offset, shape, stride };
    if !tensor.is_contiguous() {
        return Err(format!(
            "`{name}` is stored in another order than that of its shape: call .contiguous() on \
             its tensors and save it again"
        ));
    }
    Ok(tensor)
}

impl Pickled {
    /// Whether its numbers lie row by row without gaps.
    fn is_contiguous(&self) -> bool {
        if self.shape.len() != self.stride.len() {
            return false;
        }
        if self.shape.contains(&0) {
            return true;
        }
        let mut expected = 1_u64;
        for (n, stride) in self.shape.iter().zip(&self.stride).rev() {
            if *n != 1 && *stride != expected {
                return false;
            }
            expected = expected.saturating_mul(*n);
        }
        true
    }
}
