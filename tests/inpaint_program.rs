//! Masks and outpainting on the command line, and in its lists.

use crate::hostile::zip_of;
use crate::img2img::initial;
use crate::inpaint::tiny_with;
use crate::made_up::{program, scratch, tiny};
use crate::masks::mask;
use darkroom::image::png;
use darkroom::pipeline::Request;

#[test]
fn the_program_takes_masks_and_grows_pictures() {
    let folder = scratch("mask");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    std::fs::write(path("start.png"), png::encode(&initial(64, 48), &[]).unwrap()).unwrap();
    std::fs::write(path("mask.png"), png::encode(&mask(64, 48), &[]).unwrap()).unwrap();
    let model = tiny().to_str().unwrap();
    let common = ["generate", "--device", "cpu", "--model", model, "--steps", "2"];
    let run = |rest: &[&str]| program(&[&common[..], &["--prompt", "a cat"], rest].concat());
    let (start, masks, out) = (path("start.png"), path("mask.png"), path("out.png"));
    let begin = ["--init", &start, "--mask", &masks, "--width", "64", "--height", "48"];
    let output = run(&[&begin[..], &["--mask-blur", "2", "--out", &out]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let picture = png::decode("out.png", &std::fs::read(&out).unwrap()).unwrap();
    let parameters = picture.text(png::PARAMETERS).unwrap();
    assert!(parameters.contains("Denoising strength: 1, "), "{parameters}");
    assert!(parameters.contains("Mask blur: 2"), "{parameters}");
    let again = Request::from_json(picture.text(png::DARKROOM).unwrap()).unwrap();
    assert_eq!((again.mask_blur, again.strength), (2.0, Some(1.0)));
    assert_eq!(picture.picture.pixels()[..3], initial(64, 48).pixels()[..3]);

    // Only the masked part, at its own size, put back.
    let crop = ["--init", &start, "--mask", &masks, "--width", "32", "--height", "32"];
    let output = run(&[&crop[..], &["--only-masked", "4", "--out", &out]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let picture = png::decode("out.png", &std::fs::read(&out).unwrap()).unwrap();
    assert_eq!((picture.picture.width(), picture.picture.height()), (64, 48));
    let parameters = picture.text(png::PARAMETERS).unwrap();
    assert!(parameters.contains("Size: 32x32"), "{parameters}");
    assert!(parameters.contains("Masked area padding: 4"), "{parameters}");

    // A larger canvas, with sides of multiples of eight.
    let output = run(&["--init", &start, "--outpaint", "0,0,30,8", "--out", &out]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let picture = png::decode("out.png", &std::fs::read(&out).unwrap()).unwrap();
    assert_eq!((picture.picture.width(), picture.picture.height()), (96, 56));
    assert_eq!(picture.picture.pixels()[..3], initial(64, 48).pixels()[..3]);

    for (arguments, what) in [
        (vec!["--mask", &masks], "initial picture is missing"),
        (vec!["--outpaint", "1,2"], "four whole numbers"),
        (vec!["--init", &start, "--outpaint", "0,0,0,0"], "must grow"),
        (vec!["--init", &start, "--mask-blur", "3"], "mask is missing"),
    ] {
        let output = run(&[&arguments[..], &["--out", &out]].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(what), "{arguments:?}: {told}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// The files that a line names are beside the list, or with it in the zip of the page's export.
#[test]
fn a_list_brings_its_files_along() {
    let folder = scratch("mask-list");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let common = ["generate", "--device=cpu", "--model", tiny().to_str().unwrap(), "--steps=2"];
    let line = |file: &str, folders: [&str; 2], mask: &str| {
        let (init, mask) = (format!("{}start.png", folders[0]), format!("{}{mask}", folders[1]));
        let line = serde_json::json!({
            "prompt": "a cat", "width": 64, "height": 48, "init": init, "mask": mask, "file": file,
        });
        format!("{line}\n")
    };
    let [start, mask] = [initial(64, 48), mask(64, 48)];
    let [start, mask] = [start, mask].map(|picture| png::encode(&picture, &[]).unwrap());
    std::fs::write(path("start.png"), &start).unwrap();
    std::fs::write(path("mask.png"), &mask).unwrap();
    let of = |folders: [&str; 2]| {
        [line("a.png", folders, "mask.png"), line("b.png", folders, "nowhere.png")].concat()
    };
    let folders = ["start-images/", "masks/"];
    // What has the same name in another folder comes first, and is another picture.
    let zip = zip_of(&[
        ("old/start-images/start.png", &mask),
        ("start-images/start.png", &start),
        ("masks/mask.png", &mask),
        ("requests.jsonl", of(folders).as_bytes()),
    ]);
    let mut made = Vec::new();
    for (list, bytes) in [("list.jsonl", of(["", ""]).as_bytes()), ("list.zip", &zip)] {
        std::fs::write(path(list), bytes).unwrap();
        let all = path(&format!("all-{list}"));
        let output = program(&[&common[..], &["--jobs", &path(list), "--out-dir", &all]].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains("b.png failed"), "{told}");
        assert!(told.contains("nowhere.png") && !told.contains("Fetch"), "{told}");
        made.push(std::fs::read(format!("{all}/a.png")).unwrap_or_else(|_| panic!("{told}")));
    }
    assert!(made[0] == made[1]);
    // A zip file from someone else reads nothing that is not in it.
    let control = |file: &str| {
        let one = serde_json::json!({ "file": file, "image": "a.png" });
        serde_json::json!({ "prompt": "a", "controls": [one] })
    };
    let init = |path: &str| serde_json::json!({ "prompt": "a", "init": path });
    let nets = ["../net.safetensors", "/net.safetensors"].map(control);
    for line in [init("../start.png"), init(&path("start.png"))].into_iter().chain(nets) {
        let zip = zip_of(&[("requests.jsonl", line.to_string().as_bytes())]);
        std::fs::write(path("other.zip"), zip).unwrap();
        let jobs = ["--jobs", &path("other.zip"), "--out-dir", &path("none")];
        let output = program(&[&common[..], &jobs].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains("leads out of the zip"), "{told}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// A checkpoint of 9 or 8 channels in one file is the same model, and can be verified.
#[test]
fn the_program_knows_models_of_further_channels() {
    let folder = scratch("channels");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    std::fs::write(path("start.png"), png::encode(&initial(64, 64), &[]).unwrap()).unwrap();
    std::fs::write(path("mask.png"), png::encode(&mask(64, 64), &[]).unwrap()).unwrap();
    for (channels, masks) in [(9, true), (8, false)] {
        let model = tiny_with(channels).to_str().unwrap();
        let (file, tokenizer) =
            (path(&format!("{channels}.safetensors")), format!("{model}/tokenizer"));
        let to = ["convert", "--model", model, "--to", &file, "--tokenizer", &tokenizer];
        let output = program(&to);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (start, mask) = (path("start.png"), path("mask.png"));
        let draw = |place: &[&str], out: &str| {
            let given = ["generate", "--device", "cpu", "--prompt", "a cat", "--steps", "2"];
            let begin = ["--init", &start, "--width", "64", "--height", "64", "--out", out];
            let masks: &[&str] = if masks { &["--mask", &mask] } else { &[] };
            let output = program(&[&given, &begin[..], masks, place].concat());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            png::decode(out, &std::fs::read(out).unwrap()).unwrap().picture
        };
        let of_folder = draw(&["--model", model], &path("a.png"));
        let of_file = draw(&["--model", &file, "--tokenizer", &tokenizer], &path("b.png"));
        assert!(of_folder == of_file, "{channels} channels");
    }
    let output = program(&["verify", "--model", tiny_with(9).to_str().unwrap()]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_dir_all(folder).unwrap();
}
