// The number of an invocation in a grid that may be folded: more than 65 535 workgroups do not fit
// in one dimension.

fn linear_id(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> u32 {
    return (group.y * groups.x + group.x) * LANES + lane;
}
