// Makes an image and shows each step: opens a model, loops over the events, stops when the button
// is clicked.

import { Engine } from "../engine/client.js";

const find = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const stop = new AbortController();
const { signal } = stop;
find("stop").onclick = () => stop.abort();

const engine = new Engine();
try {
  await engine.open("../models/demo/", {}, { signal });
  const request = { prompt: "a green leaf on black", seed: "7", steps: 12 };
  for await (const event of engine.events(request, { signal })) {
    if (event.event === "step") {
      find("text").textContent = `Step ${event.step} of ${event.steps}`;
      find("bar").value = event.step / event.steps;
    } else if (event.event === "picture") {
      const { png } = event.picture;
      find("picture").src = URL.createObjectURL(new Blob([png], { type: "image/png" }));
      find("picture").alt = request.prompt;
      find("picture").hidden = false;
      find("text").textContent = request.prompt;
    }
  }
} catch (error) {
  find("text").textContent = /** @type {Error} */ (error).message;
}
engine.dispose();
