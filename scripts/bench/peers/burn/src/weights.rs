//! The tensors of a safetensors file, all f32, laid out as burn's operations like them best.

use burn_tensor::{Device, Tensor, TensorData};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Weights by diffusers' names.
pub struct Weights {
    device: Device,
    vectors: HashMap<String, Tensor<1>>,
    matrices: HashMap<String, Tensor<2>>,
    kernels: HashMap<String, Tensor<4>>,
}

impl Weights {
    /// Reads a file to the device.
    pub fn open(path: &Path, device: &Device) -> Self {
        let bytes = std::fs::read(path).expect("the UNet's safetensors file");
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        let (header, data) = bytes[8..].split_at(length);
        let header: HashMap<String, Value> = serde_json::from_slice(header).expect("a header");
        let mut weights = Self {
            device: device.clone(),
            vectors: HashMap::new(),
            matrices: HashMap::new(),
            kernels: HashMap::new(),
        };
        for (name, info) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
            assert_eq!(info["dtype"], "F32", "{name}");
            let list = |key: &str| -> Vec<usize> {
                serde_json::from_value(info[key].clone()).expect("a list of numbers")
            };
            let (shape, offsets) = (list("shape"), list("data_offsets"));
            weights.add(name, shape, floats(&data[offsets[0]..offsets[1]]));
        }
        weights
    }

    fn add(&mut self, name: String, shape: Vec<usize>, numbers: Vec<f32>) {
        let device = &self.device;
        match shape[..] {
            [_] => {
                let vector = Tensor::from_data(TensorData::new(numbers, shape), device);
                self.vectors.insert(name, vector);
            }
            [rows, columns] => {
                let transposed = (0..rows * columns)
                    .map(|i| numbers[i % rows * columns + i / rows])
                    .collect::<Vec<f32>>();
                let data = TensorData::new(transposed, [columns, rows]);
                self.matrices.insert(name, Tensor::from_data(data, device));
            }
            _ => {
                let kernel = Tensor::from_data(TensorData::new(numbers, shape), device);
                self.kernels.insert(name, kernel);
            }
        }
    }

    /// Where the weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A bias, or the weight of a norm.
    pub fn vector(&self, name: &str) -> Tensor<1> {
        self.vectors[name].clone()
    }

    /// A bias, if there is one.
    pub fn bias(&self, layer: &str) -> Option<Tensor<1>> {
        self.vectors.get(&format!("{layer}.bias")).cloned()
    }

    /// A linear layer's weight, `[in, out]`.
    pub fn matrix(&self, layer: &str) -> Tensor<2> {
        self.matrices[&format!("{layer}.weight")].clone()
    }

    /// A convolution's weight, `[out, in, h, w]`, if the layer is there.
    pub fn kernel(&self, layer: &str) -> Option<Tensor<4>> {
        self.kernels.get(&format!("{layer}.weight")).cloned()
    }

    /// All that are kept.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.vectors.keys().chain(self.matrices.keys()).chain(self.kernels.keys())
    }
}

/// Little-endian f32.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    let (bytes, _) = bytes.as_chunks();
    bytes.iter().map(|four| f32::from_le_bytes(*four)).collect()
}
