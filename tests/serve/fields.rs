//! The fields of both foreign APIs: all of them are taken, or change nothing, or are refused by
//! their name.

use super::service::{Answer, Service};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use darkroom::image::{Rgba, png};
use serde_json::{Map, Value, json};

/// A picture in base64, from the bytes of a pixel at a column.
fn picture(pixel: impl Fn(usize) -> [u8; 4]) -> Value {
    let pixels = (0..64 * 64).flat_map(|at| pixel(at % 64)).collect();
    STANDARD.encode(png::encode(&Rgba::new(64, 64, pixels), &[]).unwrap()).into()
}

fn red() -> Value {
    picture(|_| [200, 40, 40, 255])
}

/// With these fields over those of a small request.
fn asked(more: &Value) -> Value {
    let mut asked =
        json!({ "prompt": "a red cat", "seed": 7, "steps": 2, "width": 64, "height": 64 });
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    asked
}

fn edited(service: &Service, more: &Value) -> Answer {
    let mut all = asked(more);
    all["init_images"] = json!([red()]);
    service.post("/sdapi/v1/img2img", &all)
}

fn image(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{}", answer.json());
    STANDARD.decode(answer.json()["images"][0].as_str().unwrap()).unwrap()
}

/// The field that a 422 names.
fn named(answer: &Answer) -> Value {
    assert_eq!(answer.status, 422, "{}", answer.json());
    answer.json()["detail"][0]["loc"][1].clone()
}

/// Fields of `StableDiffusionProcessing` and of the API, v1.10.1, beside those of [`asked`], with
/// values that change nothing there either.
fn usual() -> Map<String, Value> {
    let all = json!({
        "negative_prompt": "", "styles": [], "subseed": -1, "subseed_strength": 0,
        "seed_resize_from_h": -1, "seed_resize_from_w": -1, "sampler_name": "Euler",
        "scheduler": "Automatic", "batch_size": 1, "n_iter": 1, "cfg_scale": 7,
        "restore_faces": false, "tiling": false, "do_not_save_samples": false,
        "do_not_save_grid": false, "eta": 0, "s_min_uncond": 0, "s_churn": 0, "s_tmax": 0,
        "s_tmin": 0, "s_noise": 1, "override_settings": {},
        "override_settings_restore_afterwards": true, "refiner_checkpoint": null,
        "refiner_switch_at": 0.8, "disable_extra_networks": false, "comments": {},
        "sampler_index": "Euler", "script_name": null, "script_args": [], "send_images": true,
        "save_images": false, "alwayson_scripts": {}, "force_task_id": "a", "infotext": null,
    });
    all.as_object().unwrap().clone()
}

#[test]
fn all_fields_of_the_web_uis_api_may_be_sent() {
    let service = Service::start(&[]);
    let mut drawn = usual();
    drawn.extend(json!({
        "enable_hr": false, "denoising_strength": 0.75, "firstphase_width": 0,
        "firstphase_height": 0, "hr_scale": 2, "hr_upscaler": "Latent", "hr_second_pass_steps": 9,
        "hr_resize_x": 128, "hr_resize_y": 128, "hr_checkpoint_name": "b", "hr_sampler_name": "c",
        "hr_scheduler": "d", "hr_prompt": "e", "hr_negative_prompt": "f", "firstpass_image": null,
    }).as_object().unwrap().clone());
    let plain = image(&service.post("/sdapi/v1/txt2img", &asked(&json!({}))));
    let all = service.post("/sdapi/v1/txt2img", &asked(&drawn.into()));
    assert!(plain == image(&all));
    let mut begun = usual();
    begun.extend(
        json!({
            "resize_mode": 0, "denoising_strength": 0.75, "image_cfg_scale": 1.5, "mask": null,
            "mask_blur_x": 4, "mask_blur_y": 4, "mask_blur": 4, "mask_round": false,
            "inpainting_fill": 0, "inpaint_full_res": true, "inpaint_full_res_padding": 0,
            "inpainting_mask_invert": 0, "initial_noise_multiplier": 1, "latent_mask": null,
            "include_init_images": true,
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let all = edited(&service, &begun.into());
    let short = edited(&service, &json!({}));
    assert!(image(&short) == image(&all));
    assert_eq!(all.json()["parameters"]["init_images"], json!([red()]));
    assert_eq!(short.json()["parameters"].get("init_images"), None);
}

/// As SillyTavern sends it: its own settings are in the body, with which that program does nothing.
#[test]
fn what_is_unknown_changes_nothing_and_is_told() {
    let service = Service::start(&[]);
    let plain = image(&service.post("/sdapi/v1/txt2img", &asked(&json!({}))));
    let own = json!({
        "url": "http://localhost:7860", "auth": "", "save_images": true, "send_images": true,
        "do_not_save_grid": false, "do_not_save_samples": false, "enable_hr": false,
        "hr_additional_modules": [], "override_settings_restore_afterwards": true,
    });
    let answer = service.post("/sdapi/v1/txt2img", &asked(&own));
    assert!(plain == image(&answer));
    let warnings = answer.json()["warnings"].to_string();
    for name in ["url", "auth", "save_images", "hr_additional_modules"] {
        assert!(warnings.contains(&format!("{name}:")), "{warnings}");
    }
}

#[test]
fn what_would_change_the_picture_is_refused_by_its_name() {
    let service = Service::start(&[]);
    let values = json!({
        "styles": ["a"], "subseed_strength": 0.5, "seed_resize_from_h": 64,
        "seed_resize_from_w": 64, "restore_faces": true, "tiling": true, "s_churn": 1,
        "s_noise": 1.1, "s_min_uncond": 1, "refiner_checkpoint": "a",
        "disable_extra_networks": true, "script_name": "a", "alwayson_scripts": {"a": {}},
        "infotext": "a", "save_images": "a",
    });
    for (name, value) in values.as_object().unwrap() {
        let answer = service.post("/sdapi/v1/txt2img", &asked(&json!({ name: value })));
        assert_eq!(named(&answer), *name);
    }
    let values = json!({
        "firstpass_image": "a", "firstphase_width": 8, "firstphase_height": 8, "hr_resize_x": 96,
        "hr_resize_y": 96, "hr_checkpoint_name": "a", "hr_sampler_name": "DDIM",
        "hr_scheduler": "Karras", "hr_prompt": "a", "hr_negative_prompt": "a", "hr_cfg": 2,
        "hr_scale": 0.5, "hr_second_pass_steps": 1001, "hr_upscaler": "magic",
        "denoising_strength": 2,
    });
    for (name, value) in values.as_object().unwrap() {
        let more = json!({ "enable_hr": true, name: value });
        assert_eq!(named(&service.post("/sdapi/v1/txt2img", &asked(&more))), *name);
    }
    let values = json!({
        "resize_mode": 1, "initial_noise_multiplier": 1.1, "latent_mask": "a",
        "inpainting_fill": 3, "mask_blur_y": 9, "mask": "a", "denoising_strength": 2,
        "inpaint_full_res": "a", "mask_round": false,
    });
    let mask = picture(|x| [if x < 32 { 255 } else { 0 }; 4].map(|it| it | u8::from(x == 64)));
    for (name, value) in values.as_object().unwrap() {
        let more = json!({ "mask": mask, "mask_blur_x": 4, name: value });
        assert_eq!(named(&edited(&service, &more)), *name);
    }
}

/// Without a word from the client latents are made anew as a whole or not at all, as there.
#[test]
fn masks_are_read_as_the_web_ui_reads_them() {
    let service = Service::start(&[]);
    let draw = |mask: Value, more: Value| {
        let mut all = json!({
            "mask": mask, "mask_blur": 0, "inpainting_fill": 1, "inpaint_full_res": false,
            "denoising_strength": 1,
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        image(&edited(&service, &all))
    };
    let grey = |left: u8, right: u8| {
        picture(move |x| {
            let value = if x < 32 { left } else { right };
            [value, value, value, 255]
        })
    };
    let white = draw(grey(255, 0), json!({}));
    assert!(white == draw(grey(255, 0), json!({ "mask_round": true })));
    // One number may be written in two ways.
    assert!(white == draw(grey(255, 0), json!({ "mask_blur_x": 0.0, "mask_blur_y": 0 })));
    let kept = |file: &[u8]| {
        let picture = png::decode("a", file).unwrap().picture;
        let row = &picture.pixels()[..64 * 4];
        [row[..4] == [200, 40, 40, 255], row[63 * 4..] == [200, 40, 40, 255]]
    };
    assert_eq!(kept(&white), [false, true]);
    // One with transparent pixels is opaque where the picture is made anew, whatever its colours.
    let clear =
        |left: u8, right: u8| picture(move |x| [0, 0, 0, if x < 32 { left } else { right }]);
    assert!(white == draw(clear(255, 0), json!({})));
    assert!(white == draw(clear(200, 100), json!({})));
    let inverted = draw(clear(255, 0), json!({ "inpainting_mask_invert": 1 }));
    assert_eq!(kept(&inverted), [true, false]);
}

/// What is found with the whole request has the name that the API, or the client, has for it.
#[test]
fn faults_of_the_run_have_the_apis_names() {
    let service = Service::start(&[]);
    let cases = [
        (json!({ "sampler_name": "magic" }), "sampler_name"),
        (json!({ "sampler_index": "magic" }), "sampler_index"),
        (json!({ "sampler": "magic" }), "sampler"),
        (json!({ "scheduler": "Polyexponential" }), "scheduler"),
        (json!({ "cfg_scale": "x" }), "cfg_scale"),
        (json!({ "guidance": "x" }), "guidance"),
        (json!({ "batch_size": 2000 }), "batch_size"),
        (json!({ "n_iter": 2000 }), "n_iter"),
        (json!({ "n_iter": 0 }), "n_iter"),
        (json!({ "alwayson_scripts": { "a": "b".repeat(10_000) } }), "alwayson_scripts"),
        (json!({ "enable_hr": true, "hr_upscaler": "file" }), "hr_upscaler"),
        (json!({ "enable_hr": true, "timesteps": "999, 500" }), "timesteps"),
        (json!({ "sampler_name": "DDIM", "steps": 1000 }), "steps"),
        (
            json!({ "override_settings": { "CLIP_stop_at_last_layers": 99 } }),
            "override_settings.CLIP_stop_at_last_layers",
        ),
    ];
    for (more, name) in cases {
        let answer = service.post("/sdapi/v1/txt2img", &asked(&more));
        assert_eq!(named(&answer), name, "{more}");
        let message = answer.json()["detail"][0]["msg"].as_str().unwrap().to_owned();
        let ours = ["timesteps", "steps", "sampler"].contains(&name);
        assert!(ours || message.contains(&format!("`{name}`")), "{message}");
        assert!(message.len() < 1000, "{message}");
    }
    let black = json!({ "mask": picture(|_| [0, 0, 0, 255]) });
    assert_eq!(named(&edited(&service, &black)), "mask");
    // Files that end early.
    let cut = |png: Value| png.as_str().unwrap()[..80].to_owned();
    let answer = edited(&service, &json!({ "mask": cut(picture(|_| [255; 4])) }));
    assert_eq!(named(&answer), "mask");
    let begun = asked(&json!({ "init_images": [cut(red())] }));
    assert_eq!(named(&service.post("/sdapi/v1/img2img", &begun)), "init_images");
    let id = service.job(&asked(&json!({ "init": cut(red()) })));
    assert_eq!(service.until(&id, &["failed"])["error"]["field"], "init");
    for (more, name) in [
        (json!({ "size": "63x64" }), "size"),
        (json!({ "width": 63 }), "width"),
        (json!({ "guidance": "x" }), "guidance"),
        (json!({ "guidance_scale": "x" }), "guidance_scale"),
        (json!({ "hires": 1.5, "hires_upscaler": "file" }), "hires_upscaler"),
        (json!({ "n": 1, "count": 40 }), "count"),
        (json!({ "style": "vivid" }), "style"),
        (json!({ "input_fidelity": "high" }), "input_fidelity"),
    ] {
        let mut all = json!({ "prompt": "a" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = service.post("/v1/images/generations", &all).json()["error"].clone();
        assert_eq!(error["param"], name, "{error}");
    }
}
