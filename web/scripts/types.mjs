// Writes src/api/schema.d.ts from the description that the API of this checkout gives of itself.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapi, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = process.env.PYTHON ?? `${root}.venv/bin/python`;
const description = JSON.parse(
  execFileSync(python, ["web/scripts/description.py"], {
    cwd: root,
    maxBuffer: 2 ** 26,
    encoding: "utf8",
  }),
);
const types = astToString(await openapi(description, { defaultNonNullable: true }));
const target = process.argv[2] ?? new URL("../src/api/schema.d.ts", import.meta.url);
writeFileSync(
  target,
  `// Made by npm run types from the API's description; not edited by hand.\n\n${types}`,
);
