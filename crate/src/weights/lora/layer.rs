//! The change of one layer: its factors, its scale, and for DoRA the L2 norm of each row, or of
//! each input channel.

use super::adapter::Adapter;
use super::factors::{Factors, Matrix};
use super::names::{Factor, Role, TensorNames};
use crate::dtype::FileType;
use crate::error::{Result, bad_file};
use crate::weights::{Archive, MemorySource, Product};
use std::ops::Range;

/// The most elements of a matrix that is computed from factors: a convolution of v1.4 has a tenth
/// of it. A file that claims more is refused.
const ELEMENTS_MAX: usize = 1 << 27;

/// What is added to a layer's weight.
#[derive(Debug)]
pub(super) struct LayerDelta {
    factors: Factors,
    /// `alpha / rank`
    scale: f32,
    dora: Option<Dora>,
}

/// DoRA's magnitudes: the L2 norms that the rows of the changed weight get, or its input channels.
#[derive(Debug)]
struct Dora {
    norms: Vec<f32>,
    /// Whether they are of input channels. LyCORIS: `wd_on_output=False`.
    of_inputs: bool,
    /// What a LoRA weight other than 1 does. True: it interpolates between the original weight and
    /// the result, as in LyCORIS and ComfyUI. False: it scales the difference before the rows get
    /// their norm, as in PEFT.
    blends: bool,
}

impl LayerDelta {
    /// Reads a layer from a file and its archive; `adapter` is PEFT's config from the metadata.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for tensors that are missing or do not fit one another.
    pub(super) async fn read(
        (file, archive): (&MemorySource, &Archive),
        names: &TensorNames,
        adapter: Option<&Adapter>,
    ) -> Result<LayerDelta> {
        let reader = Reader { file, archive, names };
        let (factors, rank) = reader.factors().await?;
        if !factors.fit() {
            return Err(reader.fault("its factors do not fit one another"));
        }
        let scale = match rank {
            Some(rank) => reader.alpha(adapter).await?.map_or(1.0, |alpha| {
                let rank = rank as f32;
                alpha / if adapter.is_some_and(|one| one.use_rslora) { rank.sqrt() } else { rank }
            }),
            None => 1.0,
        };
        let dora = reader.dora(factors.shape()).await?;
        Ok(LayerDelta { factors, scale, dora })
    }

    /// Rows and columns of the weight that it changes.
    pub(super) fn shape(&self) -> [usize; 2] {
        self.factors.shape()
    }

    /// Whether it can be added to a convolution of `kernel` = ky·kx pixels, or with `kernel` = 1 to
    /// a linear layer.
    pub(super) fn fits_kernel(&self, kernel: usize) -> bool {
        let inputs = self.shape()[1] / kernel.max(1);
        if self.dora.as_ref().is_some_and(|dora| dora.of_inputs && dora.norms.len() != inputs) {
            return false;
        }
        match &self.factors {
            Factors::Kronecker(_, second) => second.columns.is_multiple_of(kernel.max(1)),
            _ => true,
        }
    }

    /// Whether it can be applied only to all rows at once.
    pub(super) fn needs_all_rows(&self) -> bool {
        self.dora.as_ref().is_some_and(|dora| dora.of_inputs)
    }

    /// The rank of the product that it adds, if that is all that it does.
    pub(super) fn product_rank(&self) -> Option<usize> {
        match &self.factors {
            Factors::Product { down, .. } if self.dora.is_none() => Some(down.rows),
            _ => None,
        }
    }

    /// That product, times `weight`.
    pub(super) fn product(&self, weight: f32) -> Option<Product> {
        let Factors::Product { up, down } = &self.factors else { return None };
        let scale = weight * self.scale;
        Some(Product {
            rank: down.rows,
            up: up.values.iter().map(|value| scale * value).collect(),
            down: down.values.clone(),
        })
    }

    /// Changes a range of rows of a weight: `W + weight · scale · factors`; DoRA then scales each
    /// row to its norm.
    pub(super) fn apply(&self, rows: Range<usize>, weight: f32, values: &mut [f32]) {
        let Some(Dora { norms, blends, of_inputs }) = &self.dora else {
            return self.factors.add_to(rows, weight * self.scale, values);
        };
        let before = blends.then(|| values.to_vec());
        let added = if *blends { self.scale } else { weight * self.scale };
        self.factors.add_to(rows.clone(), added, values);
        let columns = self.shape()[1];
        if *of_inputs {
            scale_inputs(values, columns, norms);
        } else {
            scale_rows(values, columns, &norms[rows]);
        }
        for (value, before) in values.iter_mut().zip(before.iter().flatten()) {
            *value = before + weight * (*value - before);
        }
    }
}

/// Gives each row its norm.
fn scale_rows(values: &mut [f32], columns: usize, norms: &[f32]) {
    for (row, wanted) in values.chunks_exact_mut(columns).zip(norms) {
        let factor = factor(*wanted, row.iter().map(|x| f64::from(*x).powi(2)).sum());
        row.iter_mut().for_each(|x| *x *= factor);
    }
}

/// Gives each input channel its norm, over all rows and the pixels of a convolution's kernel.
fn scale_inputs(values: &mut [f32], columns: usize, norms: &[f32]) {
    let kernel = columns / norms.len();
    let mut squares = vec![0.0; norms.len()];
    for row in values.chunks_exact(columns) {
        for (sum, pixels) in squares.iter_mut().zip(row.chunks_exact(kernel)) {
            *sum += pixels.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        }
    }
    let factors: Vec<f32> = norms.iter().zip(squares).map(|(n, s)| factor(*n, s)).collect();
    for row in values.chunks_exact_mut(columns) {
        for (pixels, factor) in row.chunks_exact_mut(kernel).zip(&factors) {
            pixels.iter_mut().for_each(|x| *x *= factor);
        }
    }
}

/// What scales numbers with this sum of squares to the wanted norm. Zeros stay zeros: they have no
/// direction to scale.
fn factor(wanted: f32, squares: f64) -> f32 {
    if squares > 0.0 { (f64::from(wanted) / squares.sqrt()) as f32 } else { 1.0 }
}

/// Reads the tensors of a layer.
struct Reader<'a> {
    file: &'a MemorySource,
    archive: &'a Archive,
    names: &'a TensorNames,
}

impl Reader<'_> {
    /// The factors and their rank; `None` for a whole difference.
    async fn factors(&self) -> Result<(Factors, Option<usize>)> {
        if self.has(Role::Hadamard(Factor::A1)) {
            return self.hadamard().await;
        }
        if self.has(Role::Kronecker(Factor::Whole1)) || self.has(Role::Kronecker(Factor::A1)) {
            return self.kronecker().await;
        }
        if let Some(whole) = self.matrix(Role::Diff).await? {
            return Ok((Factors::Whole(whole), None));
        }
        if !self.has(Role::Up) && !self.has(Role::Down) {
            return Err(self.fault("its kind is not known (GLoRA and OFT are not supported)"));
        }
        let (up, mut down) = (self.needed(Role::Up).await?, self.needed(Role::Down).await?);
        let rank = down.rows;
        if let Some(mid) = self.matrix(Role::Mid).await? {
            self.check_core(&mid, &down)?;
            down = Factors::with_core(&mid, &down);
        }
        Ok((Factors::Product { up, down }, Some(rank)))
    }

    async fn hadamard(&self) -> Result<(Factors, Option<usize>)> {
        let of = Role::Hadamard;
        let mut pairs = Vec::new();
        let mut rank = 0;
        for [a, b, core] in
            [[Factor::A1, Factor::B1, Factor::Core1], [Factor::A2, Factor::B2, Factor::Core2]]
        {
            let (a, b) = (self.needed(of(a)).await?, self.needed(of(b)).await?);
            rank = b.rows;
            pairs.push(self.with_core([a, b], of(core)).await?);
        }
        let pairs: [[Matrix; 2]; 2] = pairs.try_into().expect("two of them");
        Ok((Factors::Hadamard(pairs), Some(rank)))
    }

    async fn kronecker(&self) -> Result<(Factors, Option<usize>)> {
        let of = Role::Kronecker;
        let mut rank = None;
        let mut sides = Vec::new();
        for [whole, a, b, core] in [
            [Factor::Whole1, Factor::A1, Factor::B1, Factor::Core1],
            [Factor::Whole2, Factor::A2, Factor::B2, Factor::Core2],
        ] {
            if let Some(whole) = self.matrix(of(whole)).await? {
                sides.push(whole);
                continue;
            }
            let (a, b) = (self.needed(of(a)).await?, self.needed(of(b)).await?);
            rank = Some(b.rows);
            let pair = self.with_core([a, b], of(core)).await?;
            if pair[0].columns != pair[1].rows {
                return Err(self.fault("its factors do not fit one another"));
            }
            self.check_size([pair[0].rows, pair[1].columns, 1])?;
            sides.push(Factors::product(&pair));
        }
        let [first, second]: [Matrix; 2] = sides.try_into().expect("two of them");
        Ok((Factors::Kronecker(first, second), rank))
    }

    /// A pair `[n, r]`, `[r, c]`. With a core the file has them as `[r, n]` and `[r, c]`, and the
    /// core is multiplied into the second.
    async fn with_core(&self, [a, b]: [Matrix; 2], core: Role) -> Result<[Matrix; 2]> {
        let Some(core) = self.matrix(core).await? else { return Ok([a, b]) };
        self.check_core(&core, &b)?;
        Ok([a.transposed(), Factors::with_core(&core, &b)])
    }

    /// Checks that a core `[i, j·k]` fits a factor `[j, c]`, and that their product is not too
    /// large.
    fn check_core(&self, core: &Matrix, b: &Matrix) -> Result<()> {
        if b.rows == 0 || core.columns == 0 || !core.columns.is_multiple_of(b.rows) {
            return Err(self.fault("its factors do not fit one another"));
        }
        self.check_size([core.rows, b.columns, core.columns / b.rows])
    }

    fn check_size(&self, [rows, columns, kernel]: [usize; 3]) -> Result<()> {
        let elements = rows.checked_mul(columns).and_then(|n| n.checked_mul(kernel));
        match elements.is_some_and(|elements| elements <= ELEMENTS_MAX) {
            true => Ok(()),
            false => Err(self.fault("its factors are too large for any layer")),
        }
    }

    /// Alpha from its tensor, which some programs write as an integer, or else from the metadata.
    async fn alpha(&self, adapter: Option<&Adapter>) -> Result<Option<f32>> {
        let Some(name) = self.names.get(&Role::Alpha) else {
            return Ok(adapter.and_then(|adapter| adapter.alpha(self.names)));
        };
        let info = self.archive.get(name).expect("listed by the archive");
        if info.file_type.is_float() {
            let alpha = self.archive.load(self.file, name).await?;
            return Ok(alpha.first().copied());
        }
        let bytes = self.file.bytes();
        let bytes = bytes.get(info.range.start as usize..info.range.end as usize);
        let number = bytes.and_then(|bytes| match info.file_type {
            FileType::I64 | FileType::U64 => Some(i64::from_le_bytes(bytes.try_into().ok()?)),
            FileType::I32 | FileType::U32 => {
                Some(i64::from(i32::from_le_bytes(bytes.try_into().ok()?)))
            }
            _ => None,
        });
        number.map(|n| Some(n as f32)).ok_or_else(|| self.fault("its alpha is no number"))
    }

    /// DoRA's norms, if the layer of `n` rows has them: `[n, 1, …]` of the rows; any other first
    /// dimension is that of `[1, c, …]`, of the input channels. ComfyUI tells them apart by that.
    async fn dora(&self, [n, columns]: [usize; 2]) -> Result<Option<Dora>> {
        let (role, blends) = match self.has(Role::DoraScale) {
            true => (Role::DoraScale, true),
            false => (Role::Magnitude, false),
        };
        let Some(Matrix { rows, values, .. }) = self.matrix(role).await? else { return Ok(None) };
        let of_rows = values.len() == n && (rows == n || !blends);
        if !of_rows && (rows != 1 || !columns.is_multiple_of(values.len())) {
            return Err(self.fault("its magnitudes fit neither its rows nor its inputs"));
        }
        Ok(Some(Dora { norms: values, blends, of_inputs: !of_rows }))
    }

    fn has(&self, role: Role) -> bool {
        self.names.contains_key(&role)
    }

    async fn needed(&self, role: Role) -> Result<Matrix> {
        let found = self.matrix(role).await?;
        found.ok_or_else(|| self.fault(&format!("it has no {role:?} of this layer")))
    }

    /// The tensor as a matrix: the first dimension gives the rows, all others together the columns.
    async fn matrix(&self, role: Role) -> Result<Option<Matrix>> {
        let Some(name) = self.names.get(&role) else { return Ok(None) };
        let values = self.archive.load(self.file, name).await?;
        let shape = self.archive.get(name).map_or(&[][..], |info| &info.shape);
        if shape.contains(&0) {
            return Err(self.fault("a tensor of it is empty"));
        }
        Ok(Some(Matrix::new(shape.first().copied().unwrap_or(1), values)))
    }

    fn fault(&self, reason: &str) -> crate::Error {
        let name = self.names.values().min().map_or("", String::as_str);
        bad_file(self.archive.file(), format!("`{name}`: {reason}"))
    }
}
