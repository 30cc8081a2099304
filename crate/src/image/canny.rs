//! Canny's edge detector, equal to OpenCV's `cv2.Canny(image, low, high)` pixel for pixel: what
//! ControlNets of edges were trained on.
//!
//! ```text
//! dx, dy   3×3 Sobel, borders repeated; of several channels the one with the largest |dx| + |dy|
//! thin     |dx| + |dy| > low, and a maximum along the gradient, of four directions
//! edges    thin pixels above high, and all thin pixels that touch one, directly or by others
//! ```
//!
//! Source: OpenCV, `modules/imgproc/src/canny.cpp`, with its aperture of 3 and its L1 norm; J.
//! Canny, "A computational approach to edge detection" (1986).

/// tan 22.5° in fixed point of 15 bits, as in OpenCV.
const TAN_22: i32 = 13573;

/// The gradient at every pixel.
struct Gradients {
    width: usize,
    height: usize,
    dx: Vec<i32>,
    dy: Vec<i32>,
}

/// The edges of a picture of bytes `[height, width, channels]`: 255 on an edge, 0 elsewhere,
/// `[height, width]`. Gradients above `high` begin edges, those above `low` go on.
///
/// # Panics
/// When the bytes are not of that shape.
pub fn canny(pixels: &[u8], [width, height]: [usize; 2], thresholds: [i32; 2]) -> Vec<u8> {
    if width * height == 0 {
        return Vec::new();
    }
    let [a, b] = thresholds;
    let (low, high) = (a.min(b), a.max(b));
    let channels = pixels.len() / (width * height);
    assert_eq!(pixels.len(), channels * width * height, "bytes of {width}×{height} pixels");
    let gradients = Gradients::of(pixels, [width, height], channels);
    let thin: Vec<bool> = (0..width * height).map(|place| gradients.is_thin(place, low)).collect();
    let mut edges = vec![0; width * height];
    let mut open = Vec::new();
    for place in 0..width * height {
        if thin[place] && gradients.norm(place) > high && edges[place] == 0 {
            edges[place] = 255;
            open.push(place);
        }
        while let Some(place) = open.pop() {
            let (x, y) = (place % width, place / width);
            for y in y.saturating_sub(1)..(y + 2).min(height) {
                for x in x.saturating_sub(1)..(x + 2).min(width) {
                    let place = y * width + x;
                    if thin[place] && edges[place] == 0 {
                        edges[place] = 255;
                        open.push(place);
                    }
                }
            }
        }
    }
    edges
}

impl Gradients {
    fn of(pixels: &[u8], [width, height]: [usize; 2], channels: usize) -> Gradients {
        let (mut dx, mut dy) = (Vec::new(), Vec::new());
        for y in 0..height {
            let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)];
            for x in 0..width {
                let columns = [x.saturating_sub(1), x, (x + 1).min(width - 1)];
                let of_channel = |channel: usize| {
                    let at = |row: usize, column: usize| {
                        i32::from(
                            pixels[(rows[row] * width + columns[column]) * channels + channel],
                        )
                    };
                    let across = |row| at(row, 2) - at(row, 0);
                    let down = |column| at(2, column) - at(0, column);
                    [across(0) + 2 * across(1) + across(2), down(0) + 2 * down(1) + down(2)]
                };
                let mut largest = of_channel(0);
                for channel in 1..channels {
                    let other = of_channel(channel);
                    if l1(other) > l1(largest) {
                        largest = other;
                    }
                }
                dx.push(largest[0]);
                dy.push(largest[1]);
            }
        }
        Gradients { width, height, dx, dy }
    }

    fn norm(&self, place: usize) -> i32 {
        l1([self.dx[place], self.dy[place]])
    }

    /// The norm so many columns and rows away; 0 outside of the picture.
    fn norm_beside(&self, place: usize, [right, down]: [i32; 2]) -> i32 {
        let x = (place % self.width) as i32 + right;
        let y = (place / self.width) as i32 + down;
        let inside = (0..self.width as i32).contains(&x) && (0..self.height as i32).contains(&y);
        if inside { self.norm(y as usize * self.width + x as usize) } else { 0 }
    }

    /// Whether the norm is above `low` and a maximum along the gradient.
    fn is_thin(&self, place: usize, low: i32) -> bool {
        let norm = self.norm(place);
        if norm <= low {
            return false;
        }
        let (dx, dy) = (self.dx[place], self.dy[place]);
        let (x, y) = (dx.abs(), dy.abs() << 15);
        let flat = x * TAN_22;
        // tan 67.5° is tan 22.5° + 2.
        let steep = flat + (x << 16);
        let beside = |offset| self.norm_beside(place, offset);
        if y < flat {
            norm > beside([-1, 0]) && norm >= beside([1, 0])
        } else if y > steep {
            norm > beside([0, -1]) && norm >= beside([0, 1])
        } else {
            let side = if (dx ^ dy) < 0 { -1 } else { 1 };
            norm > beside([-side, -1]) && norm > beside([side, 1])
        }
    }
}

fn l1([dx, dy]: [i32; 2]) -> i32 {
    dx.abs() + dy.abs()
}
