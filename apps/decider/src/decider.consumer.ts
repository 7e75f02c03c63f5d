import { Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';

import { LaneController, OnLane, type LaneLease } from '../../kit/src/index.ts';
import { LaneDecider } from './lane-decider.ts';

@LaneController()
export class DeciderConsumer {
  constructor(@Inject(LaneDecider) private readonly decider: LaneDecider) {}

  @OnLane('decider')
  own(@Payload() lease: LaneLease): Promise<void> {
    return this.decider.run(lease);
  }
}
