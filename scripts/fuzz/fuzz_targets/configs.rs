//! The configs of a model: the first byte chooses whose.
#![no_main]

use darkroom::diffusion::Schedule;
use darkroom::models::clip::TextConfig;
use darkroom::models::unet::UnetConfig;
use darkroom::models::vae::VaeConfig;
use darkroom::pipeline::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, json)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(json);
    // Any answer but a panic will do.
    let _ = match first % 5 {
        0 => Schedule::from_json("a", json).map(drop),
        1 => UnetConfig::parse("a", &text).map(drop),
        2 => VaeConfig::parse("a", &text).map(drop),
        3 => TextConfig::parse("a", &text).map(drop),
        _ => Request::from_json(&text).map(drop),
    };
});
