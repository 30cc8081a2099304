// What is done to the sums of a matmul or convolution before they are stored.
//
//     activation(sum + bias + shift) + residual
//     activation(sum + bias + shift + residual)    if ACTIVATION_LAST
//
// From the op: bias [n4], shift [pictures, shift_row4], residual (as the output), params.

// `at` is the index in the output, `column` that of its vector of four channels, and `picture` the
// element of the batch to which it belongs.
fn epilogue(sum: vec4<f32>, at: u32, column: u32, picture: u32) -> vec4<f32> {
    var value = sum;
    if HAS_BIAS { value += bias[column]; }
    if HAS_SHIFT {
        value += vec4<f32>(shift[picture * params.shift_row4 + params.shift_first4 + column]);
    }
    if !ACTIVATION_LAST { value = activation(value); }
    if HAS_RESIDUAL { value += vec4<f32>(residual[at]); }
    if ACTIVATION_LAST { value = activation(value); }
    return value;
}
