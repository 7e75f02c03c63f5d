import { Body, Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Json } from '#domain';

import { Actions } from '../actions.ts';
import { decisionAnswer, pendingAnswer } from '../answers.ts';
import { parseProposal, proposalRequest } from './body.ts';
import { Gate } from './gate.ts';
import { Answers, Refuses } from './openapi.ts';
import { Problem } from './problem.ts';
import { parseWait } from './wait.ts';

@ApiTags('actions')
@ApiBearerAuth()
@Controller('v1/actions')
export class ActionsController {
  constructor(
    @Inject(Gate) private readonly gate: Gate,
    @Inject(Actions) private readonly actions: Actions,
  ) {}

  @Post()
  @ApiOperation({ summary: 'propose an action', description: 'role propose; tenant and issuer are those of the token' })
  @ApiQuery({
    name: 'wait',
    required: false,
    description: 'how long to wait for the verdict, such as 10s or 1500ms, at most 60s',
    schema: { type: 'string' },
  })
  @Answers(202, 'accepted, no verdict yet', pendingAnswer)
  @Answers(200, 'the verdict, with its receipt', decisionAnswer)
  @Refuses(400, 401, 403, 413, 415, 429, 503)
  async propose(
    @Req() request: FastifyRequest,
    @Body({ schema: proposalRequest }) body: Json | undefined,
    @Query('wait') wait: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const credential = this.gate.credentialOf(request);
    const waitMs = parseWait(wait);
    if (body === undefined) throw new Problem(415, 'MEDIA_TYPE', 'expected a body of content-type application/json');
    const answer = await this.actions.propose(credential, parseProposal(body), { waitMs, traceparent: traceparentOf(request) });
    void reply.status(answer.state === 'pending' ? 202 : 200);
    if (answer.state === 'pending') void reply.header('location', answer.links.action);
    return answer;
  }

  @Get(':id')
  @ApiOperation({ summary: 'what became of an action', description: 'role read' })
  @Answers(200, 'its decision, or that it is pending', decisionAnswer.or(pendingAnswer))
  @Refuses(401, 403, 404, 429, 503)
  find(@Req() request: FastifyRequest, @Param('id') id: string): Promise<object> {
    return this.actions.find(this.gate.credentialOf(request), id);
  }
}

/** W3C Trace Context §3.2; anything else is left out. */
function traceparentOf(request: FastifyRequest): string | undefined {
  const value = request.headers['traceparent'];
  return typeof value === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value) ? value : undefined;
}
