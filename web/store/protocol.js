// What the page and the worker of the store tell each other. How a call is sent is in rpc/.

/**
 * A file of a manifest.
 * @typedef {{ path: string, bytes?: number, sha256?: string, chunks?: string[], beside?: boolean,
 *   pointer?: boolean }} ManifestFile
 *
 * A model's parts list; crate/src/weights/publisher/manifest.rs says what the fields mean.
 * @typedef {object} Manifest
 * @property {string} id
 * @property {string} title
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
 * @typedef {{ bytes: number | null, sha256: string | null, pinned: string | null }} FileState
 *
 * A model of the library.
 * @typedef {object} StoredModel
 * @property {Manifest} manifest
 * @property {string} address
 * @property {string | null} licence_text
 * @property {{ date: string, sha256: string, revision: string | null } | null} accepted
 * @property {Record<string, FileState>} files
 * @property {string | null} complete when its last file was sealed
 * @property {string | null} verified
 * @property {number} bytes_stored
 * @property {number} bytes_total as far as sizes are known
 * @property {number} chunks_stored
 * @property {boolean} must_accept the licence, before anything is fetched
 *
 * A manifest that local files may match.
 * @typedef {{ manifest: string, address: string, licence_text?: string }} Known
 *
 * @typedef {object} FetchOptions
 * @property {string} [mirror] an address in the place of the manifest's base
 * @property {number} [in_flight]
 * @property {number} [attempts]
 * @property {number} [backoff_ms]
 * @property {number} [backoff_max_ms]
 * @property {number} [stall_ms]
 * @property {number} [stall_bytes] fewer in that time are as good as none
 *
 * @typedef {{ event: "fetching", path: string, bytes_done: number, bytes_total: number,
 *       bytes_per_second: number, seconds_left: number | null }
 *   | { event: "waiting", sentence: string, seconds: number }
 *   | { event: "verifying", path: string, bytes_done: number, bytes_total: number }
 *   | { event: "healed", path: string, chunk: number }
 *   | { event: "notice", text: string }
 *   | { event: "elsewhere" }} StoreEvent
 *
 * A hash that a first download found, where nothing told it beforehand: later downloads of the
 * file must give the same bytes, until it is given up. Imports make none.
 * @typedef {object} Pin
 * @property {string} name repository@revision/path
 * @property {string} sha256
 * @property {string} date
 * @property {string | null} address where it came from, if that was noted
 *
 * What deleting a model would delete, and the pins that would stay.
 * @typedef {{ title: string, bytes: number, files: string[], pins: Pin[] }} Deletion
 *
 * The calls of the worker, methods of the wasm's Shelf. Without an answer it hears `stop`.
 * @typedef {object} Calls
 * @property {() => StoredModel[]} list
 * @property {(manifest: string, address: string, licence_text?: string) => StoredModel} add
 * @property {(id: string) => void} accept
 * @property {(id: string, options: FetchOptions) => void} download
 * @property {(id: string, options: FetchOptions) => number} verify
 * @property {(files: { path: string, file: Blob }[], known: Known[], name: string) => StoredModel}
 *   plan
 * @property {(id: string) => void} fill
 * @property {(id: string) => Blob} export
 * @property {(id: string) => void} remove
 * @property {(id: string) => Deletion} deletion
 * @property {() => Pin[]} pins
 * @property {(names: string[]) => void} forgetPins
 */

/** The store's database, which the crate makes. */
export const DATABASE = "darkroom-weights";

/** Held by the one tab that changes what is stored. */
export const LOCK = "darkroom-weights";

/** On which tabs hear what another one does: `{ model, event }`, or that something changed. */
export const CHANNEL = "darkroom-weights";
