//! CLIP's tokenizer, embedded in the program, because all models of this kind share it and single
//! files have none. The tables are those of the built-in model (OpenAI's, under the MIT licence).

/// Names and bytes, as in a model's folder `tokenizer/`.
pub(crate) const FILES: &[(&str, &[u8])] = &[
    ("vocab.json", include_bytes!("../../../../web/models/demo/tokenizer/vocab.json")),
    ("merges.txt", include_bytes!("../../../../web/models/demo/tokenizer/merges.txt")),
    (
        "tokenizer_config.json",
        include_bytes!("../../../../web/models/demo/tokenizer/tokenizer_config.json"),
    ),
    (
        "special_tokens_map.json",
        include_bytes!("../../../../web/models/demo/tokenizer/special_tokens_map.json"),
    ),
];
