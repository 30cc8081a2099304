//! Every parser of what comes from outside, on seeded mutations of its corpus: a short run of what
//! `scripts/fuzz/run` does for minutes. The corpora are what libFuzzer kept, so that mutations
//! begin deep inside.

use crate::harness::mutate::mutate;
use crate::harness::parsers::{PARSERS, Parser};
use crate::harness::random::Random;
use darkroom::weights::tar;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Mutations of each parser.
const MUTATIONS: usize = 4_000;

/// No input of a corpus is larger, so none may take as long as this, however busy the machine.
const SLOWEST: Duration = Duration::from_secs(10);

/// The files of a corpus.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join(format!("scripts/fuzz/corpora/{name}.tar"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut files, mut rest) = (vec![], &bytes[..]);
    while let Some((block, after)) = rest.split_first_chunk() {
        let Some((_, size)) = tar::parse(block).unwrap() else { break };
        files.push(after[..size as usize].to_vec());
        rest = &after[(size as usize).next_multiple_of(block.len())..];
    }
    files
}

fn survives((name, parse): Parser) {
    let corpus = corpus(name);
    assert!(corpus.len() >= 3, "{name}: a corpus of {}", corpus.len());
    let random = Random::new(name);
    let mut slowest = Duration::ZERO;
    for index in 0..MUTATIONS {
        let bytes = match corpus.get(index) {
            Some(kept) => kept.clone(),
            None => mutate(&corpus[random.below(index, corpus.len())], &random, index),
        };
        let begun = Instant::now();
        parse(&bytes);
        slowest = slowest.max(begun.elapsed());
    }
    println!("{name}: {MUTATIONS} of {} files, {slowest:?} at most", corpus.len());
    assert!(slowest < SLOWEST, "{name}: {slowest:?}");
}

#[test]
fn every_parser_survives_mutations_of_its_corpus() {
    for parser in PARSERS {
        survives(parser);
    }
}
