// Puts a .br and a .gz beside each built file that they make smaller, for the API to send as they are.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder =
  process.env.OUT ?? new URL("../../src/cytomill/kiosk/page", import.meta.url).pathname;
const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } };

for (const name of readdirSync(folder, { recursive: true })) {
  const path = join(folder, name);
  if (!/\.(js|css|html|svg|json|wasm)$/.test(name) || statSync(path).size < 1024) continue;
  const bytes = readFileSync(path);
  for (const [end, packed] of [
    [".br", brotliCompressSync(bytes, quality)],
    [".gz", gzipSync(bytes, { level: 9 })],
  ]) {
    if (packed.length < bytes.length) writeFileSync(path + end, packed);
  }
}
