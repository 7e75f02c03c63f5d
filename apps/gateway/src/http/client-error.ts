import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import { Problem } from './problem.ts';
import { PROBLEM_TYPE, problemBody } from './problem-filter.ts';

const STATUS_OF: Readonly<Record<string, number | undefined>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** Answers bytes that Node could not read as a request, and hangs up: there is no request, so no other handler sees them. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = STATUS_OF[error.code ?? ''] ?? 400;
  const body = problemBody(new Problem(status, 'REQUEST_MALFORMED', 'no whole http request came, within its limits'), randomUUID());
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, `content-type: ${PROBLEM_TYPE}`, 'connection: close'];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  socket.destroy(error);
}
