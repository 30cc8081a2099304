//! Sizes worth trying: the edges of tiles, and the very sizes of Stable Diffusion v1.4.

use super::random::Random;

/// A size around which kernels change their ways: one, just before, at, just after, past the next.
pub(crate) fn edges(tile: usize) -> Vec<usize> {
    sorted(vec![1, tile - 1, tile, tile + 1, 2 * tile + 3])
}

/// The same for channels, which come in fours.
pub(crate) fn edges_of_four(tile: usize) -> Vec<usize> {
    assert!(tile.is_multiple_of(4), "{tile} is not a multiple of four");
    sorted(vec![4, tile - 4, tile, tile + 4, 2 * tile + 12])
}

/// Every size of several lists once.
pub(crate) fn sorted(mut sizes: Vec<usize>) -> Vec<usize> {
    sizes.retain(|&n| n > 0);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The coordinates of the element at `place`, row-major.
pub(crate) fn coordinates(mut place: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for (i, &size) in at.iter_mut().zip(shape).rev() {
        *i = place % size;
        place /= size;
    }
    at
}

/// Places in a tensor: all corners, then `count` whose every coordinate is at the edge of a tile or
/// anywhere, one as likely as the other. Every place when there are no more than that.
pub(crate) fn sample(random: &Random, shape: &[usize], count: usize) -> Vec<usize> {
    let elements: usize = shape.iter().product();
    if elements <= count {
        return (0..elements).collect();
    }
    let place = |at: &[usize]| at.iter().zip(shape).fold(0, |place, (&i, &n)| place * n + i);
    let corners = (0..1usize << shape.len()).map(|bits| {
        let at: Vec<_> =
            shape.iter().enumerate().map(|(d, &n)| (bits >> d & 1) * (n - 1)).collect();
        place(&at)
    });
    let mut words = 0;
    let mut draw = |n: usize| {
        words += 1;
        random.below(words, n)
    };
    let mut coordinate = |n: usize| match draw(2) {
        0 => draw(n),
        _ => (draw(n.div_ceil(16) + 1) * 16 + draw(2)).saturating_sub(1).min(n - 1),
    };
    let mut places: Vec<usize> = corners.collect();
    for _ in 0..count {
        let at: Vec<_> = shape.iter().map(|&n| coordinate(n)).collect();
        places.push(place(&at));
    }
    places.sort_unstable();
    places.dedup();
    places
}

/// A convolution of Stable Diffusion v1.4: side and channels of its input, channels of its output,
/// stride, and the side that its input is resized to first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conv {
    pub side: usize,
    pub c: usize,
    pub n: usize,
    pub stride: usize,
    pub resize: Option<usize>,
}

const fn conv(side: usize, c: usize, n: usize) -> Conv {
    Conv { side, c, n, stride: 1, resize: None }
}

/// A convolution that halves the side.
const fn down(side: usize, c: usize) -> Conv {
    Conv { stride: 2, ..conv(side, c, c) }
}

/// A convolution that doubles the side.
const fn up(side: usize, c: usize) -> Conv {
    Conv { resize: Some(2 * side), ..conv(side, c, c) }
}

/// The 3×3 convolutions of the UNet for a 512×512 picture.
pub(crate) const UNET_CONVS: [Conv; 24] = [
    conv(64, 4, 320),
    conv(64, 320, 320),
    down(64, 320),
    conv(32, 320, 640),
    conv(32, 640, 640),
    down(32, 640),
    conv(16, 640, 1280),
    conv(16, 1280, 1280),
    down(16, 1280),
    conv(8, 1280, 1280),
    conv(8, 2560, 1280),
    up(8, 1280),
    conv(16, 2560, 1280),
    conv(16, 1920, 1280),
    up(16, 1280),
    conv(32, 1920, 640),
    conv(32, 1280, 640),
    conv(32, 960, 640),
    up(32, 640),
    conv(64, 960, 320),
    conv(64, 640, 320),
    conv(64, 320, 4),
    // a picture whose sides do not halve evenly
    Conv { resize: Some(13), ..conv(7, 1280, 1280) },
    Conv { stride: 2, ..conv(13, 640, 640) },
];

/// The 3×3 convolutions of the VAE for a 512×512 picture; three channels are stored as four.
/// Those of stride 2 pad after the last row and column only.
pub(crate) const VAE_CONVS: [Conv; 19] = [
    conv(512, 4, 128),
    conv(512, 128, 128),
    down(512, 128),
    conv(256, 128, 256),
    conv(256, 256, 256),
    down(256, 256),
    conv(128, 256, 512),
    conv(128, 512, 512),
    down(128, 512),
    conv(64, 512, 512),
    conv(64, 512, 8),
    conv(64, 4, 512),
    up(64, 512),
    up(128, 512),
    conv(256, 512, 256),
    up(256, 256),
    conv(512, 256, 128),
    conv(512, 128, 4),
    conv(64, 8, 8),
];

/// The matrices `(rows, k, n)` of the UNet for a 512×512 picture and its twin without the prompt:
/// rows are those of one picture.
pub(crate) const UNET_MATRICES: [(usize, usize, usize); 33] = [
    (1, 320, 1280), // the time embedding
    (1, 1280, 1280),
    (1, 1280, 320),
    (1, 1280, 640),
    (4096, 320, 320), // 64×64
    (4096, 320, 2560),
    (4096, 1280, 320),
    (77, 768, 320),
    (4096, 640, 320), // 1×1 shortcuts
    (4096, 960, 320),
    (1024, 640, 640), // 32×32
    (1024, 640, 5120),
    (1024, 2560, 640),
    (77, 768, 640),
    (1024, 320, 640),
    (1024, 960, 640),
    (1024, 1280, 640),
    (1024, 1920, 640),
    (256, 1280, 1280), // 16×16
    (256, 1280, 10240),
    (256, 5120, 1280),
    (77, 768, 1280),
    (256, 640, 1280),
    (256, 1920, 1280),
    (256, 2560, 1280),
    (64, 1280, 1280), // 8×8
    (64, 1280, 10240),
    (64, 5120, 1280),
    (64, 2560, 1280),
    (77, 768, 768), // CLIP
    (77, 768, 3072),
    (77, 3072, 768),
    (1, 768, 768),
];

/// The matrices of the VAE for a 512×512 picture.
pub(crate) const VAE_MATRICES: [(usize, usize, usize); 5] =
    [(4096, 4, 4), (4096, 8, 8), (4096, 512, 512), (65536, 512, 256), (262144, 256, 128)];

/// An attention: queries, keys, heads, channels of a head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    pub t: usize,
    pub s: usize,
    pub heads: usize,
    pub d: usize,
}

const fn heads(t: usize, s: usize, heads: usize, d: usize) -> Heads {
    Heads { t, s, heads, d }
}

/// The attentions of UNet, VAE and CLIP for a 512×512 picture.
pub(crate) const ATTENTIONS: [Heads; 10] = [
    heads(4096, 4096, 8, 40),
    heads(4096, 77, 8, 40),
    heads(1024, 1024, 8, 80),
    heads(1024, 77, 8, 80),
    heads(256, 256, 8, 160),
    heads(256, 77, 8, 160),
    heads(64, 64, 8, 160),
    heads(64, 77, 8, 160),
    heads(4096, 4096, 1, 512),
    heads(77, 77, 12, 64),
];

/// The group norms `(side, channels)`, always in 32 groups, of UNet and VAE.
pub(crate) const NORMS: [(usize, usize); 20] = [
    (64, 320),
    (32, 320),
    (32, 640),
    (16, 640),
    (16, 1280),
    (8, 1280),
    (8, 2560),
    (16, 2560),
    (16, 1920),
    (32, 1920),
    (32, 1280),
    (32, 960),
    (64, 960),
    (64, 640),
    (64, 512),
    (128, 512),
    (256, 512),
    (256, 256),
    (512, 256),
    (512, 128),
];
