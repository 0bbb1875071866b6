import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/**
 * A way to a server. Once held, nothing passes any more: the server takes its client for gone, while the client is told nothing, as
 * when a network is cut in two.
 */
export type Way = AsyncDisposable & { address: string; hold: () => void };

/** Opens a way to `host:port`, from a free port of this machine. */
export async function openWay(to: string): Promise<Way> {
  const { hostname, port } = new URL(`tcp://${to}`);
  const clients = new Set<Socket>();
  const onwards = new Set<Socket>();
  let held = false;
  const server = createServer((near) => {
    clients.add(near);
    near.on('error', () => near.destroy());
    if (held) return;
    const far = connect(Number(port), hostname);
    onwards.add(far);
    far.on('error', () => far.destroy());
    far.on('close', () => held || near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far).pipe(near, { end: false });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold() {
      held = true;
      for (const far of onwards) far.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const near of clients) near.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
