//! A second pass: by AUTOMATIC1111's API, and with an upscaler that a request names.

use super::generated::generated;
use super::service::Service;
use crate::harness::golden::path;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use darkroom::weights::sha256;
use serde_json::json;

#[test]
fn hires_fix_is_the_programs_second_pass() {
    let service = Service::start(&[]);
    let answer = service.post(
        "/sdapi/v1/txt2img",
        &json!({
            "prompt": "a red cat", "seed": 7, "steps": 2, "width": 64, "height": 64,
            "enable_hr": true, "hr_scale": 1.5, "hr_second_pass_steps": 3,
            "hr_upscaler": "Latent (nearest)", "denoising_strength": 0.6, "hr_resize_x": 0,
            "hr_sampler_name": "Use same sampler", "hr_prompt": "", "hr_cfg": 7,
        }),
    );
    assert_eq!(answer.status, 200, "{}", answer.json());
    let made = STANDARD.decode(answer.json()["images"][0].as_str().unwrap()).unwrap();
    let hires = ["--hires", "1.5", "--hires-steps", "3", "--hires-upscaler", "latent (nearest)"];
    let web_ui = ["--sampler", "euler", "--guidance", "7", "--as-in", "a1111", "--rng", "philox"];
    let prompts = ["--prompt-syntax", "a1111", "--long-prompt", "chunks"];
    let size = ["--hires-strength", "0.6", "--width", "64", "--height", "64"];
    assert!(made == generated("serve-hires-fix", &[&hires[..], &web_ui, &prompts, &size].concat()));
}

#[test]
fn a_request_may_name_the_upscaler_that_is_open() {
    let file = "tests/golden/upscaler/compact.pth";
    let digits = sha256(&std::fs::read(path(file)).unwrap());
    let service = Service::start(&["--upscaler", file]);
    assert_eq!(service.get("/api/capabilities").json()["upscaler"]["sha256"], digits);
    let wanted = generated("serve-upscaler", &["--hires", "1.5", "--upscaler", file]);
    let asked = |more: &[(&str, &str)]| {
        let mut asked = json!({ "prompt": "a red cat", "seed": "7", "hires_scale": 1.5 });
        more.iter().for_each(|(name, value)| asked[*name] = (*value).into());
        asked
    };
    let hashed = format!("another-name#{}", &digits[..10]);
    for named in [&hashed, "compact"] {
        let id = service.job(&asked(&[("upscaler", named)]));
        service.until(&id, &["done"]);
        assert!(service.get(&format!("/api/jobs/{id}/picture")).body == wanted, "{named}");
    }
    let refused = |service: &Service, more: &[(&str, &str)], words: &str| {
        let answer = service.post("/api/jobs", &asked(more));
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["field"]), (400, &json!("upscaler")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    };
    refused(&service, &[("upscaler", "compact#0000000000")], "another file");
    refused(&service, &[("upscaler", "compact#")], "another file");
    refused(&service, &[("upscaler", "other")], "another file");
    let lanczos = ("hires_upscaler", "lanczos");
    refused(&service, &[("upscaler", "compact"), lanczos], "has no use");
    refused(&Service::start(&[]), &[("upscaler", "compact")], "--upscaler");
}
