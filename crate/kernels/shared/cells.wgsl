// The tokens of a picture in cells of 2 × 2: the first of each cell is a destination, into which
// others may be merged. A last odd row or column has none.

fn destinations() -> u32 { return (params.height / 2u) * (params.width / 2u); }

fn token_of(destination: u32) -> u32 {
    let cells = params.width / 2u;
    return destination / cells * 2u * params.width + destination % cells * 2u;
}

fn is_destination(token: u32) -> bool {
    let y = token / params.width;
    let x = token % params.width;
    return y % 2u + x % 2u == 0u && y / 2u < params.height / 2u && x / 2u < params.width / 2u;
}
