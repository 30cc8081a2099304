//! The orientation of a photo: one value of its Exif data (CIPA DC-008, 4.6.4), which a PNG file
//! has in its eXIf chunk.

/// The tag of the orientation in Exif data.
const ORIENTATION: u16 = 0x0112;

/// The orientation, 1 to 8, for [`Rgba::upright`](super::Rgba::upright); 1 (no change) where the
/// data have none.
pub(super) fn orientation(data: &[u8]) -> u8 {
    read(data).filter(|way| (1..=8).contains(way)).unwrap_or(1)
}

fn read(data: &[u8]) -> Option<u8> {
    let little = match data.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = data.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let (first, second) = (usize::from(short(4)?), usize::from(short(6)?));
    let start = if little { second << 16 | first } else { first << 16 | second };
    let entries = usize::from(short(start)?);
    (0..entries)
        .map(|entry| start + 2 + 12 * entry)
        .find(|at| short(*at) == Some(ORIENTATION))
        .and_then(|at| u8::try_from(short(at + 8)?).ok())
}
