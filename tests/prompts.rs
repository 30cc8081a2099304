//! Thousands of prompts against transformers, in one piece and in chunks; cleaned, against the
//! original program's tokenizer; weights against AUTOMATIC1111's; and what the UNet makes of it.
//! `scripts/golden/prompts.py` wrote what they give.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::tokenizer::clip;
use crate::walk::check_in;
use darkroom::Error;
use darkroom::pipeline::Options;
use darkroom::text::{CHUNKS_MAX, Chunk, Fragment, LongPrompt, Prompt, PromptOptions, clean};
use serde_json::Value;

/// Steele, Lea and Flood's generator of 64 bits, as in the golden's script.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % limit as u64) as usize
    }
}

/// What the prompts are put together from.
struct Parts {
    words: Vec<String>,
    separators: Vec<String>,
    ranges: Vec<[u32; 2]>,
}

impl Parts {
    fn new(goldens: &Value) -> Parts {
        let texts = |name: &str| {
            let list = goldens[name].as_array().unwrap().iter();
            list.map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let range = |range: &Value| [0, 1].map(|end| range[end].as_u64().unwrap() as u32);
        Parts {
            words: texts("words"),
            separators: texts("separators"),
            ranges: golden::list(goldens, "ranges").iter().map(range).collect(),
        }
    }

    fn prompt(&self, index: usize) -> String {
        let mut random = SplitMix(index as u64);
        let pieces = if index % 64 < 2 { 100 + random.below(200) } else { 1 + random.below(16) };
        let mut text = String::new();
        for _ in 0..pieces {
            if index % 4 == 1 || index % 4 > 1 && random.below(3) == 0 {
                let [start, end] = self.ranges[random.below(self.ranges.len())];
                let length = 1 + random.below(6);
                let mut next = || start + random.below((end - start) as usize) as u32;
                text.extend((0..length).map(|_| char::from_u32(next()).unwrap()));
            } else {
                text.push_str(&self.words[random.below(self.words.len())]);
            }
            text.push_str(&self.separators[random.below(self.separators.len())]);
        }
        text
    }
}

fn read(text: &str, reading: PromptOptions) -> Prompt {
    Prompt::read(clip(), "prompt", text, &reading).expect("no weights, or right ones")
}

/// The chunks' ids as the golden has them.
fn digest(chunks: &[Chunk]) -> String {
    golden::fnv(chunks.iter().flat_map(|chunk| chunk.ids.iter().copied()))
}

const CHUNKS: PromptOptions =
    PromptOptions { clean: false, weights: false, long_prompt: LongPrompt::Chunks };

#[test]
fn four_thousand_prompts_are_transformers() {
    let goldens = golden::json("prompts.json");
    let parts = Parts::new(&goldens);
    let count = golden::number(&goldens, "count") as usize;
    let prompts: Vec<String> = (0..count).map(|index| parts.prompt(index)).collect();
    let all = golden::fnv_bytes(prompts.join("\0").bytes());
    assert_eq!(all, golden::text(&goldens, "texts"), "other prompts than the script's");
    let rows = golden::list(&goldens, "hashes").iter();
    let hashes: Vec<&str> =
        rows.flat_map(|r| r.as_array().unwrap()).flat_map(Value::as_str).collect();
    assert_eq!(hashes.len(), count);
    assert!(count >= 4_000);
    // By the kind of prompt: words, characters, and twice both.
    let (mut wrong, mut uncleaned) = (Vec::new(), [0; 4]);
    for (index, (text, hashes)) in prompts.iter().zip(hashes).enumerate() {
        let cut = read(text, PromptOptions::default());
        let whole = read(text, CHUNKS);
        assert_eq!(cut.cut.is_some(), whole.chunks.len() > 1, "{text:?}");
        assert!(cut.cut.is_none_or(|end| text.ends_with(&end)), "{text:?}");
        assert_eq!(whole.token_count.min(75), cut.token_count, "{text:?}");
        for (chunks, theirs) in [(&cut.chunks, &hashes[..6]), (&whole.chunks, &hashes[6..12])] {
            if !digest(chunks).ends_with(theirs) {
                wrong.push(format!("{index}: {text:?}"));
            }
        }
        let cleaned = read(text, PromptOptions { clean: true, ..PromptOptions::default() });
        if !digest(&cleaned.chunks).ends_with(&hashes[12..]) {
            uncleaned[index % 4] += 1;
            let start: String = text.chars().take(60).collect();
            println!("{index} is cleaned otherwise: {start:?}…");
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    println!("differ after cleaning, of {} each: {uncleaned:?}", count / 4);
    assert_eq!(uncleaned[0], 0, "prompts of words");
    assert!(uncleaned.iter().sum::<usize>() <= 100, "{uncleaned:?}");
}

#[test]
fn cleaning_does_what_it_says() {
    for (text, cleaned) in [
        ("it\u{2019}s \u{201c}so\u{201d}", "it's \"so\""),
        (
            "&amp;amp; &lt;b&gt; &#39; &#x27; &EACUTE;&eacute; &nothing; &",
            "& <b> ' ' Éé &nothing; &",
        ),
        ("<b> &amp;", "<b> &amp;"),
        ("ﬁne Ĳsland Ｆｕｌｌ ｶﾀｶﾅ", "fine IJsland Full カタカナ"),
        ("\u{1b}[31mred\u{1b}[0m \u{0}a\u{7}\u{feff}", "red a"),
        ("a\r\nb\rc\u{2028}d\u{85}", "a\nb\nc\nd\u{2026}"),
        ("ΣΊΣΥΦΟΣ Red", "σίσυφος Red"),
        ("cafe\u{301}", "café"),
    ] {
        assert_eq!(clean(text), cleaned, "{text:?}");
        assert_eq!(clean(cleaned), cleaned, "{text:?}, cleaned twice");
    }
}

/// Not to the last bit, which a JSON reader may lose; as f32 all bits are compared.
fn rounded(fragment: Fragment) -> Fragment {
    match fragment {
        Fragment::Text(text, weight) => Fragment::Text(text, (weight * 1e12).round() / 1e12),
        other => other,
    }
}

#[test]
fn weights_are_the_web_uis() {
    let goldens = golden::json("prompts.json");
    let cases = golden::list(&goldens, "weighted");
    assert!(cases.len() >= 240);
    let reading = PromptOptions { weights: true, ..CHUNKS };
    for case in cases {
        let text = golden::text(case, "text");
        let parsed = Fragment::parse("prompt", text).unwrap();
        let full = |fragment: &Fragment| !matches!(fragment, Fragment::Text(t, _) if t.is_empty());
        let ours: Vec<Fragment> = parsed.into_iter().filter(full).map(rounded).collect();
        let theirs = golden::list(case, "fragments").iter();
        let theirs = theirs.map(|fragment| match fragment[1].as_f64() {
            Some(weight) => Fragment::Text(fragment[0].as_str().unwrap().into(), weight),
            None => Fragment::Break,
        });
        let theirs: Vec<Fragment> = theirs.filter(full).map(rounded).collect();
        assert_eq!(ours, theirs, "{text:?}");
        let chunks = read(text, reading).chunks;
        assert_eq!(digest(&chunks), golden::text(case, "ids"), "{text:?}");
        let weights = chunks.iter().flat_map(|chunk| chunk.weights.iter().map(|w| w.to_bits()));
        assert_eq!(golden::fnv(weights), golden::text(case, "weights"), "{text:?}");
    }
}

#[test]
fn odd_weights_are_errors_and_off_is_off() {
    for text in ["(a:1.2.3)", "(a:.)", "(a:+)b (c:..)"] {
        match Fragment::parse("negative prompt", text) {
            Err(Error::Request { field, reason }) => {
                assert_eq!(field, "negative prompt");
                assert!(reason.contains("not a number"), "{reason}");
            }
            other => assert!(text.contains("+)"), "{text}: {other:?}"),
        }
    }
    let plain = read("(a:1.2.3) [b]", PromptOptions::default());
    assert!(!plain.chunks[0].is_weighted());
    let weighted = PromptOptions { weights: true, ..PromptOptions::default() };
    let cut = read(&format!("(a:1.2) {} ((the) end)", "b ".repeat(80)), weighted).cut;
    assert_eq!(cut.as_deref(), Some("b b b b b b  the end"));
    // No prompt makes it fall over.
    let mut random = SplitMix(0);
    let letters: Vec<char> = "()[]\\:.12+-, aBREAK_é\u{1f408}\n".chars().collect();
    for _ in 0..5_000 {
        let length = random.below(30);
        let text: String = (0..length).map(|_| letters[random.below(letters.len())]).collect();
        let parsed = Fragment::parse("prompt", &text);
        assert!(parsed.is_ok_and(|f| !f.is_empty()) || text.contains(':'), "{text:?}");
        clean(&text);
    }
}

/// A kind of prompt: its name, what it repeats, and what reads it.
type Kind = (&'static str, &'static str, fn(&str));

/// Prompts made to take long, short and eight times as long: 8 · 8 = 64 would be the square.
#[test]
fn prompts_are_read_in_time_that_grows_with_their_length() {
    let weighted = |text: &str| drop(Fragment::parse("prompt", text));
    let cleaned = |text: &str| drop(clean(text));
    let kinds: [Kind; 6] = [
        ("open brackets", "(a", weighted),
        ("brackets in brackets", "(a)[b]", weighted),
        ("weights", "(a:1.1) :", weighted),
        ("special tokens", "<|startoftext|>", cleaned),
        ("ampersands", "&a", cleaned),
        ("escapes", "\u{1b}[1;", cleaned),
    ];
    for (kind, part, read) in kinds {
        let seconds = |count: usize| {
            let text = part.repeat(count);
            let each = (0..3).map(|_| {
                let begun = std::time::Instant::now();
                read(&text);
                begun.elapsed().as_secs_f64()
            });
            each.fold(f64::INFINITY, f64::min)
        };
        let (short, long) = (seconds(4_000), seconds(32_000));
        assert!(long < 0.02 + 32.0 * short, "{kind}: {short} s, then {long} s");
    }
}

#[test]
fn deep_brackets_and_endless_prompts_are_refused() {
    let refused = |text: &str, reading: PromptOptions| match Prompt::read(
        clip(),
        "negative prompt",
        text,
        &reading,
    ) {
        Err(Error::Request { field: "negative prompt", reason }) => reason,
        other => panic!("{other:?}"),
    };
    let weights = PromptOptions { weights: true, ..PromptOptions::default() };
    assert!(refused(&"(a".repeat(101), weights).contains("more than 100 brackets"));
    assert!(refused(&"[(a".repeat(51), weights).contains("more than 100 brackets"));
    let deep = Fragment::parse("prompt", &"(".repeat(100)).expect("a hundred are read");
    assert_eq!(deep, [Fragment::Text(String::new(), 1.0)]);
    assert_eq!(read(&"word ".repeat(75 * CHUNKS_MAX), CHUNKS).chunks.len(), CHUNKS_MAX);
    for (text, reading) in [
        ("word ".repeat(75 * CHUNKS_MAX + 1), CHUNKS),
        ("cat, ".repeat(40_000), CHUNKS),
        ("a BREAK ".repeat(CHUNKS_MAX + 1), PromptOptions { weights: true, ..CHUNKS }),
    ] {
        assert!(refused(&text, reading).contains("more than 64 chunks of 75 tokens"));
    }
}

#[test]
fn contexts_and_pictures_are_the_web_uis() {
    for case in ["weights", "chunks", "clip skip"] {
        gpu::run(Device::Plain, move |gpu| {
            check_in("prompts.safetensors", gpu, case, Options::default());
        });
    }
}
