//! LoRAs added on the adapter: where all that changes a matrix is a product `up · down`, the loader
//! writes the file's numbers, and a kernel adds the product. It is a hundred billion operations for
//! a LoRA of rank 64 over all layers of v1.4, too many for a browser's one thread.
//!
//! Of a model that is quantised, and of weights that are rounded from numbers of more bits than
//! f16, changes are added before the rounding, on the CPU ([`Archive::decode_rows`]): the weights
//! are then bit for bit those of a file that holds the changed model.

use super::rows::{Scratch, lay_out};
use super::scope::{Request, Shared, Target};
use crate::dtype::{FileType, WeightType};
use crate::error::Result;
use crate::weight::Weight;
use crate::weights::{Archive, Product};

/// The rank of the product that is added to a request's matrix on the adapter; `None` where its
/// changes are added on the CPU, or there are none.
pub(super) fn rank(shared: &Shared, archive: &Archive, request: &Request) -> Option<usize> {
    if shared.weight_type.is_some_and(WeightType::is_quantised) {
        return None;
    }
    let Target::Weight { weight, .. } = &request.target else { return None };
    let info = archive.get(&request.name)?;
    let is_whole = weight.weight_type() == WeightType::F32 || info.file_type == FileType::F16;
    let takes = Weight::takes_products(weight.weight_type()) && is_whole;
    let rank = takes.then(|| archive.product_rank(info)).flatten()?;
    // Each of the two matrices is a binding.
    let widest = weight.k().max(weight.n().next_multiple_of(Weight::PANEL));
    let bytes = 4 * rank as u64 * widest as u64;
    (bytes <= weight.gpu().limits().binding).then_some(rank)
}

/// Adds that product, if there is one, to a matrix of which all rows were written. A dry device
/// counts it.
///
/// # Errors
/// Those of reading the changes.
pub(super) async fn add(shared: &Shared, archive: &Archive, request: &Request) -> Result<()> {
    let Some(rank) = rank(shared, archive, request) else { return Ok(()) };
    let gpu = &shared.gpu;
    let Target::Weight { weight, part, c_in, pixels } = &request.target else { return Ok(()) };
    let outputs = part.len().next_multiple_of(Weight::PANEL);
    let _products = gpu.stage((4 * rank * (outputs + weight.k())) as u64);
    let mut up = vec![0.0; rank * outputs];
    let mut down = Scratch::default();
    if gpu.is_dry() {
        down.values.resize(rank * weight.k(), 0.0);
        weight.add_product(part.clone(), [&up, &down.values]);
        gpu.submit();
        return Ok(());
    }
    let info = archive.get(&request.name).expect("checked when it was asked for");
    let product = archive.product(info).await?;
    let rows = product.up.chunks_exact(product.rank).skip(request.rows.start);
    for (output, row) in rows.take(request.rows.len()).enumerate() {
        row.iter().enumerate().for_each(|(j, value)| up[j * outputs + output] = *value);
    }
    let Product { down: values, .. } = product;
    down.values = values;
    weight.add_product(part.clone(), [&up, lay_out(&mut down, *c_in, *pixels)]);
    // The loader may write other rows of the matrix next.
    gpu.submit();
    Ok(())
}
