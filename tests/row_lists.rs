//! A table that leaves out its rows of zeros is the same table: on the adapter and on the CPU.

use crate::made_up::{program, scratch, spoiled};
use serde_json::{Value, json};

const FILE: &str = "text_encoder/model.safetensors";
const TABLE: &str = "text_model.embeddings.token_embedding.weight";
/// Rows that stay: the first, neighbours, the last (the tokens of "a red cat" are among them).
const KEPT: [u32; 7] = [0, 320, 736, 737, 2368, 49406, 49407];

/// A safetensors file as (header, data).
fn parts(file: &[u8]) -> (Value, Vec<u8>) {
    let data = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&file[8..data]).unwrap(), file[data..].to_vec())
}

fn whole(header: &Value, data: &[u8]) -> Vec<u8> {
    let text = header.to_string().into_bytes();
    [&(text.len() as u64).to_le_bytes()[..], &text, data].concat()
}

/// Makes every other row of the table zero.
fn dense(file: &mut Vec<u8>) {
    let (header, mut data) = parts(file);
    let (first, row) = table(&header);
    for number in 0..49408 {
        if !KEPT.contains(&number) {
            data[first + number as usize * row..][..row].fill(0);
        }
    }
    *file = whole(&header, &data);
}

/// Leaves them out. The list and the rows go to the end of the file; the table's old place stays.
fn sparse(file: &mut Vec<u8>, list: &[u32]) {
    dense(file);
    let (mut header, mut data) = parts(file);
    let (first, row) = table(&header);
    let rows: Vec<u8> =
        KEPT.iter().flat_map(|r| data[first + *r as usize * row..][..row].to_vec()).collect();
    let old = header[TABLE].take();
    let dtype = old["dtype"].clone();
    let all = header.as_object_mut().unwrap();
    all.insert("unused".into(), old);
    let at = data.len();
    data.extend(list.iter().flat_map(|r| r.to_le_bytes()));
    let between = data.len();
    data.extend(&rows);
    let shape = [KEPT.len(), row / if dtype == "F16" { 2 } else { 4 }];
    all.insert(
        TABLE.into(),
        json!({ "dtype": dtype, "shape": shape, "data_offsets": [between, data.len()] }),
    );
    all.insert(
        format!("{TABLE}.rows"),
        json!({ "dtype": "U32", "shape": [list.len()], "data_offsets": [at, between] }),
    );
    *file = whole(&header, &data);
}

/// Where the table begins in the data, and the bytes of a row.
fn table(header: &Value) -> (usize, usize) {
    let offset = |i: usize| header[TABLE]["data_offsets"][i].as_u64().unwrap() as usize;
    (offset(0), (offset(1) - offset(0)) / 49408)
}

#[test]
fn rows_left_out_are_zeros() {
    let models = [spoiled("dense", FILE, dense), spoiled("sparse", FILE, |f| sparse(f, &KEPT))];
    let size = |model: &std::path::Path| std::fs::metadata(model.join(FILE)).unwrap().len();
    assert!(size(&models[0]) < size(&models[1]), "the old table is still there, by another name");
    let out = scratch("rows");
    let picture = |model: &std::path::Path, device: &str| {
        let out = out.join(format!("{device}.png"));
        let (model, out) = (model.to_str().unwrap(), out.to_str().unwrap());
        let arguments = ["generate", "--model", model, "--prompt", "a red cat", "--steps", "1"];
        let output = program(&[&arguments[..], &["--device", device, "--out", out]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(out).unwrap()
    };
    for device in ["gpu", "cpu"] {
        let [dense, sparse] = models.each_ref().map(|model| picture(model, device));
        assert!(dense == sparse, "another picture on the {device}");
    }
    for model in models {
        std::fs::remove_dir_all(model).unwrap();
    }
    std::fs::remove_dir_all(out).unwrap();
}

#[test]
fn a_list_that_is_none_is_refused() {
    for (name, list) in [
        ("rows-beyond", [0, 320, 736, 737, 2368, 49406, 49408]),
        ("rows-twice", [0, 320, 736, 736, 2368, 49406, 49407]),
    ] {
        let model = spoiled(name, FILE, |file| sparse(file, &list));
        let path = model.to_str().unwrap();
        for device in ["gpu", "cpu"] {
            let arguments = ["generate", "--model", path, "--prompt", "a", "--steps", "1"];
            let output =
                program(&[&arguments[..], &["--device", device, "--out", "/dev/null"]].concat());
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(3), "{error}");
            assert!(error.contains("does not list rows of a table of 49408"), "{error}");
        }
        std::fs::remove_dir_all(model).unwrap();
    }
}
