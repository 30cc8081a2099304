//! The change of one layer: its factors, its scale, and for DoRA the length of each row.

use super::factors::{Factors, Matrix};
use super::names::{Factor, Role};
use crate::error::{Result, bad_file};
use crate::weights::{Archive, MemorySource};
use std::collections::HashMap;
use std::ops::Range;

/// Elements of a matrix that is made from others at the most: a convolution of v1.4 has a tenth of
/// it. A file that claims more is not read.
const ELEMENTS_MAX: usize = 1 << 27;

/// The tensors of a layer in the LoRA's file, by what they are.
pub(super) type Names = HashMap<Role, String>;

/// The change of a layer's weight.
#[derive(Debug)]
pub(super) struct Layer {
    factors: Factors,
    /// `alpha / rank`
    scale: f32,
    /// DoRA: the length of each row in the end.
    magnitude: Option<Vec<f32>>,
}

impl Layer {
    /// Reads a layer; `file` holds `archive`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for tensors that are missing or do not fit one another.
    pub(super) async fn read(
        file: &MemorySource,
        archive: &Archive,
        names: &Names,
    ) -> Result<Layer> {
        let reader = Reader { file, archive, names };
        let (factors, rank) = reader.factors().await?;
        if !factors.fit() {
            return Err(reader.fault("its factors do not fit one another"));
        }
        let alpha =
            reader.matrix(Role::Alpha).await?.and_then(|alpha| alpha.values.first().copied());
        let scale = match (alpha, rank) {
            (Some(alpha), Some(rank)) => alpha / rank as f32,
            _ => 1.0,
        };
        let magnitude = reader.matrix(Role::Magnitude).await?.map(|numbers| numbers.values);
        Ok(Layer { factors, scale, magnitude })
    }

    /// Rows and columns of the weight that it changes.
    pub(super) fn shape(&self) -> [usize; 2] {
        self.factors.shape()
    }

    /// Whether DoRA's lengths, if it has them, are those of rows.
    pub(super) fn is_by_rows(&self) -> bool {
        self.magnitude.as_ref().is_none_or(|lengths| lengths.len() == self.shape()[0])
    }

    /// Changes some rows of a weight: `W + weight · scale · factors`. DoRA then gives each row its
    /// length. `kernel` is ky·kx of a convolution, else 1.
    pub(super) fn apply(&self, rows: Range<usize>, kernel: usize, weight: f32, values: &mut [f32]) {
        self.factors.add_to(rows.clone(), kernel, weight * self.scale, values);
        let Some(magnitude) = &self.magnitude else { return };
        let columns = self.shape()[1];
        for (row, length) in values.chunks_exact_mut(columns).zip(&magnitude[rows]) {
            let norm = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            let factor = (f64::from(*length) / norm.max(f64::MIN_POSITIVE)) as f32;
            row.iter_mut().for_each(|x| *x *= factor);
        }
    }
}

/// Reads the tensors of a layer.
struct Reader<'a> {
    file: &'a MemorySource,
    archive: &'a Archive,
    names: &'a Names,
}

impl Reader<'_> {
    /// The factors and their rank; a difference has none.
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

    /// A pair `[n, r]`, `[r, c]`; where there is a core, they are `[r, n]` and `[r, c]`.
    async fn with_core(&self, [a, b]: [Matrix; 2], core: Role) -> Result<[Matrix; 2]> {
        let Some(core) = self.matrix(core).await? else { return Ok([a, b]) };
        self.check_core(&core, &b)?;
        Ok([a.transposed(), Factors::with_core(&core, &b)])
    }

    /// Whether a core `[i, j·k]` fits a factor `[j, c]`, and what they make together can be held.
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

    fn has(&self, role: Role) -> bool {
        self.names.contains_key(&role)
    }

    async fn needed(&self, role: Role) -> Result<Matrix> {
        let found = self.matrix(role).await?;
        found.ok_or_else(|| self.fault(&format!("it has no {role:?} of this layer")))
    }

    /// The tensor as rows: what follows its first dimension is a row.
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
