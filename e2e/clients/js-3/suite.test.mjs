// @alpacahq/alpaca-trade-api 3.x, unmodified, against `paddock paper serve`: its whole surface.
//
// Its data streams insist on TLS, and Node.js reads only when it starts whom it may trust. So a certificate is made first, and then
// this file is run again.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selfSigned } from "../shared/certificate.mjs";

if (process.env.PADDOCK_TEST_TLS) {
  await import("./suite.mjs");
} else {
  const directory = mkdtempSync(join(tmpdir(), "paddock-tls-"));
  const { key, certificate } = selfSigned();
  const file = join(directory, "certificate.pem");
  writeFileSync(file, certificate);
  writeFileSync(join(directory, "key.pem"), key, { mode: 0o600 });
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: file, PADDOCK_TEST_TLS: directory };
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit", env });
  rmSync(directory, { recursive: true, force: true });
  process.exitCode = status ?? 1;
}
