// Types only: the events of a session, and what a session needs.

/** @typedef {import("../engine/client.js").Engine} Engine */
/** @typedef {import("../files/control_choices.js").ControlChoice} ControlChoice */
/** @typedef {import("../engine/protocol.js").Picture} Picture */
/** @typedef {import("../engine/protocol.js").Progress} Progress */
/** @typedef {import("../engine/protocol.js").Request} Request */
/** @typedef {import("../state/page.js").Task} Task */

/**
 * What to make: a request, how many images, the numbers of their start image and of its mask, their
 * LoRAs, their ControlNets and T2I-Adapters, the upscaler of their second pass, and where a job's
 * request comes from.
 * @typedef {{ request: Request, count: number, startImage?: string | undefined,
 *   mask?: string | undefined, loras?: import("../files/loras.js").LoraChoice[],
 *   controls?: ControlChoice[], upscaler?: { name: string, hash: string } | undefined,
 *   origin?: import("../storage/jobs.js").Origin | undefined }} Wanted
 */

/**
 * How a task ended: well, cancelled by the user, or failed, with the reason. `engineGone`: no model
 * is open any more.
 */
/** @typedef {"done" | "cancelled" | { failed: string, engineGone: boolean }} Outcome */

/**
 * A finished image, and what made it.
 * @typedef {object} Made
 * @property {import("../engine/protocol.js").Enlarged & Partial<Pick<Picture, "safety">>} picture
 * @property {Request} request of this image alone, with its own seed
 * @property {Blob} file the PNG file
 * @property {number} seconds the time it took
 * @property {string} [initial] the number of its start image
 * @property {string} [mask] the number of the mask of that
 * @property {ControlChoice[]} [controls] its ControlNets and T2I-Adapters
 * @property {import("../storage/images.js").SavedImage["enlarged"]} [enlarged] the upscalers
 * that have enlarged it
 * @property {string} [before] of an enlarged one: the number of the image that was enlarged
 * @property {import("../storage/jobs.js").Origin} [origin] where its request comes from
 * @property {string} model the model's address
 * @property {import("../engine/protocol.js").Provenance | null} [provenance] of the model
 * @property {import("../engine/protocol.js").Part[]} [parts] those that were not the model's own
 * @property {string} engine model, precision and device, as a line of text
 */

/**
 * The events of a session.
 * @typedef {object} SessionEvents
 * @property {null} start a task was asked for: clear the messages of the one before
 * @property {string} begin a task begins; the sentence to show
 * @property {Progress} progress of the task
 * @property {string} note a sentence that stays until the next task
 * @property {null} wait the task waits for another tab
 * @property {boolean} pause the user paused the run (true) or resumed it
 * @property {null} cancelling the user cancelled the task
 * @property {{ model: string }} run a call of the engine begins, which makes one or more images
 * @property {null} runEnd that call has ended
 * @property {{ picture: Picture, first: boolean }} received an image came from the engine; `first`:
 * of its group (timing.js)
 * @property {Made} made an image is finished
 * @property {null} kept it is stored, or could not be
 * @property {string} unkept the browser did not store an image; the reason
 * @property {{ report: import("../engine/protocol.js").SpeedReport, held:
 * import("../engine/protocol.js").Held, peak: number | undefined }} profile was measured
 * @property {string} said the sentence to show at the end of a task; empty if `fault` has it
 * @property {{ kind: string, message: string, field?: string | undefined, show: boolean }} fault
 * a task failed or was cancelled; `show`: the form shows the message, else the caller does
 * @property {{ task: Task, outcome: Outcome, text: string }} end a task has ended
 */

/** @typedef {import("../state/events.js").Events<SessionEvents>} Events */

/**
 * What a session uses of the browser and its storage; tests give their own.
 * @typedef {object} Platform
 * @property {(on: boolean) => void} stayAwake keeps the screen on
 * @property {typeof import("../tab/turn.js").createTurn} createTurn makes the lock between tabs
 * @property {(file: Blob) => Promise<import("../engine/protocol.js").Pixels>} pixelsOf decodes a
 * file
 * @property {(number: string) => Promise<Blob | undefined>} startImageFile the file of a stored
 * start image or mask
 * @property {typeof import("../store/loras.js").lorasOf} lorasOf finds a request's LoRAs
 * @property {typeof import("../store/networks.js").controlsOf} controlsOf finds a request's
 * ControlNets and T2I-Adapters, and decodes their pictures
 * @property {typeof import("../store/networks.js").upscalerOf} upscalerOf finds an upscaler
 * @property {typeof import("../store/addons.js").embeddingsIn} embeddingsIn finds the textual
 * inversions that prompts call
 * @property {typeof import("../storage/images.js").keepImage} keepImage stores an image
 * @property {(error: unknown) => Promise<string | null>} storageSentence the sentence for a storage
 * fault; null for another fault
 * @property {(text: string) => boolean} shouldShow whether to show a notice (notices.js)
 */

export {};
