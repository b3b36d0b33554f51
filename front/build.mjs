// Bundles the scripts into dist/ (`cargo xtask front`). The output is committed: building Paddock needs no Node.js.

import { build } from "esbuild";

await build({
  entryPoints: ["src/app.js", "src/chart.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  outdir: process.argv[2] ?? "dist",
  legalComments: "eof",
  logLevel: "warning",
});
