//! How the files of ControlNets and T2I-Adapters are read: once, with progress, until a cancel; of
//! what does not fit the header alone; over a network not twice.

use crate::controlnet::{adapter_tensors, filled, net_tensors, of_tiny};
use crate::harness::gpu::{self, Device};
use crate::img2img::initial;
use crate::made_up::tiny;
use crate::reference::open_on_cpu;
use crate::walk::{open, request};
use darkroom::pipeline::{
    Control, Extras, Files, Options, Picture, PictureControl, Pipeline, Progress, Request,
};
use darkroom::weights::{ControlFile, FileSource, LocalFuture, MemorySource, Source, sha256};
use darkroom::{Error, Result};
use pollster::block_on;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

/// A file in memory that notes what is read of it.
struct Noted {
    file: MemorySource,
    bytes: Vec<u8>,
    is_near: bool,
    read: RefCell<u64>,
}

impl Source for Noted {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        self.file.size(path)
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        *self.read.borrow_mut() += range.end - range.start;
        self.file.read(path, range)
    }

    fn is_near(&self) -> bool {
        self.is_near
    }
}

/// The same file, opened where it is noted what is read of it.
fn noted(file: &ControlFile, is_near: bool) -> (Rc<Noted>, Rc<ControlFile>) {
    let size = block_on(file.source().size(file.file())).unwrap();
    let bytes = block_on(file.source().read(file.file(), 0..size)).unwrap();
    let memory = MemorySource::new(file.file(), bytes.clone());
    let noted = Rc::new(Noted { file: memory, bytes, is_near, read: RefCell::default() });
    let opened = block_on(ControlFile::open(noted.clone(), file.file())).unwrap();
    (noted, opened)
}

fn draw(pipeline: &Pipeline, control: &Control, controls: &[PictureControl]) -> Result<Picture> {
    let request = Request { width: Some(40), height: Some(48), ..request() };
    let extras = Extras { controls, ..Extras::default() };
    block_on(pipeline.generate_with(&request, control, &extras))
}

/// A cancel while it is read ends the run; the next run reads the rest for the hash, and all of it
/// for the network. Without a cancel every byte is read once.
fn check_reading(pipeline: &Pipeline) {
    for name in ["a", "t2i"] {
        for cancelled in [false, true] {
            let (noted, file) = noted(&of_tiny(name), true);
            let (size, header) = (noted.bytes.len() as u64, noted.read.take());
            assert!(header < size / 2 && file.sha256().is_empty(), "{header} of {size} to open it");
            let controls = [PictureControl::new(file.clone(), initial(20, 30))];
            let cancel = Rc::new(Cell::new(false));
            let (stop, told) = (cancel.clone(), Rc::new(RefCell::new(Vec::new())));
            let hears = told.clone();
            let on_progress = Box::new(move |event: &Progress| {
                if let Progress::Loading { part, bytes_done, bytes_total } = event
                    && part == "controlnet"
                {
                    hears.borrow_mut().push((*bytes_done, *bytes_total));
                    stop.set(cancelled);
                }
            });
            let control = Control { on_progress, cancel, ..Control::default() };
            let made = draw(pipeline, &control, &controls);
            let read = *noted.read.borrow();
            let told = told.take();
            let (_, total) = *told.last().expect("progress is told");
            assert!(total > size / 2 && total <= size, "{total} of {size} bytes");
            if cancelled {
                assert_eq!((made, told.len()), (Err(Error::Cancelled), 1), "{name}");
                let made = draw(pipeline, &Control::default(), &controls).unwrap();
                assert_eq!(made.controls[0].sha256, sha256(&noted.bytes), "{name}");
                continue;
            }
            println!("{name}: {header} + {read} of {size} bytes");
            assert_eq!(told.last(), Some(&(total, total)));
            assert_eq!(header + read, size, "{name} is read once");
            assert_eq!(made.unwrap().controls[0].sha256, sha256(&noted.bytes), "{name}");
        }
    }
}

#[test]
fn they_are_read_once_with_progress() {
    gpu::run(Device::Plain, |gpu| {
        check_reading(&open(gpu, tiny(), Options::default()).unwrap());
    });
}

#[test]
fn the_cpu_reads_them_once_with_progress() {
    check_reading(&open_on_cpu(tiny()).unwrap());
}

/// What is for another model is refused by its header, before any of its numbers are read.
#[test]
fn what_does_not_fit_is_not_read() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let mut wider = files.unet.clone();
    wider.levels[0].channels = 64;
    for wrong in [
        filled("wider", &net_tensors(&wider, &[4, 8, 8, 12])),
        filled("factor", &net_tensors(&files.unet, &[4, 8])),
        filled("level", &adapter_tensors(&[64, 32, 48], 8, 3)),
    ] {
        let (noted, file) = noted(&wrong, false);
        let header = *noted.read.borrow();
        let controls = [PictureControl::new(file, initial(20, 30))];
        let error = draw(&pipeline, &Control::default(), &controls).unwrap_err();
        assert!(error.to_string().contains(wrong.file()), "{error}");
        assert_eq!(*noted.read.borrow(), header, "{error}");
    }
}

/// Where memory is short the UNet is read again for each picture, and a ControlNet with it; but not
/// one that would come over a network again.
#[test]
fn what_is_far_is_not_fetched_again() {
    gpu::run(Device::Plain, |gpu| {
        for is_near in [true, false] {
            let options = Options { memory: Some(1), ..Options::default() };
            let pipeline = open(gpu, tiny(), options).unwrap();
            let (noted, file) = noted(&of_tiny("a"), is_near);
            let controls = [PictureControl::new(file, initial(20, 30))];
            let draw = || draw(&pipeline, &Control::default(), &controls).unwrap();
            assert_eq!(draw(), draw());
            let (read, size) = (*noted.read.borrow(), noted.bytes.len() as u64);
            println!("near: {is_near}: {read} bytes of {size}");
            assert_eq!(read == size, !is_near, "near: {is_near}: {read} bytes of {size}");
        }
    });
}
