import { Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';

import { LaneController, OnLane, type LaneLease } from '../../kit/src/index.ts';

import { LaneNotary } from './lane-notary.ts';

@LaneController()
export class NotaryLanes {
  constructor(@Inject(LaneNotary) private readonly notary: LaneNotary) {}

  @OnLane('notary')
  own(@Payload() { lane, signal, ready }: LaneLease): Promise<void> {
    return this.notary.run(lane, signal, ready);
  }
}
