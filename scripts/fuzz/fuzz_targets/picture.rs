//! PNG files with text inside, and the text itself.
#![no_main]

use darkroom::image::parameters::Parameters;
use darkroom::image::png::{PARAMETERS, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(png) = decode("a.png", bytes) {
        let text = png.text(PARAMETERS).unwrap_or_default();
        let once = Parameters::parse(text).format();
        assert_eq!(Parameters::parse(&once).format(), once);
    }
});
