// The page's wiring: views and session, and what they tell each other. What the page shows is in
// views/, what it says in strings.js; the work is done by the worker behind engine/client.js.

import { compare } from "./compare.js";
import {
  MODEL,
  chooseKernels,
  chooseModel,
  linkFields,
  linkTo,
  modelAddress,
  readOptions,
  tokenizerAddress,
  writeOptions,
} from "./options.js";
import { createSession } from "./session.js";
import { initialFile, keepInitial, sweepInitials } from "./storage/initials.js";
import { storageSentence } from "./storage/database.js";
import { printFile } from "./storage/pictures.js";
import { say } from "./strings.js";
import { compareText } from "./strings/compare.js";
import { EXAMPLES, FIRST_SEED } from "./strings/demo.js";
import { keepFault } from "./storage/faults.js";
import { watchInstall } from "./tab/install.js";
import { warnOnLeaving } from "./tab/leave.js";
import { createPlaces } from "./tab/places.js";
import { someoneWorks } from "./tab/turn.js";
import { watchUpdates } from "./tab/updates.js";
import { createAbout } from "./views/about.js";
import { createCompare } from "./views/compare.js";
import { createDeveloping } from "./views/developing.js";
import { createDevice } from "./views/device.js";
import { anyById, byId, onPress, remember, remembered, watchDirections } from "./dom.js";
import { isOf, keepDraft, keptDraft } from "./views/draft.js";
import { createDrop } from "./views/drop.js";
import { readingOf, requestOf } from "./views/fields.js";
import { createForm } from "./views/form.js";
import { createGallery } from "./views/gallery.js";
import { createLosses } from "./views/losses.js";
import { createMarks } from "./views/marks.js";
import { note } from "./views/note.js";
import { createOffer } from "./views/offer.js";
import { createPicture } from "./views/picture.js";
import { createPrivacy, toldBefore } from "./views/privacy.js";
import { createPrompt } from "./views/prompt.js";
import { createQueue } from "./views/queue.js";
import { createRooms } from "./views/rooms.js";
import { createShelf, openShelf } from "./views/shelf.js";
import { createSpeed } from "./views/speed.js";
import { createStatus } from "./views/status.js";
import { watchUndo } from "./views/undo.js";
import { createVerify } from "./views/verify.js";
import { fieldsOf } from "./files/fields.js";
import { forgetTuning } from "./engine/tunings.js";
import { Store } from "./store/client.js";

/** Milliseconds of rest before the address is brought up to date. */
const REST_MS = 300;

const about = createAbout(() => session.engine.held());
const privacy = createPrivacy(() => marks.showLock());
const status = createStatus();
const device = createDevice({ onChoose: reopen });
const verify = createVerify({
  onVerify: () => void session.verify(verify),
  onCancel: () => session.cancel(),
});
const form = createForm(
  {
    onGenerate: generate,
    onPause: () => void session.pause(),
    onCancel: () => session.cancel(),
    onChange: changed,
    onFault: tell,
  },
  EXAMPLES[0] ?? "",
);
const prompt = createPrompt(async () => {
  const { prompt = "", ...fields } = form.fields();
  return session.engine.tokens(prompt, readingOf(fields));
}, changed);
const picture = createPicture({
  onKeepSeed: (seed) => fill([["seed", seed]]),
  onVariation() {
    fill([["seed", ""]]);
    if (isIdle()) generate();
  },
  onVary: vary,
  onLink: (request, model) =>
    void copyLink(form.linkOf(request), model, typeof request.strength === "number"),
});
const every = byId("preview-every", HTMLSelectElement);
every.value = remembered("preview-every") ?? "0";
every.addEventListener("change", () => remember("preview-every", every.value));
const session = createSession({
  enter,
  status,
  picture,
  developing: createDeveloping(),
  choose({ how }) {
    device.choose(how.device);
    device.clear();
    speed.choose(how);
  },
  describe({ model, how }, description) {
    form.describe(description);
    prompt.describe(model === MODEL);
    const engine = device.show(model, how, description);
    about.describe(description, engine);
    speed.describe({ model, how }, description);
    void offer.show(model);
    return engine;
  },
  complain: form.complain,
  keepFault: keep,
  rest: form.rest,
  previewEvery: () => Number(every.value),
  watchRun: privacy.watchRun,
  async keepsNot(error) {
    const sentence = await storageSentence(error);
    if (sentence) note(sentence);
    return !!sentence;
  },
});
const speed = createSpeed({
  memory: () => Promise.all([session.engine.held(), session.engine.memory()]),
  onMeasure() {
    void session.profile(() => requestOf({ ...form.fields(), count: "1" }).request, speed);
  },
  onCancel: () => session.cancel(),
  async onChoose(kernels) {
    chooseKernels(kernels);
    await reopen();
  },
  async onForget(key) {
    await forgetTuning(key);
    await reopen();
  },
});
const offer = createOffer({ onMeasure: session.measure, onGet: () => getModel() });
const gallery = createGallery({
  onUse({ request, initial = "" }) {
    form.fillRequest([...fieldsOf({ ...request }), ["initial", initial]]);
    changed();
    rooms.go("develop");
  },
  async onVary({ id, request }) {
    const file = await printFile(id).catch(tell);
    if (file) vary(request, file);
  },
  onLink: ({ request, model }) =>
    copyLink(form.linkOf(request), model, typeof request.strength === "number"),
  onOpen: (name) => places.open(name),
  onClose: () => places.close(),
  onFault: tell,
});
const queue = createQueue({
  defaults: () => form.fields(),
  // The list of jobs says what is wrong with one.
  onRun: (fields) => session.make(() => requestOf(fields), false),
  onFault: tell,
});
const comparing = createCompare({
  builtIn: { name: compareText.builtIn(), model: MODEL },
  async stored() {
    const whole = (await new Store().list()).filter(({ complete }) => complete);
    return whole.map(({ manifest: { id, title } }) => ({ name: title, model: `stored/${id}` }));
  },
  address: modelAddress,
  request: (prompt, seed) => requestOf({ ...form.fields(), prompt, seed, count: "1" }).request,
  async onRun(comparison, judge, show) {
    const { how } = readOptions();
    const options = { ...how, tokenizer: tokenizerAddress(how) };
    const plan = { options, judge: judge && modelAddress(judge) };
    const outcome = await session.lend(async (engine, watch) => {
      await compare(engine, comparison, plan, watch, (next) => {
        comparing.progress(next);
        show();
      });
      return compareText.done();
    });
    if (outcome === "cancelled") throw new Error(compareText.cancelled());
    if (typeof outcome === "object") throw new Error(outcome.failed);
  },
  onCancel: () => session.cancel(),
});
const rooms = createRooms(
  {
    compare: comparing.enter,
    speed: speed.enter,
    gallery: gallery.show,
    privacy: privacy.enter,
    about: about.show,
  },
  (room) => {
    if (toldElsewhere) form.complain(null);
    toldElsewhere = false;
    places.go(room);
  },
);
const places = createPlaces({
  onLink: () => void follow(),
  onRoom: rooms.show,
  onOpen: gallery.open,
});
const losses = createLosses();
anyById("reset").addEventListener("click", () => form.complain(null));
const marks = createMarks({
  toModels() {
    rooms.go("develop");
    openShelf();
  },
  toPrivacy: () => rooms.go("privacy"),
});
const models = createShelf(anyById("shelf"), {
  onUse: chooseModel,
  onDownload: marks.download,
  onLock: () => rooms.go("privacy"),
});
const getModel = () => void models.get("stable-diffusion-v1-4");
const drop = createDrop({
  onModels(files) {
    form.complain(null);
    rooms.go("develop");
    openShelf();
    void models.importFiles(files);
  },
  onRequest({ fields, program, lost }, text) {
    const back = form.snapshot();
    form.complain(null);
    form.fillRequest(fields);
    losses.show(lost);
    changed();
    rooms.go("develop");
    if (isIdle()) status.end(say.filled(program, text));
    return () => [back(), losses.show([]), isIdle() && status.end("")];
  },
  async onPicture(file, told) {
    rooms.go("develop");
    if (!(await form.initial.take(file))) return;
    form.complain(null);
    if (!told) status.end(say.begins(file.name));
  },
  onRows(rows) {
    rooms.go("queue");
    queue.add(rows).catch(tell);
  },
  onFault: tell,
});
watchUpdates(async () => !isIdle() || queue.running() || (await someoneWorks()));
onPress("copy-form-link", () => void copyLink(form.changes()));
onPress("empty-get", getModel);
onPress("to-queue", () =>
  Promise.resolve(drop.reading())
    .then(() => queue.add([form.fields()]))
    .then(() => status.end(say.queued()))
    .catch(tell),
);

/** @param {import("./session.js").State} state */
function enter(state) {
  document.documentElement.dataset["state"] = state;
  form.show(state);
  warnOnLeaving(state === "generating");
  verify.show(state);
  speed.enable(state);
}

function isIdle() {
  return ["ready", "error"].includes(document.documentElement.dataset["state"] ?? "");
}

/**
 * Fills in the form for a picture that begins with another.
 * @param {import("./engine/protocol.js").Request} request the other's
 * @param {Blob} file
 */
async function vary(request, file) {
  form.vary(fieldsOf({ ...request }), await keepInitial(file));
  changed();
  rooms.go("develop");
  form.initial.focus();
}

/**
 * Gives a link to the clipboard; resolves to what was said of it.
 * @param {[string, string][]} fields
 * @param {string} [model] as of linkTo
 * @param {boolean} [begun] whether the picture began with another
 */
async function copyLink(fields, model, begun = false) {
  const link = linkTo(fields, model);
  const short = linkFields(fields).length < fields.length;
  const told = short ? say.copiedShort() : begun ? say.copiedBegun() : say.copied();
  await navigator.clipboard.writeText(link).then(
    () => status.end(told),
    () => window.prompt(say.copyYourself(), link),
  );
  return told;
}

/** Makes a picture. The first one in a browser, of the prompt that stands there, is a good one. */
function generate() {
  const reading = drop.reading();
  if (reading) return void reading.then(() => isIdle() && generate());
  const first = remembered("pressed") === null && form.fields()["prompt"] === EXAMPLES[0];
  remember("pressed", "yes");
  void session.make(() => form.read(first ? FIRST_SEED : ""));
}

let timer = 0;

/** The form has changed: the tokens are counted and the address follows, after a moment. */
function changed() {
  prompt.count();
  clearTimeout(timer);
  timer = setTimeout(() => {
    writeOptions(form.changes());
    keepDraft({ fields: form.changes(), begins: form.begins() });
  }, REST_MS);
}

/** @param {[string, string][]} fields */
function fill(fields) {
  form.fill(fields);
  changed();
}

/** Whether a fault stands in another view than the form's. */
let toldElsewhere = false;
/**
 * Shows a fault that no run has told, where the user is.
 * @param {unknown} error
 */
async function tell(error) {
  const calm = await storageSentence(error);
  if (calm) return note(calm);
  const message = error instanceof Error ? error.message : String(error);
  const room = rooms.here();
  toldElsewhere = room !== "develop";
  const place = toldElsewhere ? anyById(`room-${room}`).querySelector(".room-head") : null;
  form.complain({ message }, place);
}

/** Follows the address at the start. Where it says no more than was left here, that goes on. */
async function begin() {
  const { room, fields } = readOptions();
  const draft = keptDraft();
  if (draft && (!fields.length || isOf(fields, draft))) {
    form.fill(draft.fields);
    const { initial = "", strength = "" } = draft.begins;
    const there = initial && (await initialFile(initial).catch(() => undefined));
    if (there) form.fill(Object.entries({ strength, initial }));
  } else form.fill(fields);
  prompt.count();
  const open = places.begin(room);
  rooms.show(room);
  gallery.open(open);
  await reopen();
}

/** Follows a link that is opened in this tab: another form, unless it says nothing of one. */
function follow() {
  const { model, how, room, fields } = readOptions();
  if (fields.length) form.open(fields);
  prompt.count();
  keepDraft({ fields: form.changes(), begins: form.begins() });
  places.begin(room);
  rooms.show(room);
  return session.has({ model, how }) ? Promise.resolve() : reopen();
}

function reopen() {
  const { model, how } = readOptions();
  return session.open({ model, how });
}

/**
 * Keeps a fault for a report, without what was typed.
 * @param {string} kind
 * @param {string} message
 */
function keep(kind, message) {
  const { prompt = "", negative_prompt: avoid = "" } = form.fields();
  keepFault(kind, message, anyById("engine-facts").textContent?.trim() ?? "", [prompt, avoid]);
}

/** @param {string} reason */
const tellBug = (reason) => (keep("page", reason), tell(say.bug(reason)));

watchInstall();
const told = toldBefore();
if (told) note(told);
addEventListener("error", ({ message }) => tellBug(message));
addEventListener("unhandledrejection", ({ reason }) => tellBug(String(reason)));
watchUndo();
watchDirections();
begin().then(() => queue.resume().catch(tell));
// Where nothing is kept there is nothing to sweep.
sweepInitials(keptDraft()?.begins["initial"]).catch(() => {});
