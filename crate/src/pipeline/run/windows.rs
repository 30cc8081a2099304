//! A step in windows: the UNet sees pictures that are larger than those that it was trained on
//! through overlapping windows of that size, and where windows overlap its predictions are
//! averaged (MultiDiffusion, Bar-Tal et al. 2023; diffusers: `StableDiffusionPanoramaPipeline`).
//!
//! ```text
//! prediction = Σ over the windows that see a place / how many they are
//! ```
//!
//! Every sampler's step is a linear combination, so that averaged predictions give the same as
//! averaged steps. Where the windows do not come out even, the last one ends at the edge.

use crate::pipeline::engine::Engine;

/// How a large picture is cut; each pair is width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) struct Tiling {
    /// The whole, in latents.
    pub whole: [usize; 2],
    /// The size of a window, at most that of the whole, in pixels and in latents.
    pub window: [u32; 2],
    pub size: [usize; 2],
    /// The least overlap of neighbouring windows in latents, less than their sides.
    pub overlap: usize,
    /// The side of the VAE's tiles, in latents.
    pub tile: usize,
}

impl Tiling {
    /// That of a picture of this size, for a model of another; `None` where that is as large. All
    /// are in pixels, and multiples of the model's factor.
    pub(in crate::pipeline) fn new(
        size: [u32; 2],
        model: [u32; 2],
        overlap: u32,
        factor: u32,
    ) -> Option<Tiling> {
        let window = [0, 1].map(|side| size[side].min(model[side]));
        let [whole, cells] = [size, window].map(|pair| pair.map(|side| (side / factor) as usize));
        (window != size).then_some(Tiling {
            whole,
            window,
            size: cells,
            overlap: (overlap / factor) as usize,
            tile: (model[0].min(model[1]) / factor) as usize,
        })
    }

    /// The first row and column of each window, row by row.
    pub(in crate::pipeline) fn places(&self) -> Vec<[usize; 2]> {
        let [columns, rows] =
            [0, 1].map(|side| starts(self.whole[side], self.size[side], self.overlap));
        rows.iter().flat_map(|row| columns.iter().map(|column| [*row, *column])).collect()
    }
}

fn starts(whole: usize, window: usize, overlap: usize) -> Vec<usize> {
    let last = whole - window;
    if last == 0 {
        return vec![0];
    }
    let mut starts: Vec<usize> = (0..last).step_by(window - overlap).collect();
    starts.push(last);
    starts
}

/// The windows of a batch's latents, in arrays of an engine.
pub(in crate::pipeline) struct Windows<A> {
    pub places: Vec<[usize; 2]>,
    /// `[height, width]`
    pub size: [usize; 2],
    /// What a window's prediction counts at each place, and zeros, `[pictures, c, h, w]`.
    pub share: A,
    pub zeros: A,
}

impl<A> Windows<A> {
    /// Those of latents of this shape `[pictures, c, h, w]`.
    pub(in crate::pipeline) fn new<E: Engine<Array = A>>(
        engine: &E,
        shape: [usize; 4],
        tiling: &Tiling,
    ) -> Windows<A> {
        let [pictures, c, h, w] = shape;
        let places = tiling.places();
        let [width, height] = tiling.size;
        let mut counts = vec![0.0_f32; h * w];
        for [top, left] in &places {
            for row in *top..top + height {
                counts[row * w + left..][..width].iter_mut().for_each(|count| *count += 1.0);
            }
        }
        let shares: Vec<f32> = counts.into_iter().map(|count| 1.0 / count).collect();
        let share = engine.latents(&shares.repeat(pictures * c), shape);
        let zeros = engine.latents(&vec![0.0; pictures * c * h * w], shape);
        Windows { places, size: [height, width], share, zeros }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_whole() {
        assert_eq!(starts(8, 8, 2), [0]);
        assert_eq!(starts(20, 8, 2), [0, 6, 12]);
        // diffusers' views leave out what is left over; here the last window ends at the edge.
        assert_eq!(starts(21, 8, 2), [0, 6, 12, 13]);
        assert_eq!(Tiling::new([512, 256], [512, 512], 64, 8), None);
        let tiling = Tiling::new([1024, 256], [512, 512], 64, 8).unwrap();
        assert_eq!((tiling.window, tiling.size, tiling.tile), ([512, 256], [64, 32], 64));
        assert_eq!(tiling.places(), [[0, 0], [0, 56], [0, 64]]);
    }
}
