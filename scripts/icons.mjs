// Draws web/icons/*.png from icon.svg, in the browser that the tests use.
//   node scripts/icons.mjs

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { launch } from "../tests/web/harness/browser.mjs";

const folder = join(import.meta.dirname, "../web/icons");
const svg = await readFile(join(folder, "icon.svg"), "utf8");

/** A maskable icon may lose its outer fifth: the drawing is smaller, the ground fills all. */
const maskable = svg
  .replace('rx="15"', 'rx="0"')
  .replace('viewBox="0 0 64 64"', 'viewBox="-10 -10 84 84"')
  .replace('<rect width="64" height="64"', '<rect x="-10" y="-10" width="84" height="84"');

const browser = await launch();
for (const [name, side, drawing] of /** @type {const} */ ([
  ["icon-192.png", 192, svg],
  ["icon-512.png", 512, svg],
  ["icon-512-maskable.png", 512, maskable],
])) {
  const page = await browser.newPage({ viewport: { width: side, height: side } });
  const source = `data:image/svg+xml,${encodeURIComponent(drawing)}`;
  await page.setContent(
    `<body style="margin:0"><img width="${side}" height="${side}" src="${source}">`,
  );
  await writeFile(join(folder, name), await page.screenshot({ omitBackground: true }));
}
await browser.close();
