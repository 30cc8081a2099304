//! A feature map in bands of rows, each of which is a tensor, for memory that is too small for the
//! whole. A feature map may also be the upsampled version of one that is stored in bands; it is
//! computed strip by strip and never stored.
//!
//! A *strip* is a band with two more rows above and two below, because two 3×3 convolutions read so
//! far. In the result these rows are dropped: the zero padding at a strip's ends makes them
//! invalid, unless the end is the border of the feature map.

use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::nn::{GroupNorm, Upsample};
use crate::ops::{GroupStats, Rows, rows_grain};
use crate::tensor::Tensor;
use std::ops::Range;

/// How many rows two 3×3 convolutions read on either side.
const REACH: usize = 2;

/// How bands are computed: with at least `rows` rows each, and a wait after each.
pub(super) struct BandOptions<'a> {
    pub gpu: &'a Gpu,
    pub rows: usize,
    /// Called between submits; its error ends the work.
    pub between: &'a dyn Fn() -> Result<()>,
}

impl BandOptions<'_> {
    /// Waits for what was recorded.
    ///
    /// # Errors
    /// Those of the device, and that of [`BandOptions::between`].
    pub(super) async fn wait(&self) -> Result<()> {
        self.gpu.finish_in_parts(self.between).await
    }
}

/// A feature map `[1, h, w, c]` in bands of `step` rows; the last may have fewer.
pub(super) struct Bands {
    /// `None` for bands that are no longer needed.
    bands: Vec<Option<Tensor>>,
    step: usize,
    /// Height, width, channels.
    size: [usize; 3],
    precision: Precision,
}

/// Some rows of a feature map as a tensor, and the index of the first of them.
pub(super) struct Strip {
    pub x: Tensor,
    first: usize,
}

impl Strip {
    /// Converts rows of the feature map to rows of the strip.
    fn local(&self, rows: &Range<usize>) -> Range<usize> {
        rows.start - self.first..rows.end - self.first
    }

    /// Adds `rows` of the feature map to the statistics; `x` `[1, rows, w, c]` has the height of
    /// the strip.
    pub(super) fn gather(&self, x: &Tensor, rows: &Range<usize>, stats: &GroupStats) {
        let [_, _, width, _] = x.shape().image();
        let local = self.local(rows);
        stats.gather(x, local.start * width..local.end * width);
    }
}

impl Bands {
    /// Without any band yet.
    fn empty(size: [usize; 3], precision: Precision, rows: usize) -> Bands {
        let [_, width, c] = size;
        let grain = rows_grain(width * c * precision.bytes());
        Bands { bands: Vec::new(), step: rows.next_multiple_of(grain.max(REACH)), size, precision }
    }

    /// Cuts a whole feature map `x` `[1, h, w, c]`.
    pub(super) fn cut(x: &Tensor, options: &BandOptions<'_>) -> Bands {
        let [_, height, width, c] = x.shape().image();
        let mut bands = Bands::empty([height, width, c], x.precision(), options.rows);
        for rows in bands.ranges() {
            bands.push(x, rows);
        }
        bands
    }

    /// Copies some rows of `x` as the next band.
    fn push(&mut self, x: &Tensor, rows: Range<usize>) {
        let [_, width, c] = self.size;
        let band = Tensor::unpooled(x.gpu(), [1, rows.len(), width, c], self.precision);
        band.gather_rows(&[(x, rows)]);
        self.bands.push(Some(band));
    }

    /// The rows of each band.
    fn ranges(&self) -> Vec<Range<usize>> {
        let [height, ..] = self.size;
        (0..height).step_by(self.step).map(|row| row..height.min(row + self.step)).collect()
    }

    /// Empty statistics for all bands.
    fn stats(&self, norm: &GroupNorm, gpu: &Gpu) -> GroupStats {
        let [_, width, _] = self.size;
        norm.stats(gpu, self.ranges().into_iter().map(|rows| rows.len() * width))
    }

    /// The whole feature map as one tensor, `[1, h, w, c]`.
    pub(super) fn join(self, gpu: &Gpu) -> Tensor {
        let [height, width, c] = self.size;
        let x = Tensor::empty(gpu, [1, height, width, c], self.precision);
        let bands = self.ranges().into_iter().zip(&self.bands);
        let parts: Vec<Rows<'_>> = bands.map(|(rows, b)| (present(b), 0..rows.len())).collect();
        x.gather_rows(&parts);
        x
    }

    /// A strip of at least `rows` rows (or all rows, if there are fewer), which contains
    /// `wanted..wanted + rows` as far as these exist. Its ends are rows that can be copied.
    fn strip(&self, wanted: usize, rows: usize, gpu: &Gpu) -> Strip {
        let [height, width, c] = self.size;
        let grain = rows_grain(width * c * self.precision.bytes());
        let wanted = wanted.min(height.saturating_sub(rows));
        let end = height.min((wanted + rows).next_multiple_of(grain));
        let first = wanted / grain * grain;
        let x = Tensor::empty(gpu, [1, end - first, width, c], self.precision);
        let bands = self.ranges().into_iter().zip(&self.bands);
        let within = bands.filter(|(rows, _)| rows.start < end && rows.end > first);
        let parts: Vec<Rows<'_>> = within
            .map(|(rows, band)| {
                let [from, to] = [rows.start.max(first), rows.end.min(end)];
                (present(band), from - rows.start..to - rows.start)
            })
            .collect();
        x.gather_rows(&parts);
        Strip { x, first }
    }

    /// Drops the bands that end at `row` or before it.
    fn forget_before(&mut self, row: usize) {
        for (rows, band) in self.ranges().into_iter().zip(&mut self.bands) {
            if rows.end <= row {
                *band = None;
            }
        }
    }
}

fn present(band: &Option<Tensor>) -> &Tensor {
    band.as_ref().expect("a band that is needed is there")
}

/// A feature map that is stored in bands; or the upsampled version of one, which is not stored.
pub(super) enum FeatureMap<'a> {
    Stored(Bands),
    Upsampled(Bands, &'a Upsample),
}

impl FeatureMap<'_> {
    fn source(&self) -> &Bands {
        let (FeatureMap::Stored(bands) | FeatureMap::Upsampled(bands, _)) = self;
        bands
    }

    /// Height and width.
    pub(super) fn sides(&self) -> [usize; 2] {
        let [height, width, _] = self.source().size;
        match self {
            FeatureMap::Stored(_) => [height, width],
            FeatureMap::Upsampled(..) => [2 * height, 2 * width],
        }
    }

    /// Empty bands of the same height and width, with `c` channels.
    fn like(&self, c: usize, options: &BandOptions<'_>) -> Bands {
        let [height, width] = self.sides();
        Bands::empty([height, width, c], self.source().precision, options.rows)
    }

    /// The rows of the stored bands, as `[first, count]`, that are needed for `step` rows from
    /// `row` on.
    fn reach(&self, row: usize, step: usize) -> [usize; 2] {
        let first = row.saturating_sub(REACH);
        match self {
            FeatureMap::Stored(_) => [first, step + 2 * REACH],
            // The upsampling's 3×3 convolution reads one more stored row on either side. `step`
            // is even, as [`Bands::empty`] rounds it.
            FeatureMap::Upsampled(..) => [(first / 2).saturating_sub(1), step / 2 + REACH + 2],
        }
    }

    fn strip(&self, row: usize, step: usize, gpu: &Gpu) -> Strip {
        let [first, rows] = self.reach(row, step);
        let strip = self.source().strip(first, rows, gpu);
        let FeatureMap::Upsampled(_, upsample) = self else { return strip };
        Strip { x: upsample.double(&strip.x), first: 2 * strip.first }
    }

    /// Drops the bands that strips from `row` on do not need.
    fn forget_before(&mut self, row: usize, step: usize) {
        let [first, rows] = self.reach(row, step);
        let (FeatureMap::Stored(bands) | FeatureMap::Upsampled(bands, _)) = self;
        bands.forget_before(first.min(bands.size[0].saturating_sub(rows)));
    }

    /// The statistics of the feature map for `norm`.
    ///
    /// # Errors
    /// Those of the device, and that of [`BandOptions::between`].
    pub(super) async fn stats(
        &self,
        norm: &GroupNorm,
        options: &BandOptions<'_>,
    ) -> Result<GroupStats> {
        if let FeatureMap::Stored(bands) = self {
            let stats = bands.stats(norm, options.gpu);
            for band in bands.bands.iter().flatten() {
                stats.gather(band, 0..band.shape().rows());
            }
            return Ok(stats);
        }
        self.stats_of(norm, options, |x| x.clone()).await
    }

    /// The statistics for `norm` of `make(self)`, computed strip by strip (`[1, rows, w, c]`, same
    /// shape) and not stored.
    ///
    /// # Errors
    /// Those of the device, and that of [`BandOptions::between`].
    pub(super) async fn stats_of(
        &self,
        norm: &GroupNorm,
        options: &BandOptions<'_>,
        make: impl Fn(&Tensor) -> Tensor,
    ) -> Result<GroupStats> {
        let bands = self.like(self.source().size[2], options);
        let stats = bands.stats(norm, options.gpu);
        for rows in bands.ranges() {
            let strip = self.strip(rows.start, bands.step, options.gpu);
            strip.gather(&make(&strip.x), &rows, &stats);
            drop(strip);
            options.wait().await?;
        }
        Ok(stats)
    }

    /// `make(self)` in bands, computed strip by strip: `[1, rows, w, c_in] → [1, rows, w, c]`. The
    /// bands of `self` are dropped as soon as they have been used.
    ///
    /// # Errors
    /// Those of the device, and that of [`BandOptions::between`].
    pub(super) async fn map(
        mut self,
        c: usize,
        options: &BandOptions<'_>,
        make: impl Fn(&Tensor) -> Tensor,
    ) -> Result<Bands> {
        let mut made = self.like(c, options);
        for rows in made.ranges() {
            let strip = self.strip(rows.start, made.step, options.gpu);
            let y = make(&strip.x);
            let local = strip.local(&rows);
            drop(strip);
            made.push(&y, local);
            drop(y);
            self.forget_before(rows.end, made.step);
            options.wait().await?;
        }
        Ok(made)
    }
}
