//! LoRAs that are damaged, of every kind: a typed error or a correct load, never a panic, and no
//! more memory than the file's own size justifies. Textual inversions are in `embeddings`, TAESDs
//! in `hostile`.

use crate::harness::allocations::most_held;
use crate::harness::bytes::Bytes;
use crate::harness::mutate::mutate;
use crate::harness::random::Random;
use crate::hostile::{BASE, FACTOR, MUTATIONS};
use darkroom::dtype::FileType;
use darkroom::weights::{Archive, Lora, Merge, SafetensorsWriter};
use darkroom::{Error, Result};
use pollster::block_on;
use std::sync::Arc;

/// Layers by their kinds: the module, and the tensors of its change.
type Layer = (&'static str, &'static [(&'static str, &'static [usize])]);

const KINDS: [(&str, &[Layer]); 5] = [
    (
        "LoRA",
        &[
            ("lora_unet_a", &[("lora_down.weight", &[2, 4]), ("lora_up.weight", &[8, 2])]),
            (
                "lora_unet_b",
                &[
                    ("lora_down.weight", &[2, 4, 3, 3]),
                    ("lora_up.weight", &[8, 2, 1, 1]),
                    ("alpha", &[]),
                ],
            ),
            ("unet.c", &[("lora_A.weight", &[1, 4]), ("lora_B.weight", &[4, 1])]),
        ],
    ),
    (
        "LoCon and DoRA",
        &[
            (
                "lora_unet_b",
                &[
                    ("lora_down.weight", &[2, 4, 1, 1]),
                    ("lora_mid.weight", &[2, 2, 3, 3]),
                    ("lora_up.weight", &[8, 2, 1, 1]),
                    ("dora_scale", &[8, 1, 1, 1]),
                ],
            ),
            (
                "lora_unet_a",
                &[
                    ("lora_down.weight", &[2, 4]),
                    ("lora_up.weight", &[8, 2]),
                    ("dora_scale", &[1, 4]),
                ],
            ),
        ],
    ),
    (
        "LoHa",
        &[(
            "lora_unet_b",
            &[
                ("hada_w1_a", &[2, 8]),
                ("hada_w1_b", &[2, 4]),
                ("hada_t1", &[2, 2, 3, 3]),
                ("hada_w2_a", &[2, 8]),
                ("hada_w2_b", &[2, 4]),
                ("hada_t2", &[2, 2, 3, 3]),
                ("alpha", &[]),
            ],
        )],
    ),
    (
        "LoKr",
        &[
            (
                "lora_unet_a",
                &[("lokr_w1", &[2, 2]), ("lokr_w2_a", &[4, 1]), ("lokr_w2_b", &[1, 2])],
            ),
            (
                "lora_unet_b",
                &[("lokr_w1_a", &[2, 1]), ("lokr_w1_b", &[1, 2]), ("lokr_w2", &[4, 2, 3, 3])],
            ),
        ],
    ),
    ("differences", &[("lora_unet_c", &[("diff", &[4, 4]), ("diff_b", &[4])])]),
];

/// The UNet that they change: the shapes of its weights, all of zeros.
fn unet() -> Archive {
    let shapes = [
        ("a.weight", vec![8, 4]),
        ("b.weight", vec![8, 4, 3, 3]),
        ("c.weight", vec![4, 4]),
        ("c.bias", vec![4]),
    ];
    let shapes = shapes.map(|(name, shape)| (name.to_owned(), shape));
    Archive::of_shapes("unet", FileType::F32, shapes.to_vec())
}

/// A file of these layers, with numbers of their places.
fn file(layers: &[Layer]) -> Vec<u8> {
    let tensor =
        |layer: &str, (part, shape): &(&str, &[usize])| (format!("{layer}.{part}"), shape.to_vec());
    let tensors: Vec<_> = layers
        .iter()
        .flat_map(|(layer, parts)| parts.iter().map(move |part| tensor(layer, part)))
        .collect();
    let described: Vec<_> =
        tensors.iter().map(|(name, shape)| (name.as_str(), FileType::F32, shape.clone())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), "a", &described, &[]).unwrap();
    for (_, shape) in &tensors {
        for i in 0..shape.iter().product() {
            writer.write(&((i % 7) as f32 * 0.2 - 0.6).to_le_bytes()).unwrap();
        }
    }
    writer.finish().unwrap()
}

/// Opens a file, adds it to the UNet and computes each changed weight; how many there are.
fn change(bytes: Vec<u8>) -> Result<usize> {
    let source = Bytes::checkpoint(bytes);
    let unet = unet();
    block_on(async {
        let lora = Lora::open(&source, "a").await?;
        lora.read_all_layers().await?;
        let merge = Merge::into_unet(&lora, (&unet, &[]), 1.0).await?;
        let count = merge.len();
        let changed = unet.changed(Arc::new(merge));
        for info in changed.tensors() {
            let zeros = vec![0; info.elements() * 4];
            let mut values = Vec::new();
            changed.decode_rows(info, 0..info.shape[0], &zeros, &mut values).await?;
            assert_eq!(values.len(), info.elements());
        }
        Ok(count)
    })
}

#[test]
fn damaged_loras() {
    for (kind, layers) in KINDS {
        let valid = file(layers);
        // The difference of a bias is a change of its own.
        assert!(change(valid.clone()).unwrap() >= layers.len(), "{kind}");
        let random = Random::new(kind);
        let mut opened = 0;
        for index in 0..MUTATIONS {
            let bytes = mutate(&valid, &random, index);
            let size = bytes.len();
            let (answer, held) = most_held(|| change(bytes));
            assert!(held <= FACTOR * size + BASE, "{kind} {index}: {held} bytes held for {size}");
            match answer {
                Ok(_) => opened += 1,
                Err(Error::BadFile { .. } | Error::Unfit { .. }) => {}
                Err(other) => panic!("{kind} {index}: {other:?}"),
            }
        }
        println!("{kind}: {opened} of {MUTATIONS} could be opened");
        assert!((10..MUTATIONS - 500).contains(&opened), "{kind}: {opened}");
    }
}
