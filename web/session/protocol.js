// What a session tells and what it is given; nothing but types.

/** @typedef {import("../engine/client.js").Engine} Engine */
/** @typedef {import("../engine/protocol.js").Picture} Picture */
/** @typedef {import("../engine/protocol.js").Progress} Progress */
/** @typedef {import("../engine/protocol.js").Request} Request */
/** @typedef {import("../state/page.js").Job} Job */

/**
 * What to make: a request, its pictures, the number of the picture that they begin with.
 * @typedef {{ request: Request, count: number, initial?: string | undefined }} Wanted
 */

/** How a job ended: well, stopped by the user, or not at all, with the reason. */
/** @typedef {"done" | "cancelled" | { failed: string, engineGone: boolean }} Outcome */

/**
 * A picture that was made, with what made it: its own request, the time it took, the address of the
 * model, the number of the picture that it began with.
 * @typedef {object} Made
 * @property {Picture} picture
 * @property {Request} request
 * @property {Blob} file
 * @property {number} seconds
 * @property {string} model
 */

/**
 * What a session tells.
 * @typedef {object} SessionEvents
 * @property {null} start a job was asked for: what was said of the one before is over
 * @property {string} begin a job begins, with what to say of it
 * @property {Progress} progress of whatever runs
 * @property {string} note a sentence that stays until the next job
 * @property {null} wait another tab is first
 * @property {boolean} pause the picture is to rest, or to go on
 * @property {null} cancelling
 * @property {{ model: string }} run pictures that the engine makes in one call begin
 * @property {null} runEnd
 * @property {{ picture: Picture, first: boolean }} received a picture came from the engine; whether
 * it is the first of those that were made together
 * @property {Made} made a picture is there
 * @property {string} unkept why a picture could not be kept, from the browser's storage
 * @property {{ profile: import("../engine/protocol.js").Profile, held:
 * import("../engine/protocol.js").Held, peak: number | undefined }} profile was measured
 * @property {string} said how a job ended, or nothing where a fault says it
 * @property {{ kind: string, message: string, field?: string | undefined, tells: boolean }} fault
 * and whether it is to be shown; without that, whoever asked for the job does so
 * @property {{ job: Job, outcome: Outcome, text: string }} end a job is over
 */

/** @typedef {import("../state/events.js").Events<SessionEvents>} Events */

/**
 * What a session needs of the browser.
 * @typedef {object} Tools
 * @property {(on: boolean) => void} stayAwake keeps the screen on
 * @property {typeof import("../tab/turn.js").createTurn} createTurn one tab at a time works
 * @property {(file: Blob) => Promise<import("../engine/protocol.js").Pixels>} pixelsOf
 * @property {(number: string) => Promise<Blob | undefined>} initialFile
 * @property {typeof import("../storage/images.js").keepImage} keepImage
 * @property {(error: unknown) => Promise<string | null>} storageSentence
 * @property {(text: string) => boolean} isNews whether a notice was not told here before
 */

export {};
