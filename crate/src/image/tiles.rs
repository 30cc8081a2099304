//! A picture cut into overlapping tiles of one size, for work that does not fit in memory whole.
//!
//! ```text
//! read   |------- tile -------|
//!                     |------- tile -------|        every tile is read whole,
//! keep   |--------------|---------------|…          and half of each overlap is kept of it
//! ```

use std::ops::Range;

/// A tile: what of a picture is read, and what of its result is kept, both in the picture's pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Columns and rows that are read.
    pub read: [Range<u32>; 2],
    /// Columns and rows that are kept, inside of those.
    pub keep: [Range<u32>; 2],
}

/// The tiles of a picture, row by row: of `side` pixels, or as wide or high as the picture where
/// that is less. Each overlaps the next one by at least 2 · `border`.
///
/// # Panics
/// When a tile is all border.
pub fn tiles(size: [u32; 2], side: u32, border: u32) -> Vec<Tile> {
    assert!(side > 2 * border, "a tile of {side} pixels has borders of {border}");
    let [columns, rows] = size.map(|length| cut(length, side, border));
    let tile = |(y, high): &(Range<u32>, Range<u32>)| {
        let row = columns.iter().map(|(x, wide)| Tile {
            read: [x.clone(), y.clone()],
            keep: [wide.clone(), high.clone()],
        });
        row.collect::<Vec<_>>()
    };
    rows.iter().flat_map(tile).collect()
}

/// What is read and kept along one side.
fn cut(length: u32, side: u32, border: u32) -> Vec<(Range<u32>, Range<u32>)> {
    let side = side.min(length);
    let (mut pieces, mut done) = (Vec::new(), 0);
    while done < length {
        let first = done.saturating_sub(border).min(length - side);
        let end = first + side;
        let kept = if end == length { length } else { end - border };
        pieces.push((first..end, done..kept));
        done = kept;
    }
    pieces
}
