import { Controller, Get, Header, Inject, Param, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

import { formatTrust, INPUT_TOPICS } from '#domain';

import { LedgerIndex } from '../index/ledger-index.ts';
import { Receipts, type ShownReceipt } from '../receipts.ts';
import { demandRole } from './credential.ts';
import { Gate } from './gate.ts';
import { AnswersText, Refuses } from './openapi.ts';
import { Problem } from './problem.ts';

const TEXT = 'text/plain; charset=utf-8';

/** Texts to keep and to verify elsewhere. Each was verified here a moment ago, which is no reason for a reader not to. */
@ApiTags('receipts')
@ApiBearerAuth()
@Controller('v1')
export class ReceiptsController {
  constructor(
    @Inject(Gate) private readonly gate: Gate,
    @Inject(Receipts) private readonly receipts: Receipts,
    @Inject(LedgerIndex) private readonly index: LedgerIndex,
  ) {}

  @Get('receipts')
  @Header('content-type', TEXT)
  @ApiOperation({
    summary: 'receipt of what became of one record on an input topic',
    description:
      'role read. By digest, the hex SHA-256 of the payload that was signed. Bytes that were refused without trust have none in their ' +
      'entry: their refusal is found by the place of the record, by the tenant that they name.',
  })
  @ApiQuery({ name: 'digest', required: false, schema: { type: 'string', pattern: '^[0-9a-f]{64}$' } })
  @ApiQuery({ name: 'topic', required: false, schema: { type: 'string', enum: [...INPUT_TOPICS] } })
  @ApiQuery({ name: 'partition', required: false, schema: { type: 'integer', minimum: 0 } })
  @ApiQuery({ name: 'offset', required: false, schema: { type: 'integer', minimum: 0 } })
  @AnswersText('C2SP tlog-proof')
  @Refuses(400, 401, 403, 404, 429, 503)
  async ofRecord(
    @Req() request: FastifyRequest,
    @Query('digest') digest: unknown,
    @Query('topic') topic: unknown,
    @Query('partition') partition: unknown,
    @Query('offset') offset: unknown,
  ): Promise<string> {
    const credential = this.gate.credentialOf(request);
    demandRole(credential, 'read');
    if (digest !== undefined) {
      if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest))
        throw new Problem(400, 'QUERY_MALFORMED', 'digest: expected 64 hex digits, the SHA-256 of the payload');
      return shown(await this.receipts.ofPayload(credential.tenant, digest));
    }
    const named = INPUT_TOPICS.find((name) => name === topic);
    if (!named) throw new Problem(400, 'QUERY_MALFORMED', `expected digest, or topic (${INPUT_TOPICS.join(', ')}), partition and offset`);
    const place = { topic: named, partition: numberOf('partition', partition), offset: numberOf('offset', offset) };
    return shown(await this.receipts.ofRefusal(credential.tenant, place));
  }

  @Get('receipts/:tenant/:index')
  @Header('content-type', TEXT)
  @ApiOperation({ summary: "receipt of one entry of the tenant's log", description: 'role read' })
  @AnswersText('C2SP tlog-proof')
  @Refuses(400, 401, 403, 404, 429, 503)
  async ofIndex(@Req() request: FastifyRequest, @Param('tenant') tenant: string, @Param('index') index: string): Promise<string> {
    const credential = this.gate.credentialOf(request, tenant);
    demandRole(credential, 'read');
    return shown(await this.receipts.ofIndex(tenant, numberOf('index', index)));
  }

  @Get('checkpoints/:tenant')
  @Header('content-type', TEXT)
  @ApiOperation({ summary: "newest checkpoint of the tenant's log", description: 'role read' })
  @AnswersText('C2SP signed note')
  @Refuses(401, 403, 404, 429, 503)
  checkpoint(@Req() request: FastifyRequest, @Param('tenant') tenant: string): string {
    demandRole(this.gate.credentialOf(request, tenant), 'read');
    const checkpoint = this.index.logs.checkpoint(tenant);
    if (!checkpoint) throw new Problem(404, 'NOT_FOUND', 'no checkpoint yet');
    return checkpoint.note;
  }

  @Get('trust/:tenant')
  @Header('content-type', TEXT)
  @ApiOperation({
    summary: "trust file of the tenant's log",
    description: 'role read. Whoever must not trust this gateway gets it another way.',
  })
  @AnswersText('C2SP tlog-policy')
  @Refuses(401, 403, 404, 429, 503)
  trust(@Req() request: FastifyRequest, @Param('tenant') tenant: string): string {
    demandRole(this.gate.credentialOf(request, tenant), 'read');
    const log = this.index.logs.get(tenant);
    if (!log) throw new Problem(404, 'NOT_FOUND', 'no such log');
    return formatTrust(log.verifier.vkey);
  }
}

function shown(receipt: ShownReceipt | undefined): string {
  if (!receipt) throw new Problem(404, 'NOT_FOUND', 'no receipt: unknown, not attested yet, or older than this index reaches');
  return receipt.text;
}

/** A decimal within 2^53. Throws Problem 400. */
function numberOf(name: string, text: unknown): number {
  const number = typeof text === 'string' && /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(number)) throw new Problem(400, 'QUERY_MALFORMED', `${name}: expected a decimal number`);
  return number;
}
