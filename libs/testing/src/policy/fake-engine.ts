import {
  type Bundle,
  type EngineAnswer,
  type EngineRequest,
  hasReservedMember,
  type Json,
  type PermitGuard,
  type PolicyEngine,
} from '#domain';

const PERMITS: Record<string, { guard: PermitGuard; matches: (request: EngineRequest) => boolean }> = {
  'low-risk': { guard: { unattended: 'low risk' }, matches: ({ context }) => context['risk'] === 'low' },
  'high-risk': { guard: { approval: 'two-eyes' }, matches: ({ context }) => context['risk'] === 'high' },
  'large-amount': {
    guard: { approval: 'board' },
    matches: ({ action, context }) => action === 'change' && Number(context['amount']) > 100,
  },
};

/** Answers for testBundle() what Cedar would, without Cedar. Override a member to break it. */
export class FakeEngine implements PolicyEngine {
  readonly name = 'fake@1';
  readonly asked: EngineRequest[] = [];

  refusals(): readonly string[] {
    return [];
  }

  guards(): ReadonlyMap<string, PermitGuard> {
    return new Map(Object.entries(PERMITS).map(([id, { guard }]) => [id, guard]));
  }

  authorize(_bundle: Bundle, request: EngineRequest): EngineAnswer {
    this.asked.push(request);
    const errors = requestErrors(request);
    if (errors.length > 0) return { decision: 'deny', reasons: [], errors };
    if (request.context['environment'] === 'frozen') return { decision: 'deny', reasons: ['no-frozen'], errors: [] };
    const reasons = Object.keys(PERMITS).filter((id) => PERMITS[id]?.matches(request) === true);
    return { decision: reasons.length > 0 ? 'allow' : 'deny', reasons: reasons.sort(), errors: [] };
  }

  parametersValid(_bundle: Bundle, contractId: string, operation: string, parameters: Json): boolean {
    if (contractId !== 'tool' || !['apply', 'undo'].includes(operation)) return false;
    if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return false;
    const types = new Map([...['target', 'artifact', 'tenant'].map((name): [string, string] => [name, 'string']), ['amount', 'number']]);
    const known = Object.entries(parameters).every(([name, value]) => name === 'back' || types.get(name) === typeof value);
    return known && ['target', 'artifact', 'amount'].every((name) => Object.hasOwn(parameters, name));
  }
}

function requestErrors({ action, resource, context }: EngineRequest): string[] {
  const names = action === 'change' ? 'amount,ci,environment,risk' : action === 'note' ? 'environment,risk' : undefined;
  if (names === undefined) return ['unknown action'];
  if (hasReservedMember(context)) return ['reserved member'];
  if (Object.keys(context).sort().join() !== names) return ['context is not as declared'];
  return ['thing', 'other'].includes(resource.type) ? [] : ['unknown resource type'];
}
