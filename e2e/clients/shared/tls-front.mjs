// TLS in front of a broker that speaks plain HTTP, for clients that insist on it.

import { once } from "node:events";
import { connect } from "node:net";
import { createServer } from "node:tls";

/** Listens on a free port and passes on what comes. Returns its address and how to stop it. */
export async function tlsFront(target, { key, certificate }) {
  const { hostname: host, port } = new URL(target);
  const open = new Set();
  const server = createServer({ key, cert: certificate }, (client) => {
    const broker = connect({ host, port });
    for (const [from, to] of [[client, broker], [broker, client]]) {
      open.add(from);
      from.setNoDelay(true);
      from.on("error", () => to.destroy());
      from.on("close", () => open.delete(from));
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { url: `https://127.0.0.1:${server.address().port}`, stop };
}
