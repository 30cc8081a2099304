// Cosine and sine of a part of a whole turn, 2π·part, to 1e-7: WGSL's own may be 5e-4 away.

fn turn(part: f32) -> vec2<f32> {
    let quarter = round(4.0 * part);
    let angle = 6.28318531 * (part - 0.25 * quarter);
    let z = angle * angle;
    let cosine = 1.0 + z * (-0.5 + z * (0.0416666667 + z * (-0.00138888889 + z * 2.48015873e-5)));
    let rest = 0.00833333333 + z * (-1.98412698e-4 + z * 2.75573192e-6);
    let sine = angle * (1.0 + z * (-0.166666667 + z * rest));
    let quarters = u32(i32(quarter) & 3);
    if quarters == 1u { return vec2<f32>(-sine, cosine); }
    if quarters == 2u { return vec2<f32>(-cosine, -sine); }
    if quarters == 3u { return vec2<f32>(sine, -cosine); }
    return vec2<f32>(cosine, sine);
}
