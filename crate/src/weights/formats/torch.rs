//! The header of a torch file (`.ckpt`, `.pt`, `.bin`): a zip of a pickle and the storages that it
//! refers to. (Before torch 1.6 it was no zip: [`super::legacy_torch`].) The pickle is read as
//! data, see [`super::pickle`]; of its objects only the tensors are used, each of which is a shape,
//! strides and an offset in a storage.
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

use super::header::{Header, TensorInfo};
use super::layout::{extent, is_contiguous};
use super::pickle::{self, Id, Object, Objects};
use super::safetensors::size_of;
use super::zip::{self, Entry};
use crate::dtype::FileType;
use crate::error::{Error, Result, bad_file};
use crate::weights::source::{Source, read_exact};

/// The longest pickle that is read; that of v1.4 with its optimiser has 2 MB.
pub(in crate::weights) const PICKLE_BYTES_MAX: u64 = 16 << 20;
/// The longest name of a tensor, and the longest key of a nested dictionary.
const NAME_BYTES_MAX: usize = 256;
const PREFIX_BYTES_MAX: usize = 64;
/// Texts beside the tensors, such as configs: the most that are kept, and the longest.
const TEXTS_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 1 << 16;
/// The most dimensions of a tensor.
const DIMS_MAX: usize = 8;

/// The key of the vectors of a textual inversion.
pub(in crate::weights) const INVERSION: &str = "string_to_param";
/// The most layers of a hypernetwork's list.
const LAYERS_MAX: usize = 16;
/// How deep the dictionary of the tensors may be nested.
const NESTED_MAX: usize = 4;
/// Keys under which programs keep the dictionary of a model's tensors.
const STATES: [&str; 5] = ["state_dict", "model", "module", "params_ema", "params"];

/// The element types of torch's storage classes; and for types that have no storage class, torch's
/// dtypes.
const STORAGES: [(&str, FileType); 13] = [
    ("torch.FloatStorage", FileType::F32),
    ("torch.HalfStorage", FileType::F16),
    ("torch.BFloat16Storage", FileType::BF16),
    ("torch.DoubleStorage", FileType::F64),
    ("torch.LongStorage", FileType::I64),
    ("torch.IntStorage", FileType::I32),
    ("torch.ShortStorage", FileType::I16),
    ("torch.CharStorage", FileType::I8),
    ("torch.ByteStorage", FileType::U8),
    ("torch.BoolStorage", FileType::Bool),
    ("torch.float8_e4m3fn", FileType::F8E4M3),
    ("torch.float8_e5m2", FileType::F8E5M2),
    ("torch.uint16", FileType::U16),
];

/// Bytes of an element, for further storage classes, which hold no weights.
const WIDTHS: [(&str, u64); 7] = [
    ("torch.ComplexFloatStorage", 8),
    ("torch.ComplexDoubleStorage", 16),
    ("torch.QInt8Storage", 1),
    ("torch.QUInt8Storage", 1),
    ("torch.QInt32Storage", 4),
    ("torch.UntypedStorage", 1),
    ("torch.storage.UntypedStorage", 1),
];

/// The functions that rebuild a tensor: v2 has the dtype from the storage's class, v3 has it as an
/// argument.
const PLAIN: &str = "torch._utils._rebuild_tensor_v2";
const TYPED: &str = "torch._utils._rebuild_tensor_v3";

/// A tensor as the pickle describes it.
pub(in crate::weights) struct Pickled {
    file_type: FileType,
    pub storage: String,
    offset: u64,
    shape: Vec<u64>,
    stride: Vec<u64>,
}

/// Reads and checks the directory and the pickle of `path`.
///
/// # Errors
/// Those of the source; [`Error::BadFile`] for a damaged header.
pub(in crate::weights) async fn read(source: &dyn Source, path: &str) -> Result<Header> {
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
    let (objects, _) = pickle::read(&read_exact(source, path, range).await?)
        .map_err(|reason| bad_file(path, format!("its pickle cannot be read: {reason}")))?;
    let found = tensors(&objects).map_err(|reason| bad_file(path, reason))?;

    let mut storages: HashMap<&str, Range<u64>> = HashMap::new();
    for (name, tensor) in &found {
        if storages.contains_key(&*tensor.storage) {
            continue;
        }
        let entry = by_name.get(&*format!("{root}data/{}", tensor.storage));
        let entry = entry.ok_or_else(|| absent(path, name))?;
        storages.insert(&tensor.storage, entry.range(source, path).await?);
    }
    header(path, source.size(path).await?, &objects, &found, &storages)
}

/// The header of a file whose storages lie at `storages`.
///
/// # Errors
/// [`Error::BadFile`] for tensors that do not lie in their storages.
pub(in crate::weights) fn header(
    path: &str,
    file_size: u64,
    objects: &Objects,
    found: &[(String, Pickled)],
    storages: &HashMap<&str, Range<u64>>,
) -> Result<Header> {
    let mut header = Header { tensors: Vec::new(), metadata: texts(objects) };
    let file: Arc<str> = path.into();
    let mut bytes = 0_u64;
    for (name, tensor) in found {
        let storage = storages.get(&*tensor.storage).ok_or_else(|| absent(path, name))?;
        let info = place(name, tensor, storage, &file)
            .ok_or_else(|| bad_file(path, format!("`{name}` lies outside of its storage")))?;
        bytes = bytes.saturating_add(info.bytes());
        header.tensors.push(info);
    }
    // Tensors may share a storage, but a file whose tensors are far larger than itself was made to
    // exhaust memory.
    if bytes / 2 > file_size {
        return Err(bad_file(path, format!("it claims {bytes} bytes of tensors")));
    }
    Ok(header)
}

fn absent(path: &str, name: &str) -> Error {
    bad_file(path, format!("the numbers of `{name}` are not in it"))
}

/// A tensor with its range in the file, given that of its storage.
fn place(
    name: &str,
    tensor: &Pickled,
    storage: &Range<u64>,
    file: &Arc<str>,
) -> Option<TensorInfo> {
    let Pickled { file_type, shape, stride, .. } = tensor;
    size_of(shape, *file_type)?;
    let bytes = file_type.bytes_of(extent(shape, stride)?)?;
    let start = file_type.bytes_of(tensor.offset)?.checked_add(storage.start)?;
    // An unknown type has no known size either.
    let end = match file_type {
        FileType::Other => storage.end.max(start),
        _ => start.checked_add(bytes).filter(|end| *end <= storage.end)?,
    };
    let sizes = |numbers: &[u64]| -> Option<Vec<usize>> {
        numbers.iter().map(|n| usize::try_from(*n).ok()).collect()
    };
    let strides = match is_contiguous(shape, stride) {
        true => None,
        false => Some(sizes(stride)?.into()),
    };
    let (name, file) = (name.to_owned(), file.clone());
    let (file_type, shape) = (*file_type, sizes(shape)?);
    Some(TensorInfo { name, file_type, shape, file, range: start..end, strides })
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

/// Bytes of an element, by storage key, for each storage of a known class that the pickle refers
/// to.
pub(in crate::weights) fn storage_widths(objects: &Objects) -> HashMap<&str, u64> {
    let width = |object: &Object| -> Option<(&str, u64)> {
        let Object::Persistent(storage) = object else { return None };
        let [_, class, key, ..] = objects.members(*storage)? else { return None };
        let Object::Global(class) = objects.get(*class) else { return None };
        let of_floats = || STORAGES.iter().find(|(known, _)| known == class);
        let of_others = || WIDTHS.iter().find(|(known, _)| known == class);
        let width = of_floats().map(|(_, file_type)| file_type.block().1 as u64);
        Some((objects.text(*key)?, width.or_else(|| Some(of_others()?.1))?))
    };
    objects.all().iter().filter_map(width).collect()
}

/// The texts in the dictionary of the tensors and in those around it.
fn texts(objects: &Objects) -> BTreeMap<String, String> {
    let Object::Dict(root) = objects.root() else { return BTreeMap::new() };
    let text = |(key, value): &(Id, Id)| Some((objects.text(*key)?, objects.text(*value)?));
    // Its tensors may be inside an object that is not read, but the key alone says what the file
    // is.
    let inversion = root.iter().any(|(key, _)| objects.text(*key) == Some(INVERSION));
    let inversion = inversion.then(|| (INVERSION.to_owned(), String::new()));
    // The last text of a key wins, and the text of an outer dictionary over that of an inner one.
    let all = nested(objects, root).into_iter().rev().flatten().filter_map(text);
    all.filter(|(key, text)| key.len() <= NAME_BYTES_MAX && text.len() <= TEXT_BYTES_MAX)
        .take(TEXTS_MAX)
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .chain(inversion)
        .collect()
}

/// `root` and the dictionaries nested in it, down to that of the tensors.
fn nested<'a>(objects: &'a Objects, root: &'a [(Id, Id)]) -> Vec<&'a [(Id, Id)]> {
    let mut dicts = vec![root];
    let mut dict = root;
    for _ in 0..NESTED_MAX {
        let inner = STATES.iter().find_map(|state| {
            let of_state = |(key, _): &&(Id, Id)| objects.text(*key) == Some(state);
            match dict.iter().rev().find(of_state).map(|(_, value)| objects.get(*value)) {
                Some(Object::Dict(inner)) => Some(inner),
                _ => None,
            }
        });
        let Some(inner) = inner else { break };
        dict = inner;
        dicts.push(dict);
    }
    dicts
}

/// The tensors of a pickle, with their names.
///
/// # Errors
/// What is wrong with one of them, as the end of a sentence.
pub(in crate::weights) fn tensors(objects: &Objects) -> Result<Vec<(String, Pickled)>, String> {
    let Object::Dict(root) = objects.root() else {
        return Err("its pickle is not a dictionary of tensors".into());
    };
    let dict = nested(objects, root).pop().unwrap_or(root);
    let mut found = Found { objects, tensors: Vec::new(), names: HashSet::new() };
    found.collect(dict, "")?;
    // One level deeper: `string_to_param` of a textual inversion; in a hypernetwork the lists,
    // whose keys are the widths of layers.
    let mut visited = HashSet::new();
    for (key, value) in dict.iter().filter(|(_, value)| visited.insert(*value)) {
        match (objects.get(*key), objects.get(*value)) {
            (Object::Text(key), Object::Dict(inner)) if key.len() <= PREFIX_BYTES_MAX => {
                found.collect(inner, &format!("{key}."))?;
            }
            // torch's ParameterDict, which the first programs for textual inversions wrote.
            (Object::Text(key), Object::Call(..)) if key == INVERSION => {
                if let Some(Object::Dict(inner)) = objects.attribute(*value, "_parameters") {
                    found.collect(inner, &format!("{key}."))?;
                }
            }
            (Object::Int(width), Object::List(layers)) => {
                for (i, layer) in layers.iter().enumerate() {
                    if let Object::Dict(layer) = objects.get(*layer)
                        && i < LAYERS_MAX
                    {
                        found.collect(layer, &format!("{width}.{i}."))?;
                    }
                }
            }
            _ => {}
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

/// The tensor that a call rebuilds; `None` for a call of another function.
fn tensor(objects: &Objects, call: Id, name: &str) -> Result<Option<Pickled>, String> {
    let mut call = call;
    // For a parameter, or a tensor of a subclass, the call that rebuilds the tensor is an argument
    // of another call.
    for _ in 0..3 {
        let Object::Call(function, arguments) = objects.get(call) else { return Ok(None) };
        let Object::Global(function) = objects.get(*function) else { return Ok(None) };
        let arguments = objects.members(*arguments).unwrap_or_default();
        match (function.as_str(), arguments) {
            (PLAIN, [storage, offset, shape, stride, ..]) => {
                return rebuilt(objects, [*storage, *offset, *shape, *stride], None, name)
                    .map(Some);
            }
            // A type that has no storage class, such as the 8-bit floats.
            (TYPED, [storage, offset, shape, stride, _, _, file_type, ..]) => {
                let parts = [*storage, *offset, *shape, *stride];
                return rebuilt(objects, parts, Some(*file_type), name).map(Some);
            }
            ("torch._utils._rebuild_parameter", [data, ..]) => call = *data,
            ("torch._tensor._rebuild_from_type_v2", [function, _, arguments, ..]) => {
                let plain = matches!(objects.get(*function), Object::Global(name) if name == PLAIN);
                let Some([storage, offset, shape, stride, ..]) = objects.members(*arguments) else {
                    return Ok(None);
                };
                let parts = [*storage, *offset, *shape, *stride];
                return match plain {
                    true => rebuilt(objects, parts, None, name).map(Some),
                    false => Ok(None),
                };
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// The tensor from its arguments; `file_type` is the dtype, where the call has it (v3).
fn rebuilt(
    objects: &Objects,
    [storage, offset, shape, stride]: [Id; 4],
    file_type: Option<Id>,
    name: &str,
) -> Result<Pickled, String> {
    let damaged = || format!("`{name}` is described in no known way");
    let number = |id: Id| u64::try_from(objects.int(id)?).ok();
    let sizes = |id: Id| -> Option<Vec<u64>> {
        let members = objects.members(id).filter(|members| members.len() <= DIMS_MAX)?;
        members.iter().map(|id| number(*id)).collect()
    };
    let Object::Persistent(storage) = objects.get(storage) else { return Err(damaged()) };
    // ("storage", its class, its key, the device, its elements, a view of it)
    let members = objects.members(*storage).ok_or_else(damaged)?;
    let [_, class, key, ..] = members else { return Err(damaged()) };
    let Object::Global(class) = objects.get(file_type.unwrap_or(*class)) else {
        return Err(damaged());
    };
    let known = STORAGES.iter().find(|(known, _)| known == class);
    let file_type = known.map_or(FileType::Other, |(_, file_type)| *file_type);
    let (Some(key), Some(offset), Some(shape), Some(stride)) =
        (objects.text(*key), number(offset), sizes(shape), sizes(stride))
    else {
        return Err(damaged());
    };
    if shape.len() != stride.len() {
        return Err(damaged());
    }
    // Files from before torch 1.6 may have a view of the storage here: (key, offset, elements).
    let view = members.get(5).and_then(|view| objects.members(*view));
    let begin = match view {
        Some([_, begin, _]) => number(*begin).ok_or_else(damaged)?,
        _ => 0,
    };
    let offset = offset.checked_add(begin).ok_or_else(damaged)?;
    Ok(Pickled { file_type, storage: key.to_owned(), offset, shape, stride })
}
