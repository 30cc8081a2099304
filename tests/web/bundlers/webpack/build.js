// Builds the project. webpack has no rule for the module: it carries its worker and wasm along by
// itself.

import { join } from "node:path";
import process from "node:process";
import webpack from "webpack";

const config = {
  mode: "production",
  context: import.meta.dirname,
  entry: "./main.js",
  output: { path: join(import.meta.dirname, "dist"), filename: "main.js" },
};

webpack(config, (error, stats) => {
  if (!error && !stats.hasErrors()) return;
  process.stderr.write(String(error ?? stats));
  process.exitCode = 1;
});
