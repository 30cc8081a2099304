//! A picture as the page paints it: eight bits each of red, green, blue and opacity.

/// An RGBA picture, row by row from the top left.
#[derive(Clone, PartialEq, Eq)]
pub struct Rgba {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Rgba {
    /// From its bytes, `[height, width, 4]`.
    ///
    /// # Panics
    /// When the bytes are not `width · height · 4`.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Self {
        let bytes = u64::from(width) * u64::from(height) * 4;
        assert_eq!(pixels.len() as u64, bytes, "a picture of {width}×{height} has {bytes} bytes");
        Rgba { width, height, pixels }
    }

    /// From values in 0…1, `[height, width, 3]`, opaque. Rounded as in diffusers: `round(255 · x)`,
    /// half to even; values outside are clamped, NaN becomes 0.
    ///
    /// # Panics
    /// When there are not `width · height · 3` numbers.
    pub fn from_rgb(width: u32, height: u32, rgb: &[f32]) -> Self {
        let byte = |x: f32| (x.clamp(0.0, 1.0) * 255.0).round_ties_even() as u8;
        let pixels = rgb.as_chunks().0.iter();
        let pixels = pixels.flat_map(|[r, g, b]| [byte(*r), byte(*g), byte(*b), 255]).collect();
        Rgba::new(width, height, pixels)
    }

    /// The luminance of each pixel; opacity is ignored. Pillow: `Image.convert("L")`.
    ///
    /// ```text
    /// (19595 · r + 38470 · g + 7471 · b + 2¹⁵) / 2¹⁶
    /// ```
    pub fn luminances(&self) -> impl Iterator<Item = u8> {
        self.pixels.as_chunks().0.iter().map(|[r, g, b, _]: &[u8; 4]| {
            let [r, g, b] = [r, g, b].map(|value| u32::from(*value));
            ((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16) as u8
        })
    }

    /// The picture with its last columns and rows mirrored, until both sides are multiples of
    /// `unit`. torch: `pad(mode="reflect")`.
    pub fn reflected_to(&self, unit: u32) -> Rgba {
        let [width, height] = [self.width, self.height].map(|side| side.next_multiple_of(unit));
        let place = |at: u32, side: u32| match at < side {
            true => at,
            false => (2 * (side - 1)).saturating_sub(at),
        };
        let row = |y: u32| {
            let first = place(y, self.height) * self.width;
            (0..width).map(move |x| (first + place(x, self.width)) as usize)
        };
        let pixels = self.pixels.as_chunks::<4>().0;
        let pixels = (0..height).flat_map(row).flat_map(|i| pixels[i]).collect();
        Rgba::new(width, height, pixels)
    }

    /// The picture turned upright, by its Exif orientation: 1 is no change, 2 to 4 are mirrored or
    /// turned by 180°, 5 to 8 have rows and columns exchanged. Other values are treated as 1.
    pub fn upright(self, orientation: u8) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let (right, bottom) = (width.saturating_sub(1), height.saturating_sub(1));
        // Where a pixel of the upright picture is in the stored one.
        let place = |x: usize, y: usize| match orientation {
            2 => (right - x, y),
            3 => (right - x, bottom - y),
            4 => (x, bottom - y),
            5 => (y, x),
            6 => (y, bottom - x),
            7 => (right - y, bottom - x),
            // 8. For 1 and for other values the picture is returned below, as it is.
            _ => (right - y, x),
        };
        let (columns, rows) = match orientation {
            2..=4 => (width, height),
            5..=8 => (height, width),
            _ => return self,
        };
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..rows {
            for x in 0..columns {
                let (x, y) = place(x, y);
                pixels.extend_from_slice(&self.pixels[4 * (y * width + x)..][..4]);
            }
        }
        Rgba::new(columns as u32, rows as u32, pixels)
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes, `[height, width, 4]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes, without a copy.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }
}

impl std::fmt::Debug for Rgba {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rgba {}×{}", self.width, self.height)
    }
}
