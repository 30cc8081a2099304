//! Everything that reads bytes or texts from outside, each as a function of bytes that may answer
//! as it likes but must not panic, hang or fill the memory. Tests run them on seeded mutations, and
//! `scripts/fuzz` gives the same functions to libFuzzer.

use darkroom::diffusion::Schedule;
use darkroom::image::parameters::Parameters;
use darkroom::image::png::{PARAMETERS, decode};
use darkroom::models::clip::TextConfig;
use darkroom::models::safety::SafetyConfig;
use darkroom::models::taesd::TaesdConfig;
use darkroom::models::unet::UnetConfig;
use darkroom::models::vae::VaeConfig;
use darkroom::request::{Allowed, Applied, Request};
use darkroom::text::{LongPrompt, Prompt, PromptOptions, Tokenizer};
use darkroom::weights::{
    Archive, Embedding, FilePart, Ldm, LocalFuture, LonePart, Lora, Manifest, Source, Taesd,
    is_inside, npy, origin, tar,
};
use darkroom::{Error, Result};
use pollster::block_on;
use std::ops::Range;

/// A parser: its name and what it does with bytes.
pub(crate) type Parser = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const PARSERS: [Parser; 14] = [
    ("archive", archive),
    ("single_file", single_file),
    ("lora", lora),
    ("taesd", taesd),
    ("embedding", embedding),
    ("configs", configs),
    ("request", request),
    ("tokenizer", tokenizer),
    ("prompt", prompt),
    ("picture", picture),
    ("parameters", parameters),
    ("manifest", manifest),
    ("npy", npy),
    ("tar", tar),
];

/// One file in memory, `a`, as the checkpoint of a model.
struct Memory<'b>(&'b [u8]);

impl Memory<'_> {
    fn file(&self, path: &str) -> Result<&[u8]> {
        match path {
            "a" => Ok(self.0),
            _ => Err(Error::NotFound { path: path.to_owned(), reason: "not there".to_owned() }),
        }
    }
}

impl Source for Memory<'_> {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.file(path)?.len() as u64) })
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let bytes = self.file(path)?.get(range.start as usize..range.end as usize);
            Ok(bytes.expect("only ranges inside the file are asked for").to_vec())
        })
    }

    fn checkpoint(&self) -> Option<&str> {
        Some("a")
    }
}

/// Checkpoint files of all formats: the header, then every tensor's numbers.
pub(crate) fn archive(bytes: &[u8]) {
    let source = Memory(bytes);
    if let Ok(archive) = block_on(Archive::open(&source, "a")) {
        for info in archive.tensors() {
            assert!(info.range.end <= bytes.len() as u64);
            let loaded = block_on(archive.load(&source, &info.name));
            assert!(loaded.is_err() || loaded.is_ok_and(|n| n.len() == info.elements()));
        }
    }
}

/// A checkpoint in one file, taken apart: names, shapes, what else it could be.
pub(crate) fn single_file(bytes: &[u8]) {
    let source = Memory(bytes);
    let Ok(archive) = block_on(Archive::open(&source, "a")) else { return };
    let whole = Ldm::new(&archive).map(|ldm| [ldm.text_encoder, ldm.unet, ldm.vae]);
    let parts = [FilePart::TextEncoder, FilePart::Unet, FilePart::Vae];
    let lone = parts.map(|part| LonePart::find(&archive, part).map(|found| found.archive));
    for part in whole.into_iter().flatten().chain(lone.into_iter().flatten()) {
        for info in part.tensors() {
            assert!(info.range.end <= bytes.len() as u64);
            // Its type and shape are those of the file, under another name.
            drop(block_on(part.load(&source, &info.name)));
        }
    }
}

/// A LoRA, then every layer of it.
pub(crate) fn lora(bytes: &[u8]) {
    let source = Memory(bytes);
    if let Ok(lora) = block_on(Lora::open(&source, "a")) {
        // Any answer but a panic will do.
        drop(block_on(lora.read_all_layers()));
    }
}

/// A TAESD: its names, and its sizes by them; and a config of one.
pub(crate) fn taesd(bytes: &[u8]) {
    let source = Memory(bytes);
    if let Ok(taesd) = block_on(Taesd::open(&source, "a"))
        && let Ok(config) = TaesdConfig::of(&taesd)
    {
        assert!((1..=8).contains(&config.decoder.blocks.len()) && config.decoder.channels > 0);
    }
    // Any answer but a panic will do.
    drop(TaesdConfig::parse("a", &String::from_utf8_lossy(bytes)));
}

/// A textual inversion: as many whole, finite vectors as it says.
pub(crate) fn embedding(bytes: &[u8]) {
    if let Ok(embedding) = block_on(Embedding::open(&Memory(bytes), "a")) {
        let vectors = embedding.vectors();
        assert!(!vectors.is_empty() && vectors.len().is_multiple_of(embedding.len()));
        assert!(vectors.iter().all(|value| value.is_finite()));
    }
}

/// The configs of a model: the first byte chooses whose.
pub(crate) fn configs(bytes: &[u8]) {
    let Some((first, json)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(json);
    // Any answer but a panic will do.
    let _ = match first % 5 {
        0 => Schedule::from_json("a", json).map(drop),
        1 => UnetConfig::parse("a", &text).map(drop),
        2 => VaeConfig::parse("a", &text).map(drop),
        3 => TextConfig::parse("a", &text).map(drop),
        _ => SafetyConfig::parse("a", &text).map(drop),
    };
}

/// A request as JSON; one that is valid survives the way into a picture and back.
pub(crate) fn request(bytes: &[u8]) {
    let samplers = ["ddim", "pndm", "euler_ancestral"];
    let allowed = Allowed {
        factor: 8,
        size: [512, 512],
        samplers: &samplers,
        text_layers: 12,
        embeds_guidance: false,
    };
    if let Ok(request) = Request::from_json(&String::from_utf8_lossy(bytes))
        && request.validate(&allowed).is_ok()
    {
        let json = serde_json::to_string(&request).expect("a request is JSON");
        assert_eq!(Request::from_json(&json), Ok(request));
    }
}

/// The tokenizer's tables, `vocab.json` and `merges.txt` with a NUL between them, or a
/// `tokenizer.json`; then a prompt by them.
pub(crate) fn tokenizer(bytes: &[u8]) {
    let tokenizer = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => Tokenizer::new(&bytes[..at], &bytes[at + 1..]),
        None => Tokenizer::from_tokenizer_json(bytes),
    };
    if let Ok(tokenizer) = tokenizer {
        let tokens = tokenizer.encode("a red cat, \u{1f408}").expect("any text can be split");
        assert!(tokens.ids.iter().all(|id| *id < tokenizer.id_limit()));
    }
}

/// A prompt, cleaned, weighed and split by a small tokenizer; the first byte chooses how.
pub(crate) fn prompt(bytes: &[u8]) {
    let Some((first, text)) = bytes.split_first() else { return };
    let long_prompt = if first & 4 == 0 { LongPrompt::default() } else { LongPrompt::Chunks };
    let options = PromptOptions { clean: first & 1 != 0, weights: first & 2 != 0, long_prompt };
    let text = String::from_utf8_lossy(text);
    BYTES.with(|tokenizer| {
        if let Ok(prompt) = Prompt::read(tokenizer, "prompt", &text, &options) {
            for chunk in &prompt.chunks {
                assert_eq!([chunk.ids.len(), chunk.weights.len()], [tokenizer.length(); 2]);
                assert!(chunk.ids.iter().all(|id| *id < tokenizer.id_limit()));
            }
        }
    });
}

thread_local! {
    /// The tokenizer of the byte alphabet, which takes longer to make than to use.
    static BYTES: Tokenizer = Tokenizer::new(
        include_bytes!("../golden/formats/tokenizer/vocab.json"),
        include_bytes!("../golden/formats/tokenizer/merges.txt"),
    )
    .expect("our own tables");
}

/// A PNG file with text inside.
pub(crate) fn picture(bytes: &[u8]) {
    if let Ok(png) = decode("a.png", bytes) {
        parameters(png.text(PARAMETERS).unwrap_or_default().as_bytes());
    }
}

/// The text of AUTOMATIC1111's web UI; what was read once is read the same for ever, and a request
/// that it says can be written again.
pub(crate) fn parameters(bytes: &[u8]) {
    let read = Parameters::parse(&String::from_utf8_lossy(bytes));
    if let Ok(request) = Request::from_infotext(&read) {
        let size = [request.width.unwrap_or(8), request.height.unwrap_or(8)];
        assert!(request.infotext(size, &Applied::default()).len() >= 6);
    }
    let once = read.format();
    assert_eq!(Parameters::parse(&once).format(), once);
}

/// A model's parts list; a good one is written as it was read.
pub(crate) fn manifest(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::parse("a", bytes) {
        let written = manifest.to_json();
        assert_eq!(Manifest::parse("a", written.as_bytes()), Ok(manifest));
    }
    let text = String::from_utf8_lossy(bytes);
    assert!(origin(&text).is_none_or(|origin| text.starts_with(origin)));
    assert!(!is_inside(&text) || text.split('/').all(|part| part != ".."));
}

/// numpy's array files.
pub(crate) fn npy(bytes: &[u8]) {
    // Any answer but a panic will do.
    drop(npy::read("a", bytes));
}

/// The headers of a tar file, block by block; a path that may be written is read back.
pub(crate) fn tar(bytes: &[u8]) {
    for block in bytes.as_chunks().0 {
        if let Ok(Some((path, size))) = tar::parse(block)
            && is_inside(&path)
            && let Some(header) = tar::header(&path, size)
        {
            assert_eq!(tar::parse(&header), Ok(Some((path, size))));
        }
    }
}
