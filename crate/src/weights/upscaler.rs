//! The names of an upscaler's tensors. Two families are published, the first under two kinds of
//! names:
//!
//! ```text
//! conv_first.weight   body.N.rdbM.convK.weight           conv_body  conv_up1 …  conv_hr  conv_last
//! model.0.weight      model.1.sub.N.RDBM.convK.0.weight  model.1.sub.LAST  model.3 …
//! body.0.weight       body.1.weight                      the compact one: convolutions and slopes
//! ```
//!
//! The first is BasicSR's `RRDBNet`, as Real-ESRGAN has it; the second the same in ESRGAN's own
//! files, where layers are numbered with all that has no weights; the third BasicSR's
//! `SRVGGNetCompact`. The tensors may be under `params_ema` or `params`, and every name may begin
//! with `module.`.

use super::archive::Archive;
use super::formats::header::TensorInfo;

/// The beginnings of names that training programs put before those of the network.
const BEFORE: [&str; 3] = ["params_ema.", "params.", "module."];
/// The last convolutions of ESRGAN's own files: the rest of `model.N`, in order.
const LAST: [&str; 2] = ["conv_hr", "conv_last"];

/// The tensors of an upscaler's file under BasicSR's names.
pub fn upscaler_names(archive: &Archive) -> Archive {
    let numbers = own_numbers(archive);
    archive.part(|info| {
        let name = without_prefixes(&info.name);
        let name = match name.strip_prefix("model.") {
            Some(rest) => own_name(rest, &numbers)?,
            None => name.to_owned(),
        };
        Some((name, info.shape.clone()))
    })
}

fn without_prefixes(name: &str) -> &str {
    BEFORE.iter().fold(name, |name, before| name.strip_prefix(before).unwrap_or(name))
}

/// The numbers of ESRGAN's own layers: those of the convolutions after the blocks, in order, and
/// that of the convolution which ends the blocks.
struct OwnNumbers {
    after: Vec<usize>,
    last_of_body: Option<usize>,
}

fn own_numbers(archive: &Archive) -> OwnNumbers {
    let names = archive.tensors().iter().filter_map(|info: &TensorInfo| {
        without_prefixes(&info.name).strip_prefix("model.")?.strip_suffix(".weight")
    });
    let (mut after, mut last_of_body) = (Vec::new(), None);
    for name in names {
        match name.strip_prefix("1.sub.") {
            Some(number) => last_of_body = last_of_body.max(number.parse().ok()),
            None => after.extend(name.parse::<usize>().ok().filter(|number| *number > 1)),
        }
    }
    after.sort_unstable();
    after.dedup();
    OwnNumbers { after, last_of_body }
}

/// BasicSR's name for one of ESRGAN's own, without its `model.`; `None` for others.
fn own_name(name: &str, numbers: &OwnNumbers) -> Option<String> {
    let (layer, kind) = name.rsplit_once('.')?;
    if layer == "0" {
        return Some(format!("conv_first.{kind}"));
    }
    if let Some(inner) = layer.strip_prefix("1.sub.") {
        if inner.parse().ok().is_some_and(|number: usize| Some(number) == numbers.last_of_body) {
            return Some(format!("conv_body.{kind}"));
        }
        let [block, dense, conv]: [&str; 3] =
            inner.strip_suffix(".0")?.split('.').collect::<Vec<_>>().try_into().ok()?;
        let dense = dense.strip_prefix("RDB")?;
        return Some(format!("body.{block}.rdb{dense}.{conv}.{kind}"));
    }
    let number: usize = layer.parse().ok()?;
    let place = numbers.after.iter().position(|other| *other == number)?;
    // The last two come after all that double the size.
    let ups = numbers.after.len().checked_sub(LAST.len())?;
    let conv = match place.checked_sub(ups) {
        Some(last) => LAST[last].to_owned(),
        None => format!("conv_up{}", place + 1),
    };
    Some(format!("{conv}.{kind}"))
}
