//! Every proof of the crate, in one binary; this list is their table of contents.
//!
//! `cargo test` is the short run. The sizes of the real model take minutes on a software adapter:
//! `cargo test -- --ignored` runs those. A machine without a graphics adapter fails; Mesa's
//! lavapipe is enough (Debian: `mesa-vulkan-drivers`).

mod as_in; // numbers of other programs: noise levels, noise, emphasis
mod bad_input; // models and requests that cannot work
mod bands; // the decoder in bands of rows
mod batches; // several pictures of one request
mod canny; // edges, equal to OpenCV's; Lanczos' resizing, equal to Pillow's
#[cfg(unix)]
mod card; // the script that measures a graphics card
mod checkpoints; // configs and files: what is refused, what is read
mod compare; // how like pictures are, to one another and to their prompts
mod controlnet; // ControlNets and T2I-Adapters against diffusers: networks and pictures
mod controlnet_drawn; // the built-in model draws what is drawn
mod controlnet_files; // their files: names, what is refused, the program
mod controlnet_masked; // and where a part of a picture is made anew
mod controlnet_memory; // what they take of memory, as planned and as counted
mod controlnet_reading; // their files are read once, and not twice over a network
mod developing; // between the steps: a rest, and what is shown
mod distilled; // UNets with fewer layers and without a middle
mod docs; // links, commands and messages in the documents
mod dry_run; // the real v1.4, without a GPU: shapes, limits, cost
mod early_end; // runs that the caller ends before their last step
mod embedding_words; // where the words of textual inversions are found in a prompt
mod embeddings; // textual inversions: against diffusers, their words, what is refused
mod few_steps; // models distilled for few steps, against diffusers
mod fields; // a request's fields: one table, and all that is made from it
mod forecast; // what v1.4 would cost here; which model a picture is of
mod foreign; // files as other programs leave them
mod foreign_folders; // and folders
mod foreign_kinds; // what is no checkpoint
mod formats; // checkpoints as others write them; the same model in every format
#[cfg(target_os = "linux")]
mod freeu; // FreeU against diffusers, on both engines
mod full_disk; // what the program writes where there is no room
mod harness; // how the proofs talk to the GPU, make numbers and compare
mod hires; // a second, larger pass, against diffusers
mod hires_guided; // with controls and LoRAs
mod hires_safety; // and what the checker sees of it
mod hostile; // files made to do harm
mod hostile_addons; // and LoRAs
mod hostile_legacy; // torch's old format, made to do harm
mod img2img; // runs that begin with a picture, against diffusers
mod inpaint; // runs with a mask, and edits by an instruction, against diffusers
mod inpaint_program; // masks and outpainting on the command line
mod inpaint_types; // masks in f16, with quantised weights, and where a TAESD decodes
mod kernels; // every kernel: parses, validates, fits WebGPU's default limits
mod lora_changes; // other LoRAs for an opened model: only what differs is read
mod loras; // small files that change a model: against diffusers and LyCORIS
mod loras_v1_4; // and on Stable Diffusion v1.4's topology
mod made_up; // made-up checkpoints for the whole pipeline
mod manifest; // parts lists: written, read, refused
mod masks; // masks in pixels, as Pillow and diffusers have them
mod memory; // what is held on the device, as planned and as counted
mod memory_short; // what an adapter cannot hold, planned again with less
mod models; // the models, whole, against diffusers and transformers
mod noise; // seeds: torch's generator, bit for bit
mod norms; // the group norms of the real v1.4: a whole card has work
mod ops; // every op against its definition
mod params; // what ops write and kernels read: the same fields at the same places
mod parsers; // all that reads from outside, on mutations of what a fuzzer kept
mod parts; // a UNet, VAE or text encoder from other files
mod pictures; // a picture by every sampler, against diffusers
mod png; // pictures with text inside
mod precision; // types of weights and activations over the whole walk
mod probe; // whether an adapter's numbers are what kernels build on
mod program; // the native program, from outside
mod prompt_runs; // prompts that change from step to step, and in parts, against diffusers
mod prompt_schedules; // their texts, against an independent reading of the grammar
mod prompts; // thousands of prompts; chunks, weights, cleaning, clip skip
mod quantise; // blocks of weights, bit for bit candle's
mod reference; // the second implementation, on the CPU, against the first
mod row_lists; // tables that leave out rows of zeros
mod runs_v1_4; // whole runs on v1.4's own topology: masks, edits, ControlNets, T2I-Adapters
mod safety; // the safety checker against diffusers, and its place in the walk
mod samplers; // plans against diffusers and the formulas
mod schedule; // noise levels against torch's tables
mod sd2; // Stable Diffusion 2.1 and SD-Turbo: what their configs say
mod serve; // the program as an HTTP service
mod served; // converted folders: whole, licensed, listed
mod shortcuts; // what may be left out to be faster, and that nothing is unless asked
mod steady; // steps that wait for nothing, on buffers that are there
mod submits; // the same bits however the work is cut
mod synth; // Stable Diffusion v1.4's topology against diffusers
mod taesd; // a small stand-in for the VAE, against diffusers
mod taesd_beside; // and beside a model: who decodes, previews
mod taesd_memory; // and what it takes of memory and work
mod tidy; // the house rules
mod tiles; // pictures that are larger than the model, in windows and tiles
mod tokenizer; // ids against transformers
mod tuner; // choices of kernels: the same picture, kept, measured
mod unet_input; // residuals, further channels, cached features: against diffusers
mod upscaler; // networks that enlarge pictures, against the published ones
mod verify; // pictures against published numbers, one device against the other
mod volume; // lists in parts, results, resuming, limits, signals, exit codes
mod walk; // the whole walk against diffusers' pipeline
mod web_ui; // what AUTOMATIC1111's web UI would draw by our texts
mod weights; // checkpoint files
