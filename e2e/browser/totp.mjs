// An authenticator app: RFC 6238 with SHA-1, six digits and thirty seconds, which is what all of them do.

import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function decoded(base32) {
  const digits = [...base32.toUpperCase().replace(/[\s=-]/g, "")].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0"));
  return Buffer.from(digits.join("").match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

const PERIOD_MS = 30_000;
const ROOM_MS = 12_000;

/** Waits, if the period is about to end: the code of the one before is not taken for long then. */
export async function roomInThePeriod() {
  const left = PERIOD_MS - (Date.now() % PERIOD_MS);
  if (left < ROOM_MS) await new Promise((resolve) => setTimeout(resolve, left));
}

/** The code of that secret, now or some periods from now. */
export function code(secret, periods = 0) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / PERIOD_MS) + periods));
  const hash = createHmac("sha1", decoded(secret)).update(counter).digest();
  const at = hash.at(-1) & 15;
  return String((hash.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000).padStart(6, "0");
}
