//! Paths of a model's files, as manifests, archives and folders of users name them.

/// The longest path, in characters and in bytes.
const CHARS_MAX: usize = 200;
const BYTES_MAX: usize = 600;
/// Names that Windows takes for devices, with any extension.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

/// Whether a path stays inside its folder and is valid on every system. Names may have letters of
/// any script, spaces, brackets and signs. Not allowed are names that lead elsewhere, that Windows
/// does not accept, or that look like other names (invisible characters, marks of direction).
pub fn is_inside(path: &str) -> bool {
    path.len() <= BYTES_MAX
        && path.chars().count() <= CHARS_MAX
        && path.chars().all(is_shown)
        && path.split('/').all(is_name)
}

/// Whether a character may be in a name and is displayed as itself.
fn is_shown(c: char) -> bool {
    // Marks of direction and invisible characters, except for the joiners that some scripts need.
    let hidden = matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{ffff}')
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{ad}' | '\u{e0000}'..='\u{e0fff}');
    !(c.is_control() || hidden || r#"\:*?"<>|"#.contains(c))
}

fn is_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        let number = stem.strip_prefix(device);
        number.is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let device = DEVICES.contains(&stem.as_str()) || numbered("COM") || numbered("LPT");
    !device && !name.trim_matches('.').trim().is_empty() && !name.ends_with(['.', ' '])
}
