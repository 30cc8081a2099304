//! A start picture and a mask of it, for models that make no picture without them.

use crate::image::Rgba;
use crate::pipeline::checkpoint::Purpose;

/// Pixels along each side; the run resizes them.
const SIDE: u32 = 64;

/// A picture of smooth colours and a mask of its right half, as far as a model needs them.
#[derive(Default)]
pub(super) struct StartPictures {
    pub initial: Option<Rgba>,
    pub mask: Option<Rgba>,
}

impl StartPictures {
    /// Those that a model of this purpose needs.
    pub(super) fn of(purpose: Purpose) -> StartPictures {
        let picture = |pixel: fn(u32, u32) -> [u8; 4]| {
            let pixels = (0..SIDE * SIDE).flat_map(|i| pixel(i % SIDE, i / SIDE)).collect();
            Rgba::new(SIDE, SIDE, pixels)
        };
        let colours = |x, y| [4 * x as u8, 4 * y as u8, (2 * x + 2 * y) as u8, u8::MAX];
        let half = |x, _| if x < SIDE / 2 { [0, 0, 0, u8::MAX] } else { [u8::MAX; 4] };
        StartPictures {
            initial: (purpose != Purpose::Generate).then(|| picture(colours)),
            mask: (purpose == Purpose::Inpaint).then(|| picture(half)),
        }
    }
}
