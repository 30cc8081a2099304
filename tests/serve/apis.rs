//! Every path of the three APIs: what it answers, and that its picture is the program's.

use super::generated::generated;
use super::service::{Answer, Service};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use darkroom::image::{Rgba, png};
use serde_json::{Value, json};

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// A picture of one colour whose left half has this opacity.
fn half(opacity: u8) -> Vec<u8> {
    let pixels =
        (0..64 * 64).flat_map(|at| [200, 40, 40, if at % 64 < 32 { opacity } else { 255 }]);
    png::encode(&Rgba::new(64, 64, pixels.collect()), &[]).unwrap()
}

#[test]
fn the_three_apis_give_the_picture_of_the_program() {
    let service = Service::start(&[]);
    let file = generated("serve-same", &[]);
    let asked = json!({ "prompt": "a red cat", "seed": 7, "n": 2, "size": "64x64" });
    let answer = service.post("/v1/images/generations", &asked).json();
    let small = ["--width", "64", "--height", "64"];
    assert!(decoded(&answer["data"][0]["b64_json"]) == generated("serve-same", &small));
    assert_eq!(answer["data"][1]["seed"], 8);

    let made = service.post("/api/jobs", &json!({ "prompt": "a red cat", "seed": "7" }));
    assert_eq!(made.status, 202);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(service.until(&id, &["done"])["safety"], "missing");
    assert!(service.get(&format!("/api/jobs/{id}/picture")).body == file);
    let events = service.get(&format!("/api/jobs/{id}/events"));
    assert!(String::from_utf8_lossy(&events.body).contains("\"status\":\"done\""));
    assert_eq!(service.ask(&format!("DELETE /api/jobs/{id}"), "", b"").status, 204);
    assert_eq!(service.get(&format!("/api/jobs/{id}")).status, 404);
    assert_eq!(service.get("/api/capabilities").json()["queue"]["most"], 16);

    let web = json!({
        "prompt": "a red cat", "seed": 7, "sampler_name": "DPM++ 2M Karras", "cfg_scale": 5,
        "steps": 2, "width": 64, "height": 64,
    });
    let answer = service.post("/sdapi/v1/txt2img", &web).json();
    let same = generated(
        "serve-same",
        &[
            "--sampler",
            "dpmpp_2m",
            "--sigmas",
            "karras",
            "--guidance",
            "5",
            "--as-in",
            "a1111",
            "--rng",
            "philox",
            "--prompt-syntax",
            "a1111",
            "--long-prompt",
            "chunks",
            "--width",
            "64",
            "--height",
            "64",
        ],
    );
    assert!(decoded(&answer["images"][0]) == same);
    let info: Value = serde_json::from_str(answer["info"].as_str().unwrap()).unwrap();
    assert_eq!((&info["seed"], &info["sampler_name"]), (&json!(7), &json!("DPM++ 2M")));

    let read = service.post("/sdapi/v1/png-info", &json!({ "image": answer["images"][0] })).json();
    assert_eq!(read["info"], info["infotexts"][0]);
    assert_eq!(read["parameters"]["Prompt"], "a red cat");
}

#[test]
fn pictures_are_edited_under_masks() {
    let service = Service::start(&[]);
    let opaque = half(255);
    let part = |name: &str, file: &[u8]| {
        let name = format!("name=\"{name}\"; filename=\"a.png\"\r\nContent-Type: image/png");
        [format!("--b\r\nContent-Disposition: form-data; {name}\r\n\r\n").as_bytes(), file, b"\r\n"]
            .concat()
    };
    let field = |name: &str, text: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let fields = field("prompt", "7") + &field("seed", "3") + &field("steps", "2") + "--b--\r\n";
    let edit = |parts: &[Vec<u8>]| {
        let body = [&parts.concat()[..], fields.as_bytes()].concat();
        let kind = "Content-Type: multipart/form-data; boundary=b\r\n";
        service.ask("POST /v1/images/edits", kind, &body)
    };
    let answer = edit(&[part("image", &opaque), part("mask", &half(0))]);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    // The right half was opaque: it is as it was.
    let kept = |file: &[u8]| {
        let picture = png::decode("a", file).unwrap().picture;
        let row = &picture.pixels()[..picture.width() as usize * 4];
        [row[..4] == [200, 40, 40, 255], row.ends_with(&[200, 40, 40, 255])]
    };
    assert_eq!(kept(&decoded(&answer.json()["data"][0]["b64_json"])), [false, true]);
    let whole = edit(&[part("image", &opaque), part("mask", &opaque)]);
    assert_eq!((whole.status, &whole.json()["error"]["param"]), (400, &json!("mask")));

    let white: Vec<u8> =
        (0..64 * 64).flat_map(|at| [if at % 64 < 32 { 255 } else { 0 }; 4]).collect();
    let mask = png::encode(&Rgba::new(64, 64, white), &[]).unwrap();
    for (inverted, wanted) in [(0, [false, true]), (1, [true, false])] {
        let asked = json!({
            "prompt": "a cat", "init_images": [STANDARD.encode(&opaque)], "steps": 2,
            "mask": format!("data:image/png;base64,{}", STANDARD.encode(&mask)), "mask_blur": 0,
            "inpainting_fill": 1, "inpainting_mask_invert": inverted, "inpaint_full_res": false,
            "width": 64, "height": 64, "denoising_strength": 1,
        });
        let answer = service.post("/sdapi/v1/img2img", &asked);
        assert_eq!(answer.status, 200, "{}", answer.json());
        assert_eq!(kept(&decoded(&answer.json()["images"][0])), wanted);
    }
}

#[test]
fn the_lists_of_both_foreign_apis_are_there() {
    let service = Service::start(&[]);
    let names = |path: &str, field: &str| -> Vec<Value> {
        let all = service.get(path).json();
        all.as_array().unwrap().iter().map(|one| one[field].clone()).collect()
    };
    assert!(names("/sdapi/v1/samplers", "name").contains(&json!("Euler a")));
    assert!(names("/sdapi/v1/schedulers", "label").contains(&json!("Karras")));
    let model = names("/sdapi/v1/sd-models", "title")[0].clone();
    let options = service.get("/sdapi/v1/options").json();
    assert_eq!(options["sd_model_checkpoint"], model);
    assert_eq!(
        service.post("/sdapi/v1/options", &json!({"sd_model_checkpoint": model})).status,
        200
    );
    let other = service.post("/sdapi/v1/options", &json!({"sd_model_checkpoint": "other"}));
    assert_eq!(
        (other.status, &other.json()["detail"][0]["loc"][1]),
        (422, &json!("sd_model_checkpoint"))
    );
    assert_eq!(service.get("/v1/models").json()["data"][0]["id"], model);
    assert_eq!(service.get("/v1/models/other").status, 404);
    assert_eq!(service.get("/sdapi/v1/progress").json()["progress"], 0.0);
}

#[test]
fn wrong_fields_are_named_in_each_apis_own_shape() {
    let service = Service::start(&[]);
    for (body, field) in [
        (json!({"prompt": 1}), "prompt"),
        (json!({}), "prompt"),
        (json!({"prompt": "a", "n": 0}), "n"),
        (json!({"prompt": "a", "n": 2.5}), "n"),
        (json!({"prompt": "a", "size": "wide"}), "size"),
        (json!({"prompt": "a", "size": "63x64"}), "size"),
        (json!({"prompt": "a", "response_format": "url"}), "response_format"),
        (json!({"prompt": "a", "quality": "hd"}), "quality"),
        (json!({"prompt": "a", "steps": "many"}), "steps"),
        (json!({"prompt": "a", "sampler": "DPM adaptive"}), "sampler"),
        (json!({"prompt": "a", "magic": 1}), "magic"),
    ] {
        let answer = service.post("/v1/images/generations", &body);
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["param"]), (400, &json!(field)), "{body}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    for (body, field) in [
        (json!({"steps": "many"}), "steps"),
        (json!({"sampler_name": "magic"}), "sampler_name"),
        (json!({"scheduler": "Polyexponential"}), "scheduler"),
        (json!({"styles": ["a"]}), "styles"),
        (json!({"alwayson_scripts": {"ControlNet": {}}}), "alwayson_scripts"),
        (json!({"override_settings": {"sd_vae": "other"}}), "override_settings.sd_vae"),
        (json!({"restore_faces": true}), "restore_faces"),
        (json!({"batch_size": 0}), "batch_size"),
        (json!({"cfg_scale": 1e300}), "cfg_scale"),
    ] {
        let answer = service.post("/sdapi/v1/txt2img", &body);
        let place = &answer.json()["detail"][0]["loc"];
        assert_eq!((answer.status, place), (422, &json!(["body", field])), "{body}");
    }
    for (body, field) in [
        (json!({"seed": "x"}), "seed"),
        (json!({"init": "x.png"}), "init"),
        (json!({"controls": [{}]}), "controls"),
        (json!({"count": 2}), "count"),
    ] {
        let answer = service.post("/api/jobs", &body);
        assert_eq!(
            (answer.status, &answer.json()["error"]["field"]),
            (400, &json!(field)),
            "{body}"
        );
    }
    let kind = "Content-Type: application/json\r\n";
    assert_eq!(service.ask("POST /api/jobs", kind, b"{").json()["error"]["kind"], "json");
    assert_eq!(service.ask("POST /api/jobs", kind, b"[]").status, 400);
    assert_eq!(service.ask("POST /api/jobs", "Content-Type: text/plain\r\n", b"{}").status, 415);
}

/// Clients of AUTOMATIC1111's API send all fields each time. What a sampler or model does not read
/// there changes nothing here; what it does read is honoured or refused.
#[test]
fn fields_that_are_not_read_there_change_nothing() {
    let service = Service::start(&[]);
    let ask = |more: &[(&str, Value)]| {
        let mut asked = json!({
            "prompt": "a red cat", "seed": 7, "width": 64, "height": 64, "sampler_name": "Euler",
        });
        more.iter().for_each(|(name, value)| asked[*name] = value.clone());
        service.post("/sdapi/v1/txt2img", &asked)
    };
    let image = |answer: Answer| answer.json()["images"][0].clone();
    let plain = image(ask(&[]));
    assert_eq!(plain, image(ask(&[("eta", json!(1)), ("image_cfg_scale", json!(1.5))])));
    let ancestral = ("sampler_name", json!("Euler a"));
    assert_eq!(ask(&[ancestral.clone(), ("eta", json!(1.0))]).status, 200);
    assert_eq!(ask(&[ancestral, ("eta", json!(0.5))]).status, 422);
    let ddim = ("sampler_name", json!("DDIM"));
    let noisy = image(ask(&[ddim.clone(), ("eta", json!(1.0))]));
    assert_ne!(noisy, image(ask(&[ddim])));
}

/// What only the run finds names the field as well.
#[test]
fn a_fault_of_the_run_names_its_field() {
    let service = Service::start(&[]);
    let asked = json!({ "prompt": "a", "steps": 1000 });
    let id = service.post("/api/jobs", &asked).json()["id"].as_str().unwrap().to_owned();
    let failed = service.until(&id, &["failed", "done"]);
    assert_eq!(failed["error"]["field"], "steps", "{failed}");
    let answer = service.post("/v1/images/generations", &asked);
    assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!("steps")));
}
