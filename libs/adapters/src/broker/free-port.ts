import { createServer, type AddressInfo } from 'node:net';

/** The wanted port of 127.0.0.1 when it is free, else one that the system picks. */
export async function freePort(wanted = 0): Promise<number> {
  const probe = createServer();
  const port = await new Promise<number | undefined>((done) => {
    probe.once('error', () => {
      done(undefined);
    });
    probe.listen(wanted, '127.0.0.1', () => {
      done((probe.address() as AddressInfo).port);
    });
  });
  await new Promise<void>((done) =>
    probe.close(() => {
      done();
    }),
  );
  if (port !== undefined) return port;
  if (wanted === 0) throw new Error('no free port on 127.0.0.1');
  return freePort();
}
