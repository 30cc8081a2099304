//! Other LoRAs for an opened model: the pictures are those of a model that was opened with them,
//! only what differs is read, memory stays as it was, and prompts name them.

use crate::harness::gpu::{self, Device};
use crate::loras::{LAYER, file, open_file, rank_1, shape_of_layer};
use crate::made_up::{program, scratch, tiny};
use crate::walk::request;
use darkroom::gpu::Gpu;
use darkroom::pipeline::{Control, Files, Options, Pipeline, Progress, Request, Weighted};
use darkroom::weights::{Archive, FileSource, LocalFuture, Source};
use darkroom::{Error, WeightType};
use pollster::block_on;
use std::cell::Cell;
use std::fs;
use std::ops::Range;
use std::rc::Rc;

const TEXT: &str = "text_model.encoder.layers.0.self_attn.q_proj";

/// A model's files, with the bytes that were read of them since the last look.
struct Counting {
    files: FileSource,
    read: Cell<u64>,
}

impl Source for Counting {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        self.files.size(path)
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        self.read.set(self.read.get() + range.end - range.start);
        self.files.read(path, range)
    }

    fn names_in(&self, folder: &str) -> Vec<String> {
        self.files.names_in(folder)
    }
}

fn counting() -> Rc<Counting> {
    Rc::new(Counting { files: FileSource::new(tiny()), read: Cell::new(0) })
}

fn archive(part: usize) -> Archive {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    files.archives()[part].1.clone()
}

/// The bytes of a tensor in the file.
fn bytes(part: usize, name: &str) -> u64 {
    let archive = archive(part);
    let range = &archive.get(&format!("{name}.weight")).unwrap().range;
    range.end - range.start
}

/// A LoRA of one layer of the UNet, and on wish one of the text encoder.
fn lora(name: &str, text: bool) -> Weighted {
    let [n, c] = shape_of_layer();
    let mut tensors = rank_1(&format!("lora_unet_{}", LAYER.replace('.', "_")), n, c).to_vec();
    if text {
        let shape = archive(0).get(&format!("{TEXT}.weight")).unwrap().shape.clone();
        tensors.extend(rank_1(&format!("lora_te_{}", TEXT.replace('.', "_")), shape[0], shape[1]));
    }
    Weighted::new(open_file(&file(&format!("{name}.safetensors"), &tensors)).unwrap(), 3.0)
}

fn of_weight(one: &Weighted, weight: f32) -> Weighted {
    Weighted { weight, text_encoder_weight: weight, ..one.clone() }
}

fn open(gpu: &Gpu, source: Rc<dyn Source>, loras: Vec<Weighted>) -> Pipeline {
    let options = Options { loras, ..Options::default() };
    block_on(Pipeline::open(gpu, source, &options, &Control::default())).unwrap()
}

fn draw(pipeline: &Pipeline, request: &Request) -> Vec<u8> {
    block_on(pipeline.generate(request, &Control::default())).unwrap().rgba
}

#[test]
fn the_text_encoder_can_be_left_as_it_is() {
    let files = || block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let name = "text_model.encoder.layers.0.self_attn.q_proj.weight";
    let mut left = files();
    let (_, text) = left.archives()[0];
    let [n, c] = text.get(name).unwrap().shape[..] else { panic!("a matrix") };
    let [unet_n, unet_c] = shape_of_layer();
    let key = format!("lora_te_{}", name.trim_end_matches(".weight").replace('.', "_"));
    let of_unet = format!("lora_unet_{}", LAYER.replace('.', "_"));
    let both = [rank_1(&key, n, c), rank_1(&of_unet, unet_n, unet_c)].concat();
    let both = open_file(&file("a", &both)).unwrap();
    let alone = open_file(&file("a", &rank_1(&key, n, c))).unwrap();
    block_on(left.add_lora(&both, [1.0, 0.0])).unwrap();
    let mut changed = files();
    block_on(changed.add_lora(&both, [1.0; 2])).unwrap();
    let source = FileSource::new(tiny());
    let of = |files: &Files| block_on(files.archives()[0].1.load(&source, name)).unwrap();
    assert_eq!(of(&left), of(&files()));
    assert_ne!(of(&changed), of(&files()));
    let refused = block_on(files().add_lora(&alone, [1.0, 0.0])).unwrap_err().to_string();
    assert!(refused.contains("the text encoder alone"), "{refused}");
}

#[test]
fn twenty_changes_read_only_what_differs_and_take_no_memory() {
    gpu::run(Device::Plain, |gpu| {
        let source = counting();
        let pipeline = open(gpu, source.clone(), vec![]);
        let [one, both] = [lora("one", false), lora("both", true)];
        let plain = draw(&pipeline, &request());
        let wanted = [vec![one.clone()], vec![both.clone()], vec![one.clone(), both.clone()]];
        let opened = wanted.each_ref().map(|loras| {
            draw(&open(gpu, Rc::new(FileSource::new(tiny())), loras.clone()), &request())
        });
        assert_ne!(opened[0], opened[1]);
        let (of_unet, of_text) = (bytes(1, LAYER), bytes(0, TEXT));
        let mut memory = Vec::new();
        let mut text_before = false;
        for change in 0..20 {
            let which = change % 4;
            let (loras, picture) = match which {
                3 => (vec![], &plain),
                _ => (wanted[which].clone(), &opened[which]),
            };
            pipeline.set_loras(loras);
            source.read.set(0);
            assert_eq!(draw(&pipeline, &request()), *picture, "change {change}");
            let text = which == 1 || which == 2;
            let expected = of_unet + if text != text_before { of_text } else { 0 };
            assert_eq!(source.read.get(), expected, "change {change}");
            text_before = text;
            memory.push((gpu.held(), gpu.stats().bytes_alive, gpu.stats().buffers_alive));
        }
        assert!(memory.windows(2).all(|two| two[0] == two[1]), "{memory:?}");
        // The same again reads nothing.
        source.read.set(0);
        assert_eq!(draw(&pipeline, &request()), plain);
        assert_eq!(source.read.get(), 0);
    });
}

#[test]
fn quantised_weights_and_the_cpu_follow_too() {
    gpu::run(Device::Plain, |gpu| {
        let open = |loras| {
            let weights = Some(WeightType::Q8_0);
            let options = Options { loras, weights, ..Options::default() };
            let source = Rc::new(FileSource::new(tiny()));
            block_on(Pipeline::open(gpu, source, &options, &Control::default())).unwrap()
        };
        there_and_back(&open(vec![]), &open(vec![lora("both", true)]));
    });
    let open = |loras| {
        let options = Options { loras, ..Options::default() };
        let source = Rc::new(FileSource::new(tiny()));
        block_on(Pipeline::open_on_cpu(source, &options, &Control::default())).unwrap()
    };
    there_and_back(&open(vec![]), &open(vec![lora("both", true)]));
}

#[test]
fn four_bits_that_hide_a_change_are_told() {
    gpu::run(Device::Plain, |gpu| {
        let notices = |weights, loras: Vec<Weighted>, prompt: &str| {
            let options = Options { loras, weights, ..Options::default() };
            let pipeline =
                block_on(Pipeline::open(gpu, counting(), &options, &Control::default())).unwrap();
            let request =
                Request { prompt: prompt.into(), prompt_syntax: "a1111".into(), ..request() };
            let picture = block_on(pipeline.generate(&request, &Control::default())).unwrap();
            picture.notices.join(" ")
        };
        let (one, told) = (lora("one", false), "four bits (q4_0)");
        let q4 = Some(WeightType::Q4_0);
        let text = notices(q4, vec![one.clone()], "a");
        assert!(text.contains(told), "{text}");
        let text = notices(q4, vec![of_weight(&one, 0.0)], "a <lora:one:1>");
        assert!(text.contains(told), "{text}");
        // Where it is not used, or the weights are not so coarse.
        for (weights, loras) in [
            (q4, vec![]),
            (q4, vec![of_weight(&one, 0.0)]),
            (Some(WeightType::Q8_0), vec![one.clone()]),
            (None, vec![one.clone()]),
        ] {
            let text = notices(weights, loras, "a");
            assert!(!text.contains(told), "{text}");
        }
    });
}

/// A model opened without LoRAs draws as `changed` with it, and afterwards as before.
fn there_and_back(pipeline: &Pipeline, changed: &Pipeline) {
    let plain = draw(pipeline, &request());
    pipeline.set_loras(vec![lora("both", true)]);
    let picture = draw(pipeline, &request());
    assert_ne!(picture, plain);
    assert_eq!(picture, draw(changed, &request()));
    pipeline.set_loras(vec![]);
    assert_eq!(draw(pipeline, &request()), plain);
}

#[test]
fn a_cancelled_change_leaves_a_model_that_works() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, counting(), vec![]);
        let both = lora("both", true);
        let plain = draw(&pipeline, &request());
        pipeline.set_loras(vec![both.clone()]);
        let control = Control::default();
        let cancel = control.cancel.clone();
        let on_progress = move |event: &Progress| {
            if matches!(event, Progress::Loading { .. }) {
                cancel.set(true);
            }
        };
        let control = Control { on_progress: Box::new(on_progress), ..control };
        let ended = block_on(pipeline.generate(&request(), &control));
        assert_eq!(ended.map(|_| ()), Err(Error::Cancelled));
        pipeline.set_loras(vec![]);
        assert_eq!(draw(&pipeline, &request()), plain);
        pipeline.set_loras(vec![both.clone()]);
        let picture = draw(&pipeline, &request());
        assert_eq!(picture, draw(&open(gpu, counting(), vec![both]), &request()));
    });
}

/// A LoRA of the table of tokens: no layer that is changed in place.
#[test]
fn a_change_of_the_table_is_left_out() {
    gpu::run(Device::Plain, |gpu| {
        let table = "text_model.embeddings.token_embedding";
        let shape = archive(0).get(&format!("{table}.weight")).unwrap().shape.clone();
        let [n, c] = shape_of_layer();
        let mut tensors = rank_1(&format!("lora_unet_{}", LAYER.replace('.', "_")), n, c).to_vec();
        let of_table = format!("lora_te_{}", table.replace('.', "_"));
        tensors.extend(rank_1(&of_table, shape[0], shape[1]));
        let odd = Weighted::new(open_file(&file("odd.safetensors", &tensors)).unwrap(), 3.0);
        let pipeline = open(gpu, counting(), vec![]);
        let plain = draw(&pipeline, &request());
        pipeline.set_loras(vec![odd]);
        let changed = draw(&pipeline, &request());
        assert_ne!(changed, plain);
        let alone = open(gpu, counting(), vec![lora("alone", false)]);
        assert_eq!(changed, draw(&alone, &request()));
    });
}

#[test]
fn prompts_name_them_with_weights() {
    gpu::run(Device::Plain, |gpu| {
        let [one, both] = [lora("One", false), lora("both", true)];
        let chosen = vec![of_weight(&one, 0.0), of_weight(&both, 0.5)];
        let pipeline = open(gpu, counting(), chosen);
        let tagged = |prompt: &str, weights| Request {
            prompt: prompt.into(),
            prompt_syntax: if weights { "a1111" } else { "plain" }.into(),
            ..request()
        };
        let made = |prompt, weights| {
            let request = tagged(prompt, weights);
            block_on(pipeline.generate(&request, &Control::default())).unwrap()
        };
        let expected =
            |loras: Vec<Weighted>| draw(&open(gpu, counting(), loras), &tagged("a red cat", true));
        let halves = [of_weight(&one, 2.0), of_weight(&both, 0.5)];
        let picture = made("a red cat<lora:one:1.5> <lora:One:0.5>", true);
        let space = made("a red cat ", true);
        assert_eq!(picture.rgba, expected(halves.to_vec()));
        assert_eq!(picture.request.prompt, "a red cat<lora:one:1.5> <lora:One:0.5>");
        assert_eq!(picture.loras.len(), 2, "{:?}", picture.loras);
        assert_eq!(space.rgba, expected(vec![of_weight(&both, 0.5)]));
        let replaced = Weighted { weight: 0.25, text_encoder_weight: 1.0, ..both.clone() };
        let picture = made("a red <lora:both:1:0.25>cat", true);
        assert_eq!(picture.rgba, expected(vec![replaced]));
        // Without the syntax a tag is text.
        let as_text = made("a red cat<lora:one:1.5>", false);
        assert_ne!(as_text.rgba, space.rgba);
        assert_eq!(as_text.loras.len(), 1);
        let absent = made("a red cat <lora:absent:1> <hypernet:x:1>", true);
        let notices = absent.notices.join(" ");
        assert!(notices.contains("“absent” is not here"), "{notices}");
        assert!(notices.contains("<hypernet:x:1> has no effect"), "{notices}");
    });
}

#[test]
fn a_line_of_a_list_has_weights_of_its_own() {
    let folder = scratch("lora-lines");
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let style = at("style.safetensors");
    let [n, c] = shape_of_layer();
    let tensors = rank_1(&format!("lora_unet_{}", LAYER.replace('.', "_")), n, c);
    fs::write(&style, file("style", &tensors).bytes()).unwrap();
    let line = |file: &str, loras: &str| {
        format!("{{\"prompt\": \"a red cat\", \"file\": \"{file}\"{loras}}}\n")
    };
    let list = [
        line("plain.png", ""),
        line("three.png", ", \"loras\": \"STYLE:3\""),
        line("absent.png", ", \"loras\": \"absent:1\""),
        line("again.png", ", \"loras\": null"),
    ];
    fs::write(at("list.jsonl"), list.concat()).unwrap();
    let given = format!("{style}:0");
    let (list, out) = (at("list.jsonl"), at("out"));
    let model = tiny().to_str().unwrap();
    let common = ["generate", "--model", model, "--steps", "2", "--device", "cpu"];
    let many = ["--jobs", &list, "--out-dir", &out, "--lora", &given];
    let output = program(&[&common[..], &many].concat());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("`absent`, which is not among the files of --lora"), "{told}");
    let pixels = |path: String| {
        darkroom::image::png::decode("it", &fs::read(path).unwrap()).unwrap().picture.into_pixels()
    };
    let made = |name: &str| pixels(at(&format!("out/{name}")));
    let alone = [(at("a.png"), format!("{style}:0")), (at("b.png"), format!("{style}:3"))];
    let [plain, three] = alone.map(|(out, lora)| {
        let words = ["--prompt", "a red cat", "--out", &out, "--lora", &lora];
        assert!(program(&[&common[..], &words].concat()).status.success());
        pixels(out)
    });
    assert_ne!(plain, three);
    assert_eq!((made("plain.png"), made("again.png")), (plain.clone(), plain));
    assert_eq!(made("three.png"), three);
    fs::remove_dir_all(folder).unwrap();
}
