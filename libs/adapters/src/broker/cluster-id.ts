import { randomBytes } from 'node:crypto';

/** 16 bytes in 22 characters of base64url. Never with a leading dash, which Kafka's own tools take for an option; Kafka draws its ids so too. */
export function drawClusterId(draw: () => Buffer = () => randomBytes(16)): string {
  for (;;) {
    const id = draw().toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}
