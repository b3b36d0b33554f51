// A certificate for this machine alone, made anew for each run: a client that insists on TLS needs one, and Node.js makes keys but
// no certificates. DER is written here as far as that takes (ITU-T X.690; RFC 5280 for the fields).

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

const tagged = (tag, ...parts) => {
  const content = Buffer.concat(parts);
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts) => tagged(0x30, ...parts);
const oid = (...bytes) => tagged(0x06, Buffer.from(bytes));
const time = (date) => tagged(0x17, Buffer.from(date.toISOString().slice(2, 19).replace(/[-:T]/g, "") + "Z"));
const extension = (id, value) => sequence(id, tagged(0x01, Buffer.from([0xff])), tagged(0x04, value));

/** A key and a self-signed certificate for 127.0.0.1, good for a day, both as PEM. */
export function selfSigned(now = new Date()) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const name = sequence(tagged(0x31, sequence(oid(0x55, 0x04, 0x03), tagged(0x0c, Buffer.from("paddock tests")))));
  const serial = randomBytes(16);
  serial[0] = 0x40 | (serial[0] & 0x3f);
  const hour = 3_600_000;
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))), // version 3
    tagged(0x02, serial),
    ecdsaWithSha256,
    name,
    sequence(time(new Date(now.getTime() - hour)), time(new Date(now.getTime() + 24 * hour))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(
      extension(oid(0x55, 0x1d, 0x13), sequence(tagged(0x01, Buffer.from([0xff])))), // its own authority
      extension(oid(0x55, 0x1d, 0x11), sequence(tagged(0x87, Buffer.from([127, 0, 0, 1])))), // the address that it is for
    )),
  );
  const signature = tagged(0x03, Buffer.from([0]), sign("sha256", body, privateKey));
  const der = sequence(body, ecdsaWithSha256, signature);
  const lines = der.toString("base64").match(/.{1,64}/g).join("\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}
