//! A model with a safety checker: what it flags leaves black, and each API says so.

use super::service::Service;
use crate::made_up::Golden;
use crate::safety::{CASES, guarded};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use darkroom::image::png;
use serde_json::{Value, json};

fn is_black(file: &[u8]) -> bool {
    let picture = png::decode("a", file).unwrap().picture;
    picture.pixels().as_chunks::<4>().0.iter().all(|pixel| *pixel == [0, 0, 0, 255])
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn a_flagged_picture_leaves_black_and_is_told() {
    let model = guarded("serve-guarded");
    let service = Service::of_model(&model);
    let golden = Golden::open(CASES);
    for (case, is_flagged) in [("flagged", true), ("passed", false)] {
        let seed = golden.array(&format!("pipeline.{case}.seed"))[0] as u64;
        let mut own: Value = serde_json::from_str(golden.text("request")).unwrap();
        own["seed"] = seed.to_string().into();
        let id = service.job(&own);
        let told = service.until(&id, &["done", "failed"]);
        assert_eq!(told["safety"], case, "{told}");
        let black = is_black(&service.get(&format!("/api/jobs/{id}/picture")).body);
        assert_eq!(black, is_flagged);

        let fields = own.as_object_mut().unwrap();
        fields.retain(|name, _| !["width", "height"].contains(&name.as_str()));
        own["size"] = "64x64".into();
        let answer = service.post("/v1/images/generations", &own).json();
        let one = &answer["data"][0];
        assert_eq!((&one["flagged"], &one["safety"]), (&json!(is_flagged), &json!(case)));
        assert_eq!(is_black(&decoded(&one["b64_json"])), is_flagged);

        let web = json!({
            "prompt": own["prompt"], "seed": seed, "steps": own["steps"], "sampler_name": "DDIM",
            "cfg_scale": own["guidance_scale"], "width": 64, "height": 64, "rng": "torch",
            "as_in": "diffusers",
        });
        let answer = service.post("/sdapi/v1/txt2img", &web).json();
        let info: Value = serde_json::from_str(answer["info"].as_str().unwrap()).unwrap();
        assert_eq!(info["flagged"], json!([is_flagged]), "{info}");
        assert_eq!(is_black(&decoded(&answer["images"][0])), is_flagged);
        let told = info["infotexts"][0].as_str().unwrap();
        assert_eq!(told.contains("replaced by black"), is_flagged, "{told}");
    }
    std::fs::remove_dir_all(model).unwrap();
}
