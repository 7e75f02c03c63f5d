import { applyDecorators, Catch, Controller, UseFilters, type RpcExceptionFilter } from '@nestjs/common';
import { BaseRpcContext, EventPattern } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';

/** Transport id of LaneStrategy: handlers of other transports are not offered to it. */
export const LANES = Symbol.for('countersign.lanes');

/** One lane that this process owns. The handler works on it until `signal` aborts, and its promise settles then. */
export interface LaneLease {
  readonly lane: number;
  readonly signal: AbortSignal;
  /** Says that the take-over is done: until then readiness names the lane. */
  readonly ready: () => void;
}

export class LaneContext extends BaseRpcContext<[LaneLease]> {}

/**
 * Marks the one method that owns lanes for a role: `@OnLane('decider') own(@Payload() lease: LaneLease): Promise<void>`.
 * `<unknown>` skips EventPattern's typed overloads, whose descriptor type no strict handler satisfies.
 */
export const OnLane = (role: string): MethodDecorator => EventPattern<unknown>(role, LANES);

/** Without it Nest replaces what a handler throws by { status: 'error', message: 'Internal server error' }. */
@Catch()
class RawErrors implements RpcExceptionFilter {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}

/** For the class that has an `@OnLane` method: its errors reach LaneStrategy as they were thrown. */
export const LaneController = (): ClassDecorator => applyDecorators(Controller(), UseFilters(RawErrors));
