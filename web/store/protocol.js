// Types of the calls between the page and the store's worker. rpc/ sends them.

/**
 * A file of a manifest.
 * @typedef {{ path: string, bytes?: number, sha256?: string, chunks?: string[], beside?: boolean,
 *   pointer?: boolean }} ManifestFile
 *
 * What a manifest is of: a model, or one file that changes a model or stands in for a part of it.
 * @typedef {"model" | "lora" | "embedding" | "control" | "upscaler" | "taesd" | "unet" | "vae" |
 *   "text_encoder"} Kind
 *
 * A model's parts list; crate/src/weights/publisher/manifest.rs says what the fields mean.
 * @typedef {object} Manifest
 * @property {string} id
 * @property {string} title
 * @property {Kind} [kind] what it is; without it, a model
 * @property {string[]} [words] by which prompts call a textual inversion, besides its name; of a
 * LoRA, those that it was trained on
 * @property {string} [base_model] the model that it was made for, by its name
 * @property {string} [repository]
 * @property {string} [revision]
 * @property {string} [precision]
 * @property {{ name: string, file?: string, sha256?: string }} licence
 * @property {string} base
 * @property {string[]} [mirrors]
 * @property {string} [pointers]
 * @property {string[]} hosts origins; `https://*.name` is every one below a name
 * @property {ManifestFile[]} files
 *
 * What is known of a file. `pinned`: when its hash was pinned; null if it is not.
 * `model_hash`: of a LoRA, by which other programs know it, once that is computed.
 * @typedef {{ bytes: number | null, sha256: string | null, pinned: string | null,
 *   model_hash?: string | null }} FileState
 *
 * A model of the library.
 * @typedef {object} StoredModel
 * @property {Manifest} manifest
 * @property {string} address
 * @property {string | null} licence_text
 * @property {{ date: string, sha256: string, revision: string | null } | null} accepted
 * @property {Record<string, FileState>} files
 * @property {string | null} complete when its last file was stored completely and checked; null
 * before that
 * @property {string | null} verified when all bytes were last compared with their hashes
 * @property {number} bytes_stored
 * @property {number} bytes_total of the files whose sizes are known
 * @property {number} chunks_stored
 * @property {boolean} must_accept whether the user must accept the licence before anything is
 * fetched
 *
 * A model that this site offers: its manifest as text, the address of its folder, its licence.
 * @typedef {{ manifest: string, address: string, licence_text?: string }} OfferedModel
 *
 * @typedef {object} FetchOptions
 * @property {string} [mirror] an address to use instead of the manifest's base
 * @property {number} [in_flight] simultaneous requests
 * @property {number} [attempts] for a chunk
 * @property {number} [backoff_ms] the wait before the first retry; it is doubled each time
 * @property {number} [backoff_max_ms] the longest wait
 * @property {number} [stall_ms] the time over which a connection's bytes are counted
 * @property {number} [stall_bytes] a connection that brings fewer bytes than this in `stall_ms` has
 * stalled
 *
 * What the store reports: bytes of a download; a wait before the next attempt; bytes of a
 * verification; `healed`, a damaged chunk was fetched again; a sentence to show; and that the call
 * waits until another tab has finished its own.
 * @typedef {{ event: "fetching", path: string, bytes_done: number, bytes_total: number,
 *       bytes_per_second: number, seconds_left: number | null }
 *   | { event: "waiting", sentence: string, seconds: number }
 *   | { event: "verifying", path: string, bytes_done: number, bytes_total: number }
 *   | { event: "healed", path: string, chunk: number }
 *   | { event: "notice", text: string }
 *   | { event: "waiting_for_tab" }} StoreEvent
 *
 * The SHA-256 that a first download had, if the manifest does not have one: later downloads of the
 * file must have the same, until the user removes the pin. Imports make no pins.
 * @typedef {object} Pin
 * @property {string} name repository@revision/path
 * @property {string} sha256
 * @property {string} date
 * @property {string | null} address where the file came from, if that was stored
 *
 * What would be deleted with a model, and its pins, which would stay.
 * @typedef {{ title: string, bytes: number, files: string[], pins: Pin[] }} Deletion
 *
 * The calls of the worker. Each has the name of a method of the wasm's `Shelf`, which is the store.
 * The notification `stop` has no answer. `plan` identifies the model of local files and adds its
 * record (`identifyLocal` of the client); `fill` stores their bytes (`importLocal`).
 * @typedef {object} Calls
 * @property {() => StoredModel[]} list
 * @property {(manifest: string, address: string, licence_text?: string) => StoredModel} add
 * @property {(id: string) => void} accept
 * @property {(id: string, options: FetchOptions) => void} download
 * @property {(id: string, options: FetchOptions) => number} verify
 * @property {(files: { path: string, file: Blob }[], offered: OfferedModel[], name: string) =>
 *   StoredModel} plan
 * @property {(id: string) => void} fill
 * @property {(id: string) => string | undefined} modelHash
 * @property {(id: string) => Blob} export
 * @property {(id: string) => void} remove
 * @property {(id: string) => Deletion} deletion
 * @property {() => Pin[]} pins
 * @property {(names: string[]) => void} forgetPins
 */

/** The store's database, which the crate makes. */
export const DATABASE = "darkroom-weights";

/** The lock of the tab that changes what is stored. */
export const LOCK = "darkroom-weights";

/** The BroadcastChannel for what a tab does: messages `{ model, event }` and `{ changed }`. */
export const CHANNEL = "darkroom-weights";
