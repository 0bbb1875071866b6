import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to a server. Once held, what is sent arrives no more, and its sender cannot tell: nothing is refused or closed. */
export type Way = AsyncDisposable & { address: string; hold: () => void };

/** Opens a way to `host:port`, from a free port of this machine. */
export async function openWay(to: string): Promise<Way> {
  const { hostname, port } = new URL(`tcp://${to}`);
  const sockets = new Map<Socket, Socket>();
  let held = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    sockets.set(near, far);
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    far.pipe(near);
    if (!held) near.pipe(far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold() {
      held = true;
      for (const [near, far] of sockets) near.unpipe(far);
    },
    async [Symbol.asyncDispose]() {
      for (const near of sockets.keys()) near.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
