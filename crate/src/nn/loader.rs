//! Loads the tensors that the scopes asked for, in one pass over the file in its own order.
//!
//! The weights are never in memory as a whole. The file is read in windows of about 4 MiB. Each
//! window is converted to f32 piece by piece, put into the GPU's layout, and written to the GPU,
//! with a wait whenever more than a few MiB of uploads are pending. Tensors that were not asked for
//! (a VAE's encoder, `position_ids`) are not read. On a dry device nothing is read, but everything
//! is counted.
//!
//! The only change of layout is that of a convolution's weights: `[n, c, ky, kx]` become rows of
//! `(ky, kx, c)`, because channels are last on the GPU. Channels are padded with zeros to a
//! multiple of four.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::products;
use super::rows::{Scratch, lay_out};
use super::scope::{Request, Scope, Shared, Target};
use crate::error::{Error, Result};
use crate::weight::Weight;
use crate::weights::{Archive, Source, Zeros};

/// About how many bytes are read at once; a window is larger only if 32 rows of a matrix are.
const WINDOW: u64 = 4 << 20;
/// About how many bytes are converted at once, with the same exception.
const PIECE: u64 = 1 << 20;
/// The largest gap in a window: reading so many unused bytes costs less than another read.
const HOLE: u64 = 64 << 10;
/// The bytes of pending uploads after which the loader waits for the GPU.
const UPLOADS_MAX: u64 = 8 << 20;

/// Loads all tensors that the scopes of one file have asked for. Kept beside its network, it can
/// load some of them again.
pub struct Loader {
    shared: Rc<Shared>,
    archive: Rc<Archive>,
    requests: Vec<Request>,
    pieces: Vec<Piece>,
}

/// Whole rows of one request: the unit of reading.
struct Piece {
    file: Arc<str>,
    bytes: Range<u64>,
    request: usize,
    rows: Range<usize>,
}

impl Loader {
    /// Takes the requests that all scopes of `scope`'s file have collected so far.
    ///
    /// # Panics
    /// When the scope has no file.
    pub fn new(scope: &Scope) -> Loader {
        let shared = scope.shared().clone();
        let archive = shared.archive.clone().expect("only the scopes of a file can be loaded");
        let requests = shared.requests.take();
        let all = requests.iter().enumerate();
        let pieces = all.flat_map(|(index, request)| pieces_of(&archive, index, request)).collect();
        let pieces = sorted(pieces);
        Loader { shared, archive, requests, pieces }
    }

    /// How many bytes of the file will be used.
    pub fn bytes_total(&self) -> u64 {
        bytes_of(&self.pieces)
    }

    /// How many bytes of the file [`Loader::run_again`] will use.
    pub fn bytes_again(&self, names: &HashSet<String>) -> u64 {
        bytes_of(&self.pieces_again(&self.archive, names))
    }

    /// Reads, converts and uploads all requested tensors. `progress` is called with the bytes done
    /// and the total before each window and at the end; its error (such as [`Error::Cancelled`])
    /// ends the load.
    ///
    /// # Errors
    /// Those of `source` and `progress`; [`Error::BadFile`] for a file that is shorter than its
    /// header says, that has too many zeros, or whose elements are not floats; those of the device.
    pub async fn run(
        &self,
        source: &dyn Source,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<()> {
        let lists = self.row_lists(source).await?;
        self.load(source, &self.pieces, Some(&lists), progress).await
    }

    /// Loads the tensors of these names again, into the memory that they have, from `archive`: the
    /// same as before with other changes. Nothing else is read. Nothing may be recorded that uses
    /// them. After an error they are partly the new ones.
    ///
    /// # Errors
    /// Those of `source`, of the changes and `progress`; those of the device.
    ///
    /// # Panics
    /// When a table is among the names, which no change concerns.
    pub async fn run_again(
        &mut self,
        (source, archive): (&dyn Source, &Rc<Archive>),
        names: &HashSet<String>,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<()> {
        self.archive = archive.clone();
        let pieces = self.pieces_again(archive, names);
        assert!(!pieces.iter().any(|piece| self.is_table(piece)), "a change of a table");
        self.load(source, &pieces, None, progress).await
    }

    /// The pieces of these tensors, as the changes of `archive` need them.
    fn pieces_again(&self, archive: &Archive, names: &HashSet<String>) -> Vec<Piece> {
        let requests = self.requests.iter().enumerate();
        let again = requests.filter(|(_, request)| names.contains(&request.name));
        sorted(again.flat_map(|(index, request)| pieces_of(archive, index, request)).collect())
    }

    /// Loads pieces: all of the file, with the row lists of its tables, or without lists some of
    /// them again.
    async fn load(
        &self,
        source: &dyn Source,
        pieces: &[Piece],
        lists: Option<&HashMap<usize, Vec<usize>>>,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<()> {
        let total = bytes_of(pieces);
        let mut done = 0;
        let mut scratch = Scratch::default();
        let mut zeros = Zeros::default();
        let gpu = self.shared.gpu.clone();
        for window in windows(pieces) {
            progress(done, total)?;
            let start = window[0].bytes.start;
            let end = window.iter().map(|piece| piece.bytes.end).max().unwrap_or(start);
            let _window = gpu.stage(end - start);
            let bytes = match gpu.is_dry() {
                true => Vec::new(),
                false => source.read(&window[0].file, start..end).await?,
            };
            if bytes.len() as u64 != end - start && !gpu.is_dry() {
                return Err(self.bad_file(format!("it ends before byte {end}")));
            }
            for piece in window {
                let from = (piece.bytes.start - start) as usize;
                let length = (piece.bytes.end - piece.bytes.start) as usize;
                let _scratch = gpu.stage(self.scratch_bytes(piece));
                if gpu.is_dry() {
                    gpu.count_upload(self.upload_bytes(piece));
                } else {
                    let list = lists.and_then(|lists| lists.get(&piece.request));
                    let rows = list.map(|list| &list[piece.rows.clone()]);
                    let bytes = &bytes[from..from + length];
                    if !self.is_table(piece) {
                        zeros.add(bytes);
                    }
                    self.place(piece, rows, bytes, &mut scratch).await?;
                }
                if piece.rows.end == self.requests[piece.request].rows.end {
                    let request = &self.requests[piece.request];
                    products::add(&self.shared, &self.archive, request).await?;
                }
                done += length as u64;
            }
            if gpu.uploads() >= UPLOADS_MAX {
                gpu.finish().await?;
            }
        }
        self.shared.gpu.finish().await?;
        if lists.is_some() {
            // Some pieces alone may well be zeros.
            zeros.check(self.archive.file())?;
        }
        progress(done, total)
    }

    /// The row lists, by request, of the tables of which the file has only some rows. These tables
    /// are cleared first.
    async fn row_lists(&self, source: &dyn Source) -> Result<HashMap<usize, Vec<usize>>> {
        let mut lists = HashMap::new();
        for (index, request) in self.requests.iter().enumerate() {
            let Target::Table { table, listed: true } = &request.target else { continue };
            let list = self.archive.row_list(&request.name).expect("found when it was asked for");
            if self.shared.gpu.is_dry() {
                self.shared.gpu.count_upload(table.bytes_of_rows(table.rows()));
                continue;
            }
            let list = self.archive.load_row_list(source, list, table.rows()).await?;
            lists.insert(index, list);
            table.clear();
        }
        Ok(lists)
    }

    /// Bytes of host memory for converting a piece: its f32 values, the same as rows, the same in
    /// panels, and the upload.
    fn scratch_bytes(&self, piece: &Piece) -> u64 {
        let info = self.archive.get(&self.requests[piece.request].name);
        let of_row = info.map_or(0, |info| info.elements() / info.shape[0].max(1));
        (3 * 4 * piece.rows.len() * of_row) as u64 + self.upload_bytes(piece)
    }

    /// Bytes that [`Loader::place`] uploads.
    fn upload_bytes(&self, piece: &Piece) -> u64 {
        let request = &self.requests[piece.request];
        match &request.target {
            Target::Table { table, .. } => table.bytes_of_rows(piece.rows.len()),
            Target::Numbers(_) => 0,
            Target::Tensor { part, .. } => 4 * part.len() as u64,
            Target::Weight { weight, part, .. } => {
                let first = piece.rows.start - request.rows.start;
                let ends = piece.rows.end == request.rows.end;
                weight.bytes_of_rows(if ends { part.len() - first } else { piece.rows.len() })
            }
        }
    }

    /// Writes one piece to its target; a piece of a table goes to the rows `listed`, if there is a
    /// list.
    async fn place(
        &self,
        piece: &Piece,
        listed: Option<&[usize]>,
        bytes: &[u8],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let request = &self.requests[piece.request];
        let info = self.archive.get(&request.name).expect("checked when it was asked for");
        scratch.values.clear();
        let Scratch { values, .. } = scratch;
        match products::rank(&self.shared, &self.archive, request) {
            // Its changes are added when all of its rows are there.
            Some(_) => self.archive.decode_unchanged(info, piece.rows.len(), bytes, values)?,
            None => self.archive.decode_rows(info, piece.rows.clone(), bytes, values).await?,
        }
        // Rows of the target count from the first requested row.
        let first = piece.rows.start - request.rows.start;
        match &request.target {
            Target::Table { table, .. } => match listed {
                None => table.write(first, &scratch.values),
                Some(rows) => {
                    for (row, values) in rows.iter().zip(scratch.values.chunks_exact(table.c())) {
                        table.write(*row, values);
                    }
                }
            },
            Target::Numbers(numbers) => numbers.write(&scratch.values),
            Target::Tensor { tensor, part } => {
                scratch.values.resize(part.len(), 0.0);
                tensor.write_from(part.start, &scratch.values);
            }
            Target::Weight { weight, part, c_in, pixels } => {
                let rows = lay_out(scratch, *c_in, *pixels);
                if piece.rows.end == request.rows.end {
                    rows.resize((part.len() - first) * weight.k(), 0.0);
                }
                weight.write(part.start + first, rows);
            }
        }
        Ok(())
    }

    fn is_table(&self, piece: &Piece) -> bool {
        matches!(self.requests[piece.request].target, Target::Table { .. })
    }

    fn bad_file(&self, reason: String) -> Error {
        Error::BadFile { file: self.archive.file().to_string(), reason }
    }
}

/// In the order of the file.
fn sorted(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.sort_by(|a, b| (&a.file, a.bytes.start).cmp(&(&b.file, b.bytes.start)));
    pieces
}

/// How many bytes of the file these pieces are.
fn bytes_of(pieces: &[Piece]) -> u64 {
    pieces.iter().map(|piece| piece.bytes.end - piece.bytes.start).sum()
}

/// Cuts a request into pieces of whole panels.
fn pieces_of(archive: &Archive, index: usize, request: &Request) -> Vec<Piece> {
    let info = archive.get(&request.name).expect("checked when it was asked for");
    let row_bytes = info.bytes() / info.shape[0] as u64;
    let rows_at_once = match request.target {
        Target::Tensor { .. } | Target::Numbers(_) => request.rows.len(),
        _ if !archive.has_separate_rows(info) => request.rows.len(),
        _ => {
            let panels = PIECE / row_bytes / Weight::PANEL as u64;
            panels.max(1) as usize * Weight::PANEL
        }
    };
    let piece = |start: usize| {
        let rows = start..request.rows.end.min(start + rows_at_once);
        let (file, bytes) = (info.file.clone(), info.span(rows.clone()));
        Piece { file, bytes, request: index, rows }
    };
    request.rows.clone().step_by(rows_at_once).map(piece).collect()
}

/// Groups pieces that are close together in the file, in file order, into windows.
fn windows(pieces: &[Piece]) -> Vec<&[Piece]> {
    let mut windows = Vec::new();
    let mut first = 0;
    for next in 1..=pieces.len() {
        let split = pieces.get(next).is_none_or(|piece| {
            let last = &pieces[next - 1];
            piece.file != last.file
                || piece.bytes.end - pieces[first].bytes.start > WINDOW
                || piece.bytes.start > last.bytes.end + HOLE
        });
        if split {
            windows.push(&pieces[first..next]);
            first = next;
        }
    }
    windows
}
