//! PNG files: there and back, with text; as another program writes them; damaged.

use darkroom::Error;
use darkroom::image::Rgba;
use darkroom::image::parameters::Parameters;
use darkroom::image::png::{DARKROOM, PARAMETERS, decode, encode};

use crate::harness::allocations::most_held;
use crate::harness::golden;
use crate::harness::mutate::mutate;
use crate::harness::random::Random;

fn picture(width: u32, height: u32) -> Rgba {
    let random = Random::new("picture");
    let bytes = (0..(width * height * 4) as usize).map(|index| random.word(index) as u8);
    Rgba::new(width, height, bytes.collect())
}

#[test]
fn pictures_and_texts_come_back() {
    let texts = [
        (PARAMETERS, "a red cat, caf\u{e9}\nSteps: 20, Sampler: Euler, Seed: 1"),
        (DARKROOM, r#"{"prompt": "猫 🐈", "seed": "18446744073709551615"}"#),
        ("Title", ""),
        ("Comment", "no\u{0}NUL"),
    ];
    for (width, height) in [(1, 1), (3, 2), (64, 64), (17, 5)] {
        let picture = picture(width, height);
        let bytes = encode(&picture, &texts).expect("valid");
        let png = decode("ours.png", &bytes).expect("our own file");
        assert_eq!(png.picture, picture);
        assert_eq!(png.text(PARAMETERS), Some(texts[0].1));
        assert_eq!(png.text(DARKROOM), Some(texts[1].1));
        assert_eq!((png.text("Title"), png.text("Comment")), (Some(""), Some("noNUL")));
        assert_eq!(png.text("none"), None);
    }
    let chunk = |bytes: &[u8], kind: &[u8]| bytes.windows(4).any(|window| window == kind);
    let plain = encode(&picture(2, 2), &texts[..1]).expect("valid");
    assert!(chunk(&plain, b"tEXt") && !chunk(&plain, b"iTXt"), "Latin-1 is plain tEXt");
    assert!(chunk(&encode(&picture(2, 2), &texts[1..2]).expect("valid"), b"iTXt"));
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let too_long = "k".repeat(80);
    for keyword in ["", &too_long, "\u{732b}"] {
        let file = encode(&picture(1, 1), &[(keyword, "text")]);
        assert!(matches!(file, Err(Error::Write { .. })), "{keyword}: {file:?}");
    }
    let nothing = encode(&Rgba::new(0, 5, vec![]), &[]);
    assert!(matches!(nothing, Err(Error::Write { .. })), "{nothing:?}");
}

#[test]
fn reads_what_pillow_writes() {
    let png = decode("pillow.png", &golden::bytes("pillow.png")).expect("a valid file");
    assert_eq!((png.picture.width(), png.picture.height()), (3, 2));
    let grey = [(0, 255), (50, 0), (100, 7), (150, 255), (200, 255), (250, 255)];
    let expected: Vec<u8> = grey.iter().flat_map(|(y, a)| [*y, *y, *y, *a]).collect();
    assert_eq!(png.picture.pixels(), expected);
    assert_eq!(png.text("made_by"), Some("scripts/golden.py weights"));
    assert_eq!(png.text(PARAMETERS), Some("a red cat\nSteps: 20, Sampler: Euler, Seed: 1"));
    assert_eq!(png.text(DARKROOM), Some("{\"prompt\": \"\u{732b} \u{1f408}\"}"));
}

/// Every other colour type, depth and interlacing is widened to eight-bit RGBA.
#[test]
fn reads_every_colour_type() {
    use ::png::{BitDepth::*, ColorType::*};
    let gold = [255, 200, 0];
    for (color, depth, data, expected) in [
        (Rgb, Eight, gold.to_vec(), [255, 200, 0, 255]),
        (Rgb, Sixteen, vec![255, 255, 200, 200, 0, 0], [255, 200, 0, 255]),
        (Grayscale, One, vec![0x80], [255, 255, 255, 255]),
        (Grayscale, Sixteen, vec![9, 200], [9, 9, 9, 255]),
        (Indexed, Four, vec![0x10], [255, 200, 0, 255]),
    ] {
        let mut file = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut file, 1, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        encoder.set_palette([[0, 0, 0], gold].concat());
        let mut writer = encoder.write_header().expect("valid");
        writer.write_image_data(&data).expect("valid");
        writer.finish().expect("valid");
        let png = decode("other.png", &file).expect("valid");
        assert_eq!(png.picture.pixels(), expected, "{color:?} {depth:?}");
    }
}

#[test]
fn false_sizes_are_refused_before_memory_is_taken() {
    let valid = encode(&picture(2, 2), &[]).expect("valid");
    for (width, height) in [(0x7fff_ffff, 0x7fff_ffff), (60_000, 60_000), (8_000, 8_000)] {
        let mut bytes = valid.clone();
        bytes[16..20].copy_from_slice(&u32::to_be_bytes(width));
        bytes[20..24].copy_from_slice(&u32::to_be_bytes(height));
        let crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        match decode("false.png", &bytes) {
            Err(Error::BadFile { reason, .. }) => assert!(reason.contains("pixels"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// Mends the checksum of every chunk that is still whole, so that damage reaches the parsers.
fn mend(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        if bytes.get(end..end.saturating_add(4)).is_none() {
            break;
        }
        let crc = crc32(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&crc.to_be_bytes());
        at = end + 4;
    }
    bytes
}

#[test]
fn damaged_files_are_errors() {
    let ours = encode(&picture(5, 3), &[(PARAMETERS, "a cat"), (DARKROOM, "\u{732b}")]);
    let files = [ours.expect("valid"), golden::bytes("pillow.png")];
    let random = Random::new("png");
    let mut read = 0;
    for index in 0..10_000 {
        let bytes = mutate(&files[index % 2], &random, index);
        let bytes = if index % 3 == 0 { bytes } else { mend(bytes) };
        let (decoded, held) = most_held(|| decode("damaged.png", &bytes));
        // Deflate packs 1 032 bytes of one bit a pixel into one; texts may unpack to 16 MiB.
        assert!(held <= 2 * 8 * 4 * 1_032 * bytes.len() + (33 << 20), "{index}: {held} bytes held");
        match decoded {
            Ok(_) => read += 1,
            Err(Error::BadFile { .. }) => {}
            Err(other) => panic!("mutation {index}: {other:?}"),
        }
    }
    assert!((1..9_000).contains(&read), "{read} of 10000 were still valid");
}

#[test]
fn numbers_become_bytes_as_in_diffusers() {
    let rgb = [0.0, 0.5, 1.0, -3.0, 7.0, f32::NAN, 0.5 / 255.0, 1.5 / 255.0, 254.4 / 255.0];
    let picture = Rgba::from_rgb(3, 1, &rgb);
    assert_eq!(picture.pixels(), [0, 128, 255, 255, 0, 255, 0, 255, 0, 2, 254, 255]);
}

#[test]
fn parameters_are_the_text_that_others_read() {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let parameters = Parameters {
        prompt: "a red cat\non a yellow background: bold".to_owned(),
        negative_prompt: "blurry, grey".to_owned(),
        fields: vec![
            field("Steps", "20"),
            field("Sampler", "Euler"),
            field("Model", "demo, \"v1\": x"),
            field("Size", "64x64"),
        ],
        extra: String::new(),
    };
    let text = "a red cat\non a yellow background: bold\nNegative prompt: blurry, grey\n\
                Steps: 20, Sampler: Euler, Model: \"demo, \\\"v1\\\": x\", Size: 64x64";
    assert_eq!(parameters.format(), text);
    assert_eq!(Parameters::parse(text), parameters);
    assert_eq!(parameters.get("Size"), Some("64x64"));

    for prompt in ["", "just a prompt", "ratio 1:2, more: less", "Negative prompt"] {
        let parsed = Parameters::parse(prompt);
        assert_eq!((parsed.prompt.as_str(), parsed.fields.len()), (prompt, 0), "{parsed:?}");
    }
    let random = Random::new("parameters");
    for index in 0..3_000 {
        let bytes = mutate(text.as_bytes(), &random, index);
        let text = String::from_utf8_lossy(&bytes);
        reads_back(&text);
    }
}

/// What was read once is read the same for ever.
fn reads_back(text: &str) {
    let once = Parameters::parse(text);
    let written = once.format();
    assert_eq!(Parameters::parse(&written), once, "{text:?}");
}

/// Texts put together from what such texts are made of, which mutations of a good one rarely are.
#[test]
fn parameters_read_back_whole() {
    let parts = [
        "x",
        "\n",
        "\r\n",
        "\r",
        " ",
        "Negative prompt:",
        "Negative prompt",
        "Steps: 20",
        "Steps:",
        ", ",
        ",",
        ": ",
        "a: 1",
        "b: \"2, 3\"",
        "c: \"\\q",
        "\"",
        "\\",
        "(a: 1",
        "Size: 64x64",
        "Template: y",
        "\u{2028}",
        "\u{85}",
        "\t",
        "é: 猫",
    ];
    let random = Random::new("infotexts");
    let mut index = 0;
    let mut below = |limit: usize| {
        index += 1;
        random.word(index) as usize % limit
    };
    for _ in 0..20_000 {
        let count = 1 + below(14);
        let text: String = (0..count).map(|_| parts[below(parts.len())]).collect();
        reads_back(&text);
    }
    for text in [
        "x\nNegative prompt:\n(a: 1, b: 2, c: 3",
        "x\nNegative prompt:\na: 1, b: 2, c: 3",
        "a: 1, b: 2, c: 3\nNegative prompt:",
        "x\nSteps: 1, a: \"  b \", c: \"d\\re\"",
    ] {
        reads_back(text);
    }
}

/// The same texts, and what is right, as for the page's reader.
#[test]
fn parameters_of_other_programs_are_read() {
    let goldens = golden::json("infotexts.json");
    let cases = golden::list(&goldens, "cases");
    assert!(cases.len() >= 10);
    for case in cases {
        let read = Parameters::parse(golden::text(case, "text"));
        let about = golden::text(case, "about");
        assert_eq!(read.prompt, golden::text(case, "prompt"), "{about}");
        assert_eq!(read.negative_prompt, golden::text(case, "negative_prompt"), "{about}");
        assert_eq!(read.extra, golden::text(case, "extra"), "{about}");
        let fields = serde_json::to_value(&read.fields).expect("texts");
        assert_eq!(fields, case["fields"], "{about}");
        reads_back(golden::text(case, "text"));
    }
}

/// A kind of text: its name, and such a text of about so many letters.
type Kind = (&'static str, fn(usize) -> String);

/// Text twice as long takes about twice as long: of each kind that once took four times, a short
/// and an eight times longer one are read, and 8 · 8 would be 64.
#[test]
fn parameters_are_read_in_time_that_grows_with_their_length() {
    let kinds: [Kind; 5] = [
        ("letters", |n| "a".repeat(n)),
        ("spaces", |n| format!("x\nSteps: 1,{}:", " ".repeat(n))),
        ("quotes", |n| format!("Steps: 1, {}", "a: \"b\\".repeat(n / 7))),
        ("lines", |n| "Steps: 1, (\n".repeat(n / 12)),
        ("fields", |n| "Steps: 1, ".repeat(n / 10)),
    ];
    for (kind, text) in kinds {
        let seconds = |length: usize| {
            let text = text(length);
            let each = (0..3).map(|_| {
                let begun = std::time::Instant::now();
                Parameters::parse(&text);
                begun.elapsed().as_secs_f64()
            });
            each.fold(f64::INFINITY, f64::min)
        };
        let (short, long) = (seconds(250_000), seconds(2_000_000));
        assert!(long < 0.02 + 32.0 * short, "{kind}: {short} s, then {long} s");
    }
}

/// A picture of two rows of three: 1 2 3 and 4 5 6 in red.
#[test]
fn pictures_stand_as_their_exif_says() {
    let stored: Vec<u8> = (1..=6).flat_map(|red| [red, 0, 0]).collect();
    for (way, size, reds) in [
        (1, (3, 2), [1, 2, 3, 4, 5, 6]),
        (2, (3, 2), [3, 2, 1, 6, 5, 4]),
        (3, (3, 2), [6, 5, 4, 3, 2, 1]),
        (4, (3, 2), [4, 5, 6, 1, 2, 3]),
        (5, (2, 3), [1, 4, 2, 5, 3, 6]),
        (6, (2, 3), [4, 1, 5, 2, 6, 3]),
        (7, (2, 3), [6, 3, 5, 2, 4, 1]),
        (8, (2, 3), [3, 6, 2, 5, 1, 4]),
        (9, (3, 2), [1, 2, 3, 4, 5, 6]),
    ] {
        let large =
            [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", &[way][..], &[0; 6]].concat();
        let little =
            [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[way][..], &[0; 7]].concat();
        for exif in [large, little] {
            let mut info = ::png::Info::with_size(3, 2);
            info.color_type = ::png::ColorType::Rgb;
            info.bit_depth = ::png::BitDepth::Eight;
            info.exif_metadata = Some(exif.into());
            let mut file = Vec::new();
            let encoder = ::png::Encoder::with_info(&mut file, info).expect("valid");
            let mut writer = encoder.write_header().expect("valid");
            writer.write_image_data(&stored).expect("valid");
            writer.finish().expect("valid");
            let picture = decode("turned.png", &file).expect("valid").picture;
            let read: Vec<u8> = picture.pixels().as_chunks::<4>().0.iter().map(|p| p[0]).collect();
            assert_eq!(
                ((picture.width(), picture.height()), &read[..]),
                (size, &reds[..]),
                "{way}"
            );
        }
    }
}
