//! Manifests: what the program writes is true and can be read; what is wrong is refused in a
//! sentence; those that are committed are those of their models.

use crate::made_up::{program, scratch};
use darkroom::weights::answer::{content_range, first_line, retry_seconds, same_etag};
use darkroom::weights::{Digest, HostPattern, Manifest, Pointer, Sum64, is_inside, origin, tar};
use std::path::Path;

/// FIPS 180-4's own example.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn sha256(bytes: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.update(bytes);
    digest.finish().0
}

#[test]
fn sums_are_those_of_the_bytes_however_they_come() {
    assert_eq!(sha256(b"abc"), ABC);
    let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
    let whole = {
        let mut digest = Digest::default();
        digest.update(&bytes);
        digest.finish()
    };
    for step in [1, 31, 32, 33, 4096, 70_000] {
        let mut digest = Digest::default();
        bytes.chunks(step).for_each(|piece| digest.update(piece));
        assert_eq!(digest.finish(), whole, "pieces of {step}");
    }
}

#[test]
fn the_fast_sum_sees_every_flipped_bit_and_every_length() {
    let sum = |bytes: &[u8]| {
        let mut sum = Sum64::default();
        sum.update(bytes);
        sum.finish()
    };
    for fill in [0, 0x5a] {
        let bytes = vec![fill; 100];
        let right = sum(&bytes);
        for bit in 0..800 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(sum(&other), right, "bit {bit}");
        }
        for length in 0..100 {
            assert_ne!(sum(&bytes[..length]), right, "{length} bytes");
        }
    }
}

#[test]
fn the_program_writes_a_manifest_of_a_folder() {
    let folder = scratch("manifest");
    let put = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let weights: Vec<u8> = (0..10_000_u32).map(|i| (i >> 3) as u8).collect();
    put("unet/model.safetensors", &weights);
    put("model_index.json", b"abc");
    put("picture.png", b"not of the model");
    put("LICENSE.txt", b"abc");
    let output = program(&[
        "manifest",
        "--model",
        folder.to_str().unwrap(),
        "--id",
        "a.model-1",
        "--licence",
        "Some",
        "--licence-file",
        "LICENSE.txt",
        "--chunk-bytes",
        "4096",
        "--base",
        "https://example.org/a/",
        "--host",
        "https://example.org",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = Manifest::parse("out", &output.stdout).unwrap();
    let paths: Vec<_> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["LICENSE.txt", "model_index.json", "unet/model.safetensors"]);
    assert_eq!(manifest.licence.sha256.as_deref(), Some(ABC));
    let small = manifest.file("model_index.json").unwrap();
    assert_eq!((small.bytes, small.chunk_sha256(4096, 0)), (Some(3), Some(ABC)));
    let large = manifest.file("unet/model.safetensors").unwrap();
    assert_eq!(large.sha256, Some(sha256(&weights)));
    for (i, chunk) in weights.chunks(4096).enumerate() {
        assert_eq!(large.chunk_sha256(4096, i as u64), Some(&sha256(chunk)[..]));
    }
    assert_eq!(large.chunk_sha256(4096, 3), None);
    assert_eq!(manifest.bytes_total(), 10_006);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_wrong_is_refused() {
    let good = r#"{"format":1,"id":"a","title":"A","licence":{"name":"MIT"},
        "base":"https://a.org/m/","hosts":["https://a.org"],"chunk_bytes":4096,
        "files":[{"path":"x/a.json","bytes":5000}]}"#;
    Manifest::parse("good", good.as_bytes()).unwrap();
    let long = "a".repeat(65);
    let huge = (1_u64 << 40).to_string();
    for (from, to, part) in [
        ("\"format\":1", "\"format\":2", "format is 2"),
        ("\"format\":1", "\"format\":1,\"extra\":0", "unknown field"),
        ("\"id\":\"a\"", "\"id\":\"../a\"", "its id"),
        ("\"id\":\"a\"", "\"id\":\"\"", "its id"),
        ("4096", "4095", "chunks of 4095"),
        ("4096", "134217728", "chunks of"),
        ("https://a.org/m/", "https://b.org/m/", "its base"),
        ("https://a.org/m/", "https://a.org/m", "its base"),
        ("[\"https://a.org\"]", "[\"https://a.org/m\"]", "the host"),
        ("[\"https://a.org\"]", "[\"http://a.org\"]", "the host"),
        ("[\"https://a.org\"]", "[\"https://*.com\"]", "names of anyone"),
        ("[\"https://a.org\"]", "[\"https://*.co.uk\"]", "names of anyone"),
        ("[\"https://a.org\"]", "[\"https://a.*.org\"]", "the host"),
        ("\"hosts\"", "\"mirrors\":[\"https://b.org/\"],\"hosts\"", "on one of its hosts"),
        ("\"hosts\"", "\"pointers\":\"https://b.org/\",\"hosts\"", "on one of its hosts"),
        ("5000", "5000,\"pointer\":true", "where the pointer"),
        ("5000", "5000,\"beside\":true", "does not tell its size and hash"),
        ("[\"https://a.org\"]", "[\"https://a.org; script-src *\"]", "the host"),
        ("x/a.json", "../a.json", "leaves the model"),
        ("x/a.json", "/a.json", "leaves the model"),
        ("x/a.json", "x//a.json", "leaves the model"),
        ("x/a.json", "x\\\\a.json", "leaves the model"),
        ("5000", "0", "cannot have"),
        ("5000", &huge, "cannot have"),
        ("5000", "-1", "not a manifest"),
        ("5000", &format!("5000,\"sha256\":\"{long}\""), "not 64 digits"),
        ("5000", &format!("5000,\"sha256\":\"{}\"", ABC.to_uppercase()), "not 64 digits"),
        ("5000", &format!("5000,\"chunks\":[\"{ABC}\"]"), "lists 1 chunks and has 2"),
        ("{\"name\":\"MIT\"}", "{\"name\":\"MIT\",\"file\":\"L.txt\"}", "its licence"),
        ("[{\"path\"", "[{\"path\":\"x/a.json\"},{\"path\"", "repeats"),
        ("[{\"path\":\"x/a.json\",\"bytes\":5000}]", "[]", "lists 0 files"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Manifest::parse("bad", good.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(error.to_string().contains(part), "no {part:?} in {error}");
    }
}

#[test]
fn origins_are_https_or_this_machine() {
    assert_eq!(origin("https://a.org:8443/x/y"), Some("https://a.org:8443"));
    assert_eq!(origin("http://localhost:80/x"), Some("http://localhost:80"));
    for bad in ["http://a.org/", "ftp://a.org/", "https:///x", "https://a b/", "a.org", ""] {
        assert_eq!(origin(bad), None, "{bad}");
    }
}

#[test]
fn a_pattern_allows_what_is_below_a_name_and_nothing_like_it() {
    let cdn = HostPattern::parse("https://*.cdn.hf.co").unwrap();
    for good in ["https://us.cdn.hf.co", "https://us-east-1.aws.cdn.hf.co/a/b?c=d"] {
        assert!(cdn.allows(good), "{good}");
    }
    for bad in [
        "https://cdn.hf.co",
        "https://xcdn.hf.co",
        "https://evil-cdn.hf.co.example",
        "https://us.cdn.hf.co.example/",
        "https://us.cdn.hf.co:8443",
        "http://us.cdn.hf.co",
        "https://example.org/us.cdn.hf.co",
        "https://user@us.cdn.hf.co",
    ] {
        assert!(!cdn.allows(bad), "{bad}");
    }
    for bad in [
        "https://*",
        "https://*.co",
        "https://*.com",
        "https://*.github.io",
        "https://*.org.au",
        "https://*.1.2.3.4",
        "https://a*.hf.co",
        "https://*.*.hf.co",
        "https://**.hf.co",
        "*.hf.co",
    ] {
        assert!(HostPattern::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn names_of_any_script_are_kept_and_none_that_lead_elsewhere() {
    for good in
        ["model (1).safetensors", "v1-5+vae.ckpt", "a/b[fp16].gguf", "模型.safetensors", "é/ё.json"]
    {
        assert!(is_inside(good), "{good}");
    }
    let long = "a".repeat(201);
    for bad in [
        "",
        "/a",
        "a//b",
        "../a",
        "a/..",
        "a/.",
        "a\\b",
        "a:b",
        "a?b",
        "a*b",
        "a\"b",
        "a<b",
        "a|b",
        "a\0b",
        "a\nb",
        "a\u{7f}",
        "a\u{85}",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{feff}",
        "a.",
        "a ",
        "a/ /b",
        "CON",
        "nul.txt",
        "b/Com1.json",
        &long,
    ] {
        assert!(!is_inside(bad), "{bad:?}");
    }
}

#[test]
fn a_pointer_is_read_strictly() {
    let good = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{ABC}\nsize 12\n");
    let pointer = Pointer { sha256: ABC.to_owned(), bytes: 12 };
    assert_eq!(Pointer::parse(good.as_bytes()), Ok(pointer));
    for (from, to) in [
        ("version", "Version"),
        ("v1\n", "v1\r\n"),
        ("sha256:", "md5:"),
        ("sha256:b", "sha256:B"),
        ("size 12", "size +12"),
        ("size 12", "size -1"),
        ("size 12", "size 99999999999999999999999"),
        ("size 12\n", ""),
        ("12\n", "12\nmore\n"),
        ("12\n", "12\n\n"),
    ] {
        assert!(Pointer::parse(good.replace(from, to).as_bytes()).is_err(), "{to:?}");
    }
    assert!(Pointer::parse(&[b'a'; 5000]).is_err());
}

#[test]
fn heads_of_answers_are_read_strictly() {
    assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
    assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
    for bad in ["", "bytes */10", "bytes 9-5/10", "bytes=5-9/10", "bytes 5-/10"] {
        assert_eq!(content_range(bad), None, "{bad}");
    }
    assert!(same_etag("W/\"a\"", "\"a\"") && !same_etag("\"a\"", "\"b\""));
    assert_eq!(retry_seconds(" 7 "), Some(7.0));
    for bad in ["", "inf", "nan", "1e300", "-5", "soon"] {
        assert_eq!(retry_seconds(bad), None, "{bad}");
    }
    let line = |body: &str| first_line(body.as_bytes());
    assert_eq!(line("\n <a>x\u{202e}y</a>\nmore").as_deref(), Some("xy"));
    assert_eq!(line(&"é".repeat(500)).map(|line| line.chars().count()), Some(120));
    assert_eq!(line(" \n<html>"), None);
}

#[test]
fn committed_manifests_are_those_of_their_models() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/models");
    let read = |name: &str| {
        let file = models.join(name).join(Manifest::FILE);
        let json = std::fs::read(&file).unwrap();
        (Manifest::parse(name, &json).unwrap(), String::from_utf8(json).unwrap())
    };
    let (demo, json) = read("demo");
    let output = program(&[
        "manifest",
        "--model",
        "web/models/demo",
        "--id",
        &demo.id,
        "--title",
        &demo.title,
        "--licence",
        &demo.licence.name,
        "--precision",
        demo.precision.as_deref().unwrap(),
    ]);
    let remedy = "the built-in model has changed: scripts/train_demo/README.md says how its \
                  manifest is written";
    assert!(String::from_utf8_lossy(&output.stdout) == json, "{remedy}");

    let (real, _) = read("stable-diffusion-v1-4");
    assert_eq!(real.revision.as_deref(), Some("133a221b8aa7292a167afc5127cb63fb5005638b"));
    assert!(real.base.ends_with("/resolve/133a221b8aa7292a167afc5127cb63fb5005638b/"));
    let folder = models.join("stable-diffusion-v1-4");
    for file in &real.files {
        assert!(file.bytes.is_some() && file.sha256.is_some(), "{} is not known", file.path);
        if file.beside {
            let own = std::fs::read(folder.join(&file.path)).unwrap();
            assert_eq!(file.sha256, Some(sha256(&own)), "{}", file.path);
            assert_eq!(file.bytes, Some(own.len() as u64), "{}", file.path);
        }
    }
    let unet = real.file("unet/diffusion_pytorch_model.fp16.safetensors").unwrap();
    let told = "a35404d03ec8f977715a4d2a080ddf72e2144f2ee49bb1ee213258bc64f9cc87";
    assert!(unet.pointer && unet.sha256.as_deref() == Some(told));
    for edge in ["us.aws.cdn.hf.co", "europe-west4.us.gcp.cdn.hf.co", "cas-bridge.xethub-eu.hf.co"]
    {
        assert!(real.allows(&format!("https://{edge}/xet-bridge-us/x")), "{edge}");
    }
    assert!(!real.allows("https://evil-cdn.hf.co.example/") && !real.allows("https://xcdn.hf.co/"));
    let licence = folder.join(real.licence.file.unwrap());
    assert_eq!(Some(sha256(&std::fs::read(licence).unwrap())), real.licence.sha256);
}

#[test]
fn an_archive_is_what_tar_reads() {
    let header = tar::header("unet/a.safetensors", 1234).unwrap();
    assert_eq!(tar::parse(&header), Ok(Some(("unet/a.safetensors".to_owned(), 1234))));
    let large = tar::header("b", 9 << 33).unwrap();
    assert_eq!(tar::parse(&large), Ok(Some(("b".to_owned(), 9 << 33))));
    assert_eq!(tar::parse(&[0; 512]), Ok(None));
    assert_eq!(tar::header(&"a".repeat(101), 1), None);
    for bit in 0..8 * 345 {
        let mut spoiled = header;
        spoiled[bit / 8] ^= 1 << (bit % 8);
        // In the sum's own field it may mean the same number: a space for the zero in front.
        let of_sum = (148..156).contains(&(bit / 8));
        let same = of_sum && tar::parse(&spoiled) == tar::parse(&header);
        assert!(same || tar::parse(&spoiled).is_err(), "bit {bit}");
    }
    // As the system's own program sees it, where there is one.
    let folder = scratch("tar");
    let archive = folder.join("a.tar");
    let mut bytes = tar::header("x/hello.txt", 5).unwrap().to_vec();
    bytes.extend(b"hello");
    bytes.resize(512 * 4, 0);
    std::fs::write(&archive, bytes).unwrap();
    let output = std::process::Command::new("tar").arg("-xOf").arg(&archive).output().unwrap();
    assert_eq!(output.stdout, b"hello", "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_dir_all(folder).unwrap();
}
