// Connects the state, the session and the views. What the page shows is in views/, its texts are in
// strings.js; the worker behind engine/client.js computes.

import { writeControls } from "./files/control_choices.js";
import { anyById, onPress, watchDirections } from "./dom.js";
import { Engine } from "./engine/client.js";
import { fieldsOf } from "./files/fields.js";
import { pixelsOf } from "./files/pixels.js";
import { chooseModel } from "./options.js";
import { createActions } from "./page/actions.js";
import { createAddons } from "./page/addons.js";
import { createAddress } from "./page/address.js";
import { ENLARGE, createEnlarging } from "./page/enlarging.js";
import { createFaults } from "./page/faults.js";
import { createQueueing } from "./page/queueing.js";
import { keptDraft, startImagesIn } from "./request/draft.js";
import { readingOf } from "./request/fields.js";
import { randomSeed } from "./request/seed.js";
import { shouldShow } from "./session/notices.js";
import { Session } from "./session/session.js";
import { createTimes } from "./session/times.js";
import { createPage, isIdle } from "./state/page.js";
import { storageSentence } from "./storage/database.js";
import { onStartImageRefused, startImageFile, sweepStartImages } from "./storage/start_images.js";
import { keepImage, imageFile } from "./storage/images.js";
import { remembered } from "./storage/settings.js";
import { embeddingsIn, embeddingWordsIn } from "./store/addons.js";
import { lorasOf } from "./store/loras.js";
import { theStore } from "./store/shared.js";
import { lookForLost, lostModels, onLostModels } from "./store/lost.js";
import { say } from "./strings.js";
import { addonText } from "./strings/addons.js";
import { library as libraryText } from "./strings/library.js";
import { stayAwake } from "./tab/awake.js";
import { watchInstall } from "./tab/install.js";
import { warnOnLeaving } from "./tab/leave.js";
import { createPlaces } from "./tab/places.js";
import { createTurn, someoneWorks } from "./tab/turn.js";
import { watchUpdates } from "./tab/updates.js";
import { createAbout } from "./views/about.js";
import { createPreview } from "./views/preview.js";
import { createDevice } from "./views/device.js";
import { createDrop } from "./views/drop.js";
import { Form } from "./views/form.js";
import { Gallery } from "./views/gallery.js";
import { createHabits } from "./views/habits.js";
import { createIndicators } from "./views/indicators.js";
import { createNotImported } from "./views/not_imported.js";
import { note } from "./views/note.js";
import { createOffer } from "./views/offer.js";
import { createPicture } from "./views/picture.js";
import { createPreviewEvery } from "./views/preview_every.js";
import { createPrivacy, takeMessage } from "./views/privacy.js";
import { createPrompt } from "./views/prompt.js";
import { createNavigation } from "./views/navigation.js";
import { Library, openLibrary } from "./views/library.js";
import { createStatus } from "./views/status.js";
import { watchUndo } from "./views/undo.js";
import { createVerify } from "./views/verify.js";

/** Whether the page was closed while the queue ran. */
const interrupted = remembered("queue-runs") === "yes";
/** The name of the painter of masks in the browser's history. */
const EDITOR = "edit";
const state = createPage();
/** Finds ControlNets and upscalers; loaded with the first. */
const networks = () => import("./store/networks.js");
const session = new Session(state, new Engine(), {
  stayAwake,
  createTurn,
  pixelsOf,
  startImageFile,
  lorasOf,
  controlsOf: async (choices) => (await networks()).controlsOf(choices),
  upscalerOf: async (choice) => (await networks()).upscalerOf(choice),
  embeddingsIn,
  keepImage,
  storageSentence,
  shouldShow,
});
const tell = (/** @type {unknown} */ error) => faults.tell(error);
/** A fault of a field is shown by that. @param {any} error */
const tellField = (error) => (error?.field ? form.showFault(error) : tell(error));
const changed = () => address.changed();
const toForm = () => navigation.go("create");
const showOutcome = (/** @type {string} */ sentence) => status.end(sentence);

/* The form, the image, and the progress of a task. */

const form = new Form(state, {
  onGenerate: () => (habits.generated(), actions.generate()),
  onPause: () => void session.pause(),
  onEndEarly: () => session.endEarly(),
  onCancel: () => session.cancel(),
  onChange: changed,
  onGetAddon: (offered) => models.fetchAddon(offered),
  onEditor: (open) => (open ? places.open(EDITOR) : places.close(EDITOR)),
  onEnlarge: (file) => void enlarge({}, file),
  outpaint: (pixels, sides) => session.engine.outpaint(pixels, sides, Number(randomSeed())),
  onFault: tell,
});
const status = createStatus(session);
const prompt = createPrompt(
  state,
  async () => {
    const { prompt: text = "", ...fields } = form.fields();
    return session.engine.tokens(text, readingOf(fields));
  },
  changed,
  { mayTeach: () => form.loras.mayTeach(), taught: embeddingWordsIn },
);
const picture = createPicture({
  onKeepSeed: (seed) => actions.fill([["seed", seed]]),
  onVariation() {
    actions.fill([["seed", ""]]);
    if (isIdle(state)) actions.generate();
  },
  onVary: (made, file) => void actions.vary(made, file),
  onEdit: (made, file) => void actions.vary(made, file, "edit"),
  onNext: (file) => void actions.goOnWith(file),
  onEnlarge: (made) => void enlarge(made, made.file),
  onControl: (file) => void form.controls.take(file).catch(tell),
  onLink: (made) => void actions.linkPicture(made),
  onView: ({ request: { seed, prompt } }) =>
    gallery.view(({ request }) => request.seed === seed && request.prompt === prompt),
  tell: showOutcome,
});
createPreviewEvery(state);
createDevice(state, { onChoose: () => void address.reopen() });
createPreview(session);
createVerify(state, session);
const notImportedNote = createNotImported((fields) => [form.fill(fields), changed()]);

session.on("start", () => form.showFault(null));
session.on("progress", prompt.prepare);
/** The images of one run. @type {import("./session/protocol.js").Made[]} */
let batch = [];
session.on("run", () => {
  batch = [];
  document.getElementById("batch")?.remove();
});
session.on("made", (made) => {
  picture.show(made);
  form.made(made.request.seed);
  if (batch.push(made) > 1)
    void import("./views/batch.js").then(({ showBatch }) => showBatch(batch, picture.show));
});
session.on("unkept", note);
session.on("fault", ({ kind, message, field, show }) => {
  faults.keep(kind, message);
  if (show) form.showFault({ message, field });
});
state.subscribe(["phase", "task"], ({ phase, task }, before) => {
  // Programs that watch the page see each task begin, even if the phase does not change.
  if (phase !== before.phase || task) document.documentElement.dataset["state"] = phase;
  warnOnLeaving(phase === "generating");
});

/* The other views. */

const privacy = createPrivacy(state, session);
const about = createAbout(state, () => session.engine.held());
const times = createTimes(state, session);
/** The view "Speed"; loaded when it is first shown. */
const speed = () =>
  import("./views/speeding.js").then(({ theSpeeding }) =>
    theSpeeding(state, session, form, { pictures: times.latest, reopen: () => address.reopen() }),
  );
const gallery = new Gallery(state, {
  onUse({ request, initial = "", mask = "", controls = [] }) {
    const images = [initial, mask, writeControls(controls)];
    const beside = ["initial", "mask", "controls"].map((name, i) => [name, images[i] ?? ""]);
    form.fillRequest([...fieldsOf({ ...request }), .../** @type {[string, string][]} */ (beside)]);
    changed();
    toForm();
  },
  onVary: (saved) => void vary(saved, "vary"),
  onEdit: (saved) => void vary(saved, "edit"),
  onEnlarge: (saved) => withFile(saved, (file) => enlarge(saved, file, () => gallery.focus(saved))),
  onControl: (saved) => withFile(saved, (file) => (toForm(), form.controls.take(file))),
  onLink: (saved) => actions.linkPicture(saved),
  onOpen: (name) => places.open(name),
  onClose: (name) => places.close(name),
  onFault: tell,
});
/** @param {import("./storage/images.js").SavedImage} saved @param {"vary" | "edit"} how */
const vary = (saved, how) => withFile(saved, (file) => actions.vary(saved, file, how));
/**
 * Does something with the file of an image of the gallery.
 * @param {import("./storage/images.js").SavedImage} saved
 * @param {(file: Blob) => Promise<unknown>} act
 */
async function withFile({ id }, act) {
  try {
    const file = await imageFile(id);
    if (file) await act(file);
  } catch (error) {
    tell(error);
  }
}
const queueing = createQueueing(state, session, form, tell);
/** The comparison of checkpoints; loaded when it is first shown. */
const comparing = () =>
  import("./views/comparing.js").then(({ theComparing }) => theComparing(session, form));
const navigation = createNavigation(
  state,
  {
    compare: () => void comparing().then((view) => view.enter(), tell),
    speed: () => void speed().then((view) => view.enter(), tell),
    gallery: () => gallery.enter(),
    queue: queueing.enter,
    privacy: () => privacy.enter(),
    about: () => void about.show(),
  },
  (view) => {
    faults.leave();
    places.go(view);
  },
);

/* Models. */

const toModels = () => {
  toForm();
  openLibrary();
};
const toPrivacy = () => navigation.go("privacy");
const indicators = createIndicators(state, { toModels, toPrivacy });
const models = new Library(anyById("library"), state, {
  onUse: chooseModel,
  onAddon: (model) => void addons.use(model).catch(tell),
  onStop: (model) => void addons.stop(model).catch(tell),
  onDownload: indicators.download,
  onLock: toPrivacy,
});
const getModel = () => void models.openAndFetch("stable-diffusion-v1-4");
createOffer(state, { onMeasure: (hear) => session.measure(hear), onGet: getModel });
onPress("empty-get", getModel);
onPress("unknown-get", getModel);

/* Input from outside the form: files, the URL, the browser's history. */

const drop = createDrop({
  onModels(files, behind) {
    form.showFault(null);
    if (!behind) toModels();
    void models.importFiles(files);
  },
  onRequest({ fields, program, note }, text) {
    const back = form.snapshot();
    form.showFault(null);
    form.fillRequest(fields);
    notImportedNote.show(note);
    changed();
    toForm();
    if (isIdle(state)) status.end(say.filled(program, text));
    return () => [back(), notImportedNote.show(), isIdle(state) && status.end("")];
  },
  async onPicture(file, onTarget) {
    toForm();
    if (!(await form.startImage.take(file, file.name))) return;
    form.showFault(null);
    if (onTarget) return;
    status.end(say.becameStartImage(file.name));
    tellsOfStartImage = true;
  },
  onControl: (file, at) => void form.controls.take(file, at).catch(tell),
  onRows(rows, whole) {
    navigation.go("queue");
    queueing.add(rows, whole).catch(tell);
  },
  onFault: tell,
});
const faults = createFaults(form, { here: navigation.here, note });
const actions = createActions(state, session, form, {
  pasteInProgress: drop.pasteInProgress,
  changed,
  toForm,
  tell: showOutcome,
  onExpand: (fields) => void many().then((made) => made.generate(fields), tell),
});
const habits = createHabits(state, session, form, {
  fill: actions.fill,
  toForm,
  end: showOutcome,
  tell,
});
const places = createPlaces({
  onLink: () => void address.follow(),
  onView: navigation.show,
  onOpen: openDialog,
});
const address = createAddress(form, session, {
  count: prompt.count,
  show: navigation.show,
  open: openDialog,
  enter: places.begin,
  tell,
});
/** Opens the dialog that an entry of the history names, and closes others. @param {string} name */
function openDialog(name) {
  if (name === EDITOR) void form.startImage.edit();
  else form.startImage.closeEditor();
  if (name !== ENLARGE) enlarging.close();
  if (name === "many") openMany();
  gallery.open(name);
}
const enlarging = createEnlarging(state, session, {
  onMade(made) {
    toForm();
    picture.show(made);
  },
  onImport: (files) => models.importFiles(files).then(models.said),
  places: () => places,
  tell,
});
const enlarge = enlarging.open;
const addons = createAddons(form, {
  onUpscaler() {
    const made = picture.shown();
    if (made) void enlarge(made, made.file);
    else tell(new Error(addonText.noImage()));
  },
  changed,
  toForm,
  reopen: () => address.reopen(),
  tell: (sentence) => void (isIdle(state) && status.end(sentence)),
});
// Whether a drop made a start image: Reset removes it, and what says that it is one.
let tellsOfStartImage = false;
anyById("reset").addEventListener("click", () => {
  form.showFault(null);
  if (tellsOfStartImage && isIdle(state)) status.end("");
  tellsOfStartImage = false;
});
onPress("copy-form-link", () => void actions.linkForm());
onPress("to-queue", () =>
  actions
    .settled()
    .then(() => queueing.add([form.fields()]))
    .then((count) => status.end(say.queued(count)))
    .catch(tellField),
);
/** @param {number} id of an image of the gallery */
const showImage = (id) => gallery.open(`picture ${id}`);
/** What makes many images at once, loaded when it is first used. */
const many = () =>
  (manyDialog ??= import("./batch/dialog.js")
    .then(({ createMany }) =>
      createMany(form, {
        ...queueing,
        places,
        view: showImage,
        told: showOutcome,
        tell: tellField,
      }),
    )
    .catch((error) => ((manyDialog = null), Promise.reject(error))));
/** @type {ReturnType<typeof import("./batch/dialog.js").createMany> | null} */
let manyDialog = null;
const openMany = () => void many().then((made) => made.open(), tell);
onPress("many", openMany);

const loaded = new Promise((/** @type {(value: void) => void} */ done) => {
  const end = state.subscribe(["phase"], ({ phase }) => {
    if (phase === "loading") return;
    end();
    done();
  });
});
void watchUpdates(
  async () => !isIdle(state) || state.get().queueRuns || (await someoneWorks()),
  loaded,
);
watchInstall();
watchUndo();
watchDirections();
const message = takeMessage();
if (message) note(message);
onStartImageRefused(async (error) => {
  const { message } = /** @type {Error} */ (error);
  note((await storageSentence(error)) ?? say.startImageNotKept(message));
});
onLostModels(() => {
  const titles = lostModels();
  if (titles.length) note(libraryText.lost(titles));
});
// Where storage is blocked, no model was stored, so none was lost.
lookForLost(() => theStore().list()).catch(() => {});
address
  .begin()
  .then(() => queueing.begin(interrupted))
  .catch(tell);
// Where storage is blocked, there is nothing to delete.
sweepStartImages(startImagesIn(keptDraft()), async () => {
  const { listGrids } = await import("./batch/grids.js");
  return (await listGrids()).flatMap(({ cells }) => cells.map(({ fields }) => fields));
}).catch(() => {});
