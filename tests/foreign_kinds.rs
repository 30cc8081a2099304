//! What is no checkpoint is told by its name and what it is for, from the file's header alone.

use crate::foreign::{Parts, single};
use crate::harness::bytes::Bytes;
use crate::harness::golden;
use darkroom::Error;
use darkroom::weights::Ldm;
use pollster::block_on;
use serde_json::Value;

/// What is said of a file.
fn said(bytes: Vec<u8>) -> String {
    let error = block_on(Ldm::open(&Bytes::checkpoint(bytes.clone()), "a")).err().unwrap();
    println!("{error}");
    // The same is said before a file is kept.
    let judged = block_on(Ldm::check(&Bytes::checkpoint(bytes), "a")).unwrap_err();
    assert_eq!(judged.to_string(), error.to_string());
    assert!(matches!(error, Error::OtherModel { .. } | Error::BadFile { .. }), "{error:?}");
    error.to_string()
}

/// Names and shapes.
type Tensors<'a> = &'a [(&'a str, &'a [usize])];

#[test]
fn what_is_no_checkpoint_has_a_name_and_a_purpose() {
    let one = |names: &[(&str, &[usize])]| {
        let empty = Parts { metadata: Value::Null, tensors: Vec::new() };
        names.iter().fold(empty, |parts, (name, shape)| {
            parts.with(name, "F32", shape, 4 * shape.iter().product::<usize>())
        })
    };
    let unet = "model.diffusion_model.input_blocks.0.0.weight";
    let cases: [(&str, Tensors<'_>); 16] = [
        (
            "a LoRA, a small change",
            &[("lora_unet_a.lora_down.weight", &[4, 4]), ("lora_unet_a.alpha", &[])],
        ),
        ("a LoRA, a small change", &[("unet.down.0.processor.to_q_lora.down.weight", &[4, 4])]),
        ("a LoRA, a small change", &[("x.hada_w1_a", &[4, 4])]),
        (
            "a motion module of AnimateDiff",
            &[("down_blocks.0.motion_modules.0.temporal_transformer.norm.weight", &[4])],
        ),
        ("a TAESD", &[("decoder.layers.0.weight", &[4, 4])]),
        ("a TAESD", &[("1.weight", &[4, 4]), ("3.conv.0.weight", &[4, 4])]),
        ("a TAESD", &[("taesd_decoder.1.weight", &[4, 4])]),
        ("an upscaler", &[("body.0.rdb1.conv1.weight", &[4, 4])]),
        (
            "an IP-Adapter",
            &[("image_proj.proj.weight", &[4]), ("ip_adapter.1.to_k_ip.weight", &[4])],
        ),
        (
            "a ControlNet",
            &[("controlnet_cond_embedding.conv_in.weight", &[4]), ("down_blocks.0.x", &[1])],
        ),
        ("a textual inversion", &[("<cat>", &[1, 768])]),
        ("Stable Diffusion XL", &[("conditioner.embedders.0.a", &[1]), (unet, &[4, 4])]),
        ("Stable Diffusion 3", &[("model.diffusion_model.joint_blocks.0.x", &[4])]),
        (
            "a checkpoint of Flux",
            &[
                ("model.diffusion_model.double_blocks.0.x", &[4]),
                ("text_encoders.clip_l.transformer.text_model.x", &[1]),
                ("vae.decoder.conv_in.weight", &[1]),
            ],
        ),
        ("a language model", &[("transformer.h.0.attn.c_attn.weight", &[4])]),
        (
            "a safety checker",
            &[("concept_embeds", &[17]), ("vision_model.a", &[1]), ("vision_model.b", &[1])],
        ),
    ];
    for (words, names) in cases {
        let said = said(one(names).write());
        assert!(said.contains(words), "{words}: {said}");
    }
    // Read without their scales the numbers would be those of another model.
    for name in ["scaled_fp8", "model.diffusion_model.out.2.scale_weight"] {
        let said = said(single().with(name, "F32", &[1], 4).write());
        assert!(said.contains("eight-bit floats with scales of their own"), "{name}: {said}");
    }
    for (file, words) in [("hypernetwork.pt", "a hypernetwork"), ("upscaler.pt", "an upscaler")] {
        let said = said(golden::bytes(&format!("foreign/{file}")));
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_servers_answer_is_told_with_its_first_words() {
    let answers: [(&str, &[u8]); 6] = [
        ("“Entry not found”", b"Entry not found"),
        ("a web page", b"\xef\xbb\xbf<!DOCTYPE html><html><title>Log in</title></html>"),
        ("“<!-- hello --><html>”", b"<!-- hello --><html>    "),
        ("<Code>AccessDenied", b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"),
        ("a JSON text", b"{\"error\":\"Access to model is restricted.\"}"),
        ("Git-LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 4\n"),
    ];
    for (words, bytes) in answers {
        let said = said(bytes.to_vec());
        assert!(said.contains(words), "{words}: {said}");
    }
}
