//! Token ids against transformers, what is cut off, and tables that are damaged.

use std::sync::OnceLock;

use darkroom::text::{Tokenizer, Tokens};
use darkroom::{Error, Result};
use serde_json::{Value, json};

use crate::harness::allocations::most_held;
use crate::harness::golden;
use crate::harness::mutate::mutate;
use crate::harness::random::Random;

const START: u32 = 49406;
const END: u32 = 49407;

fn tables() -> (Vec<u8>, Vec<u8>) {
    let read = |name: &str| {
        std::fs::read(golden::path("web/models/demo/tokenizer").join(name)).expect("CLIP's tables")
    };
    (read("vocab.json"), read("merges.txt"))
}

/// Built once: it takes a moment.
pub(crate) fn clip() -> &'static Tokenizer {
    static CLIP: OnceLock<Tokenizer> = OnceLock::new();
    CLIP.get_or_init(clip_again)
}

/// Another one, to be changed.
pub(crate) fn clip_again() -> Tokenizer {
    let (vocab, merges) = tables();
    Tokenizer::new(&vocab, &merges).expect("CLIP's tables")
}

fn encode(prompt: &str) -> Tokens {
    clip().encode(prompt).expect("any text can be split")
}

#[test]
fn ids_are_transformers() {
    let golden = golden::json("tokens.json");
    let cases = golden::list(&golden, "cases");
    assert!(cases.len() >= 200);
    for case in cases {
        let text = golden::text(case, "text");
        let tokens = encode(text);
        let theirs: Vec<u32> =
            golden::list(case, "ids").iter().flat_map(Value::as_u64).map(|id| id as u32).collect();
        assert_eq!(tokens.ids[..tokens.used], theirs, "{text:?}");
        assert!(tokens.ids[tokens.used..].iter().all(|id| *id == END), "{text:?}");
        assert_eq!(tokens.ids.len(), 77);
        assert_eq!(tokens.cut.is_some(), case.get("cut").is_some(), "{text:?}");
        let Some(cut) = tokens.cut else { continue };
        // What is cut is the end of what was typed; transformers shows it in lower case and with
        // other spaces. Inside a word or a character the two may begin a few letters apart.
        assert!(text.ends_with(&cut), "{text:?}: {cut:?}");
        let plain = |text: &str| text.to_lowercase().split_whitespace().collect::<String>();
        let (ours, theirs) = (plain(&cut), plain(&golden::text(case, "cut").replace("</w>", " ")));
        if text.is_ascii() {
            assert_eq!(ours, theirs, "{text:?}");
        }
    }
}

#[test]
fn the_empty_prompt_is_the_unconditional_one() {
    for prompt in ["", " \n\t"] {
        let tokens = encode(prompt);
        assert_eq!((tokens.ids[0], tokens.used, &tokens.cut), (START, 2, &None));
        assert!(tokens.ids[1..].iter().all(|id| *id == END));
    }
}

#[test]
fn long_prompts_are_cut_after_75_tokens() {
    let fits = "a ".repeat(75);
    assert_eq!(encode(&fits).cut, None);
    let tokens = encode(&format!("{fits}RED  Cat, it's\u{1f408}!"));
    assert_eq!((tokens.used, tokens.ids[76]), (77, END));
    assert_eq!(tokens.cut.as_deref(), Some("RED  Cat, it's\u{1f408}!"));
    let long = "x\u{301} \u{732b}\u{1f408} word ".repeat(20_000);
    assert!(encode(&long).cut.is_some_and(|cut| long.ends_with(&cut)));
}

#[test]
fn length_and_padding_follow_the_model() {
    let (vocab, merges) = tables();
    let tokenizer = Tokenizer::new(&vocab, &merges).expect("CLIP's tables");
    assert_eq!((tokenizer.length(), tokenizer.end(), tokenizer.id_limit()), (77, END, 49408));
    let config = json!({"pad_token": {"content": "!"}}).to_string();
    let tokenizer = tokenizer.with_special_tokens("special_tokens_map.json", config.as_bytes());
    let tokenizer = tokenizer.and_then(|tokenizer| tokenizer.with_length(5)).expect("valid");
    let tokens = tokenizer.encode("a").expect("valid");
    assert_eq!(tokens.ids, [START, 320, END, 0, 0]);
    let tokens = tokenizer.encode("a a a a").expect("valid");
    assert_eq!((tokens.ids.len(), tokens.cut.as_deref()), (5, Some("a")));

    let again = || Tokenizer::new(&vocab, &merges).expect("CLIP's tables");
    let unknown = again().with_special_tokens("s.json", br#"{"pad_token": "<pad>"}"#);
    assert!(matches!(unknown, Err(Error::BadFile { .. })));
    let none = again().with_special_tokens("s.json", b"{}").expect("names none");
    assert_eq!(none.encode("").expect("valid").ids[76], END);
    assert!(matches!(again().with_length(1), Err(Error::Config { .. })));
}

/// The two ways in which a `tokenizer.json` writes merges.
#[test]
fn tokenizer_json_gives_the_same_ids() {
    let (vocab, merges) = tables();
    let vocab: Value = serde_json::from_slice(&vocab).expect("JSON");
    let lines: Vec<&str> = std::str::from_utf8(&merges).expect("text").lines().skip(1).collect();
    let pairs: Vec<Value> =
        lines.iter().map(|line| json!(line.split(' ').collect::<Vec<_>>())).collect();
    for merges in [json!(lines), json!(pairs)] {
        let model = json!({
            "type": "BPE", "end_of_word_suffix": "</w>", "vocab": vocab, "merges": merges,
        });
        let added = json!([{"id": END, "content": "<|endoftext|>", "special": true}]);
        let file = json!({"version": "1.0", "added_tokens": added, "model": model}).to_string();
        let tokenizer = Tokenizer::from_tokenizer_json(file.as_bytes()).expect("valid");
        let prompt = "a red cat on a yellow background, it's 4K";
        assert_eq!(tokenizer.encode(prompt), Ok(encode(prompt)));
    }
    for file in ["", "{}", r#"{"model": {"type": "WordPiece", "vocab": {}, "merges": []}}"#] {
        let read = Tokenizer::from_tokenizer_json(file.as_bytes());
        assert!(matches!(read, Err(Error::BadFile { .. })), "{file}");
    }
}

/// A vocabulary of a few words, quick to build thousands of times.
fn small() -> (String, String) {
    let merges = ["c a", "ca t</w>", "d o", "do g</w>", "r e", "re d</w>"];
    let letters = "catdogre".chars().flat_map(|c| [c.to_string(), format!("{c}</w>")]);
    let joined = merges.iter().map(|merge| merge.replace(' ', ""));
    let special = ["<|startoftext|>", "<|endoftext|>"].map(str::to_owned);
    let mut tokens: Vec<String> = letters.chain(joined).chain(special).collect();
    tokens.sort();
    tokens.dedup();
    let vocab: serde_json::Map<_, _> =
        tokens.into_iter().enumerate().map(|(id, token)| (token, json!(id))).collect();
    (Value::from(vocab).to_string(), format!("#version: 0.2\n{}\n", merges.join("\n")))
}

fn try_all(tokenizer: Result<Tokenizer>) -> bool {
    match tokenizer {
        Ok(tokenizer) => {
            for prompt in ["red cat dog", "zebra \u{1f408} <|endoftext|>", ""] {
                let tokens = tokenizer.encode(prompt).expect("any text can be split");
                assert_eq!(tokens.ids.len(), 77);
                assert!(tokens.ids.iter().all(|id| *id < tokenizer.id_limit()));
            }
            true
        }
        Err(Error::BadFile { .. }) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn damaged_tables_are_errors() {
    let (vocab, merges) = small();
    assert!(try_all(Tokenizer::new(vocab.as_bytes(), merges.as_bytes())));
    let random = Random::new("tokenizer tables");
    let mut built = 0;
    // A token is kept in several tables; candidates for pairs have a fixed size.
    let most = |bytes: usize| 64 * bytes + (2 << 20);
    for index in 0..10_000 {
        let bad = mutate(merges.as_bytes(), &random, index);
        let (made, held) = most_held(|| Tokenizer::new(vocab.as_bytes(), &bad));
        assert!(held <= most(vocab.len() + bad.len()), "{index}: {held} bytes held");
        built += usize::from(try_all(made));
        if index % 2 == 0 {
            let bad = mutate(vocab.as_bytes(), &random, index + 10_000);
            let (made, held) = most_held(|| Tokenizer::new(&bad, merges.as_bytes()));
            assert!(held <= most(merges.len() + bad.len()), "{index}: {held} bytes held");
            built += usize::from(try_all(made));
        }
    }
    assert!((10..14_000).contains(&built), "{built} of 15000 were still valid");
}

#[test]
fn false_tables_are_refused() {
    let (vocab, merges) = small();
    let cases: [(&str, &str, &str); 8] = [
        ("", &merges, "not a map"),
        ("{\"a\": -1}", &merges, "not a map"),
        ("{\"a\": 0}", &merges, "`<|startoftext|>` is not in it"),
        (&vocab.replace("\"cat</w>\"", "\"cow</w>\""), &merges, "not in the vocabulary"),
        (&vocab, "a b c\n", "line 1 is not a pair"),
        (&vocab, "#version: 0.2\nalone\n", "line 2 is not a pair"),
        (&vocab, "c t\n", "not in the vocabulary"),
        (&vocab.replace("\"a\":", "\"a\":1,\"b\":"), "", "twice"),
    ];
    for (vocab, merges, words) in cases {
        match Tokenizer::new(vocab.as_bytes(), merges.as_bytes()) {
            Err(Error::BadFile { reason, .. }) => assert!(reason.contains(words), "{reason}"),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("{words}: it was read"),
        }
    }
    let not_text = Tokenizer::new(vocab.as_bytes(), b"\xff\xfe");
    assert!(matches!(not_text, Err(Error::BadFile { .. })));
}
