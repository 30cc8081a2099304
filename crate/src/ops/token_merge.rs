//! Token merging: attention over fewer tokens, after similar ones are merged; see
//! `kernels/token_merge*.wgsl`. "Token Merging for Fast Stable Diffusion" (Bolya and Hoffman,
//! 2303.17604), where the first token of every 2 × 2 is a destination.
//!
//! ```text
//! match   x [b, t, c] → for each token its most similar destination and the similarity [b, t, 2]
//! rank    → places [b, t, 2]: each token's row, and the destination that it is merged into
//! group   → rows [b, t + 1]: the tokens in the order of their rows, see below
//! merge   x [b, t, c] → the means of the rows [b, t − merged, c]
//! undo    rows [b, t − merged, c] → tokens [b, t, c]: each token's residual plus its row
//! ```
//!
//! The list of group has first the tokens that keep a row of their own, then the merged ones,
//! ordered by destination; then where those of each destination begin, and where the last ones end.
//!
//! Which tokens are merged is decided on the GPU; the host only sets how many.

use crate::dtype::Precision;
use crate::gpu::kernel::Kernel;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

/// The most multiply-adds of one dispatch, as in attention.
const WORK_MAX: u64 = 25_000_000_000;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct MatchParams {
    width: u32,
    height: u32,
    c4: u32,
    first: u32,
}

/// Parameters of rank and group.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct ChoiceParams {
    width: u32,
    height: u32,
    merged: u32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct MergeParams {
    width: u32,
    height: u32,
    merged: u32,
    c4: u32,
    count: u32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct UndoParams {
    tokens: u32,
    rows: u32,
    c4: u32,
    count: u32,
}

/// Which tokens are merged, for each element of the batch.
pub struct TokenMerge {
    /// `[b, t, 2]` of u32: the token's row after merging, and the destination that it is merged
    /// into, if any.
    places: Tensor,
    /// `[b, t + 1]` of u32: the list that group makes; see `token_merge_group.wgsl`.
    rows: Tensor,
    batch: usize,
    size: [usize; 2],
    merged: usize,
}

impl TokenMerge {
    /// The most tokens of `[height, width]` that can be merged.
    pub fn most([height, width]: [usize; 2]) -> usize {
        let destinations = (height / 2) * (width / 2);
        if destinations == 0 { 0 } else { height * width - destinations }
    }

    /// Chooses `merged` of the tokens `x` `[b, t, c]`, where t = height · width of `size`.
    ///
    /// # Panics
    /// When t is another number, or `merged` is more than [`TokenMerge::most`].
    pub fn choose(x: &Tensor, size: [usize; 2], merged: usize) -> TokenMerge {
        let [batch, tokens, c] = x.shape().tokens();
        let [height, width] = size;
        assert_eq!(tokens, height * width, "tokens of {size:?}");
        assert!(merged <= TokenMerge::most(size), "{merged} of {tokens} tokens");
        let gpu = x.gpu();
        let grid = |tokens: usize| [tokens.div_ceil(LANES as usize) as u32, batch as u32, 1];
        let of_cells = |kernel: Kernel| Rc::new(kernel.uint("LANES", LANES).with(shared::CELLS));

        let matches = words(x, 2 * batch * tokens);
        let kernel = Kernel::new(wgsl!("token_merge_match"), 1);
        let kernel = of_cells(kernel.alias("Elem4", x.precision().vec4()));
        let of_token = (batch * (height / 2) * (width / 2) * c) as u64;
        let most = (WORK_MAX / of_token.max(1)).clamp(1, 1 << 24) as usize;
        let most = most.next_multiple_of(LANES as usize);
        for first in (0..tokens).step_by(most) {
            let count = most.min(tokens - first);
            let [width, height, c4, first] = [width, height, c / 4, first].map(|n| n as u32);
            let params = MatchParams { width, height, c4, first };
            let bindings = vec![x.whole(), matches.whole()];
            let flops = 2 * of_token * count as u64;
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid(count), flops);
        }

        let [width, height, m] = [width, height, merged].map(|n| n as u32);
        let params = ChoiceParams { width, height, merged: m };
        let params = bytemuck::bytes_of(&params);
        let places = words(x, 2 * batch * tokens);
        let kernel = of_cells(Kernel::new(wgsl!("token_merge_rank"), 1));
        gpu.dispatch(&kernel, params, vec![matches.whole(), places.whole()], grid(tokens), 0);
        let rows = words(x, batch * (tokens + 1));
        let kernel = of_cells(Kernel::new(wgsl!("token_merge_group"), 1));
        gpu.dispatch(&kernel, params, vec![places.whole(), rows.whole()], grid(tokens), 0);
        TokenMerge { places, rows, batch, size, merged }
    }

    fn tokens(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// `x` `[b, t, c]` → the rows after merging, `[b, t − merged, c]`.
    pub fn merge(&self, x: &Tensor) -> Tensor {
        let [batch, tokens, c] = x.shape().tokens();
        assert_eq!([batch, tokens], [self.batch, self.tokens()], "the tokens chosen from");
        let y = Tensor::empty(x.gpu(), [batch, tokens - self.merged, c], x.precision());
        let kernel = Kernel::new(wgsl!("token_merge"), 2)
            .alias("Elem4", x.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::CELLS)
            .with(shared::INDEX);
        let count = y.shape().elements() / 4;
        let [height, width] = self.size.map(|n| n as u32);
        let (merged, c4) = (self.merged as u32, c as u32 / 4);
        let params = MergeParams { width, height, merged, c4, count: count as u32 };
        let bindings = vec![x.whole(), self.rows.whole(), y.whole()];
        let (grid, flops) = (shared::linear_grid(x.gpu(), count), x.shape().elements() as u64);
        x.gpu().dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
        y
    }

    /// `residual` `[b, t, c]` plus, for each token, its row of `x` `[b, t − merged, c]`.
    pub fn undo(&self, x: &Tensor, residual: &Tensor) -> Tensor {
        let [batch, rows, c] = x.shape().tokens();
        let tokens = self.tokens();
        assert_eq!([batch, rows], [self.batch, tokens - self.merged], "the rows that were left");
        assert_eq!(residual.shape().tokens(), [batch, tokens, c], "residual");
        assert_eq!(residual.precision(), x.precision(), "residual's precision");
        let y = Tensor::empty(x.gpu(), residual.shape(), x.precision());
        let kernel = Kernel::new(wgsl!("token_merge_undo"), 3)
            .alias("Elem4", x.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::INDEX);
        let count = y.shape().elements() / 4;
        let [tokens, rows, c4] = [tokens, rows, c / 4].map(|n| n as u32);
        let params = UndoParams { tokens, rows, c4, count: count as u32 };
        let bindings = vec![x.whole(), self.places.whole(), residual.whole(), y.whole()];
        let (grid, flops) = (shared::linear_grid(x.gpu(), count), y.shape().elements() as u64);
        x.gpu().dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
        y
    }
}

/// A tensor of `count` words of four bytes on the device of `x`.
fn words(x: &Tensor, count: usize) -> Tensor {
    Tensor::empty(x.gpu(), [count.next_multiple_of(4)], Precision::F32)
}
