//! Where the words of textual inversions are found in a prompt, as diffusers and AUTOMATIC1111's
//! web UI find them, and what chunks do with several vectors.

use crate::embeddings::{embedding, file};
use crate::made_up::tiny;
use crate::tokenizer::clip_again;
use darkroom::pipeline::Files;
use darkroom::text::{LongPrompt, Prompt, PromptOptions, Tokenizer};
use darkroom::weights::FileSource;
use darkroom::{Error, Result};
use pollster::block_on;

/// CLIP's tokenizer with words, whose ids follow one another from 49408.
fn with_words(words: &[(&str, u32)]) -> Result<Tokenizer> {
    let mut next = 49_408;
    words.iter().try_fold(clip_again(), |tokenizer, (word, count)| {
        let ids = next..next + count;
        next = ids.end;
        tokenizer.with_learned_word(word, ids)
    })
}

/// The learned words that are found in a prompt, each by the number of its first vector, and the
/// number of other tokens.
fn found(tokenizer: &Tokenizer, prompt: &str) -> (Vec<u32>, usize) {
    let options = PromptOptions { weights: true, ..PromptOptions::default() };
    let prompt = Prompt::read(tokenizer, "prompt", prompt, &options).unwrap();
    let ids = &prompt.chunks[0].ids[1..=prompt.token_count];
    let learned: Vec<u32> = ids.iter().filter_map(|id| id.checked_sub(49_408)).collect();
    let others = ids.len() - learned.len();
    (learned, others)
}

#[test]
fn words_are_found_as_diffusers_and_the_web_ui_do() {
    let words = [("bad-hands", 2), ("bad-hands-5", 1), ("<cat>", 3), ("<Cat-Toy>", 1)];
    let tokenizer = with_words(&words).unwrap();
    for (prompt, learned, others) in [
        ("a bad-hands b", &[0, 1][..], 2),
        ("BAD-Hands", &[0, 1], 0),
        ("bad - hands", &[0, 1], 0),
        ("bad-hands-5, bad-hands", &[2, 0, 1], 1),
        ("bad-handsome", &[], 3),
        ("(bad-hands:1.2)", &[0, 1], 0),
        ("bad-(hands)", &[], 3),
        ("a <cat>.", &[3, 4, 5], 2),
        ("x<CAT>x<cat>_2", &[3, 4, 5, 5], 2),
        ("<cat-toy> (<cat>_1)", &[6, 4], 0),
        ("< cat >", &[], 3),
    ] {
        assert_eq!(found(&tokenizer, prompt), (learned.to_vec(), others), "{prompt}");
    }
    let refused = |words: &[(&str, u32)]| match with_words(words) {
        Err(Error::Request { field: "embedding", reason }) => reason,
        other => panic!("{:?}", other.map(|_| ())),
    };
    assert!(refused(&[("cat", 1), ("CAT", 1)]).contains("cannot be called `CAT`"));
    assert!(refused(&[("<cat>", 1), ("<CAT>", 1)]).contains("that is a word already"));
    assert!(refused(&[("<|endoftext|>", 1)]).contains("that is a word already"));
    assert!(refused(&[(" ", 1)]).contains("cannot be called"));
    assert!(refused(&[("cat", 76)]).contains("76 vectors, but a prompt has room for 75"));
}

#[test]
fn a_word_is_not_torn_at_a_chunks_border() {
    let tokenizer = with_words(&[("bad-hands", 8), ("whole", 75)]).unwrap();
    let read = |prompt: &str, long_prompt| {
        let options = PromptOptions { long_prompt, ..PromptOptions::default() };
        Prompt::read(&tokenizer, "prompt", prompt, &options).unwrap()
    };
    // How many tokens each chunk has before its end.
    let lengths = |prompt: &str| -> Vec<usize> {
        let chunks = read(prompt, LongPrompt::Chunks).chunks;
        let end = |ids: &[u32]| ids.iter().position(|id| *id == tokenizer.end()).unwrap() - 1;
        chunks.iter().map(|chunk| end(&chunk.ids)).collect()
    };
    let words = |count| "word ".repeat(count);
    assert_eq!(lengths(&format!("{}bad-hands", words(67))), [75]);
    assert_eq!(lengths(&format!("{}bad-hands", words(68))), [68, 8]);
    assert_eq!(lengths(&format!("{}, {}bad-hands end", words(60), words(14))), [61, 23]);
    assert_eq!(lengths(&format!("{}whole {}", words(1), words(1))), [1, 75, 1]);
    let cut = read(&format!("{}bad-hands end", words(72)), LongPrompt::Truncate);
    assert_eq!(cut.chunks[0].ids[73..76], [49_408, 49_409, 49_410], "as diffusers cuts");
    assert_eq!((cut.token_count, cut.cut.as_deref()), (75, Some("bad-hands end")));
}

/// Many files of diffusers are called `learned_embeds`: then each has its token alone.
#[test]
fn a_name_that_two_files_have_calls_neither() {
    let open = |tokens: &[&str]| {
        let embeddings = tokens.iter().map(|token| {
            let one = file(&[(token, &[32])]);
            embedding(&one, one.file(), None).unwrap()
        });
        let mut files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
        files.set_embeddings(&embeddings.collect::<Vec<_>>()).unwrap();
        block_on(files.tokenizer(&FileSource::new(tiny()))).unwrap()
    };
    let tokenizer = open(&["<b>", "<c>"]);
    assert_eq!(found(&tokenizer, "a <b> <c>"), (vec![0, 1], 1));
    assert_eq!(found(&open(&["<b>"]), "a <b>"), (vec![0, 0], 0));
}
