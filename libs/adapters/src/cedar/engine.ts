import type { AuthorizationAnswer, Entities } from '@cedar-policy/cedar-wasm/nodejs';
import {
  type Bundle,
  type EngineAnswer,
  type EngineRequest,
  hasReservedMember,
  type Json,
  type PermitGuard,
  type PolicyEngine,
} from '#domain';

import { type Cedar, CEDAR_VERSION, freshCedar } from './instance.ts';
import { load, type Loaded, UnloadableBundle } from './load.ts';
import { refusalsOf } from './refusals.ts';
import { schemaKey } from './schemas.ts';

/** How parameters are validated: counted up when an answer may be another one. 1: ajv alone. 2: patterns by table, decimals as written. */
const PARAMETERS_VERSION = 2;
/** The bundle in force, its predecessor while lanes change over, a candidate, and one for replay. */
const LOADED_MAX = 4;

/** Cedar, compiled to WebAssembly. Synchronous; one instance at a time, replaced when it throws. */
export class CedarEngine implements PolicyEngine {
  readonly name = `cedar-wasm@${CEDAR_VERSION}.${PARAMETERS_VERSION}`;
  readonly #fresh: () => Cedar;
  #cedar: Cedar;
  /** By bundle digest, least recently used first. */
  readonly #loaded = new Map<string, Loaded>();

  constructor(fresh: () => Cedar = freshCedar) {
    this.#fresh = fresh;
    this.#cedar = fresh();
  }

  refusals(bundle: Bundle): readonly string[] {
    try {
      return this.#guarded(() => refusalsOf(this.#cedar, bundle));
    } catch (error) {
      return [`engine failed: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  guards(bundle: Bundle): ReadonlyMap<string, PermitGuard> {
    return this.#guarded(() => this.#load(bundle)).guards;
  }

  authorize(bundle: Bundle, request: EngineRequest): EngineAnswer {
    if (hasReservedMember(request.context)) return failed('context has a reserved member');
    return this.#guarded(() => {
      const loaded = this.#load(bundle);
      const policies = loaded.setOf.get(request.action);
      if (policies === undefined) return failed(`unknown action ${request.action}`);
      const answer = this.#cedar.statefulIsAuthorized({
        principal: request.principal,
        action: { type: 'Action', id: request.action },
        resource: request.resource,
        context: request.context,
        entities: request.entities as unknown as Entities,
        preparsedSchemaName: loaded.slot,
        preparsedPolicySetId: policies,
        validateRequest: true,
      });
      return answerOf(answer);
    });
  }

  parametersValid(bundle: Bundle, contractId: string, operation: string, parameters: Json): boolean {
    const validate = this.#guarded(() => this.#load(bundle)).validators.get(schemaKey(contractId, operation));
    return validate?.(parameters) === true;
  }

  /** A new instance: compiled bundles are compiled again when they are next asked for. */
  reset(): void {
    this.#cedar = this.#fresh();
    this.#loaded.clear();
  }

  /** Whether the engine still answers a question whose answer is known: false means that the engine, not a bundle, is out of order. */
  probe(): boolean {
    try {
      return this.#guarded(() => PROBE.every(([policy, decision]) => isDecided(this.#cedar, policy, decision)));
    } catch {
      return false;
    }
  }

  #load(bundle: Bundle): Loaded {
    const known = this.#loaded.get(bundle.digest);
    this.#loaded.delete(bundle.digest);
    const loaded = known ?? load(this.#cedar, bundle, this.#freeSlot());
    this.#loaded.set(bundle.digest, loaded);
    return loaded;
  }

  /** Storing under a name again frees what was there before: names are the only bound on the instance's memory. */
  #freeSlot(): string {
    const [oldest] = this.#loaded;
    if (!oldest || this.#loaded.size < LOADED_MAX) return `slot${this.#nextSlot()}`;
    this.#loaded.delete(oldest[0]);
    return oldest[1].slot;
  }

  #nextSlot(): number {
    const used = new Set([...this.#loaded.values()].map(({ slot }) => slot));
    let slot = 0;
    while (used.has(`slot${slot}`)) slot += 1;
    return slot;
  }

  /** An instance that threw is never asked again. */
  #guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof UnloadableBundle)) this.reset();
      throw error;
    }
  }
}

function answerOf(answer: AuthorizationAnswer): EngineAnswer {
  if (answer.type === 'failure') return failed(...answer.errors.map((error) => error.message));
  const { decision, diagnostics } = answer.response;
  const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
  return { decision, reasons: [...diagnostics.reason].sort(), errors: errors.sort() };
}

const failed = (...errors: string[]): EngineAnswer => ({ decision: 'deny', reasons: [], errors });

const PROBE = [
  ['permit(principal, action, resource);', 'allow'],
  ['forbid(principal, action, resource);', 'deny'],
] as const;

function isDecided(cedar: Cedar, policy: string, decision: 'allow' | 'deny'): boolean {
  const uid = (type: string) => ({ type, id: 'probe' });
  const call = { principal: uid('agent'), action: uid('Action'), resource: uid('service'), context: {}, entities: [] };
  const answer = cedar.isAuthorized({ ...call, policies: { staticPolicies: { probe: policy } } });
  return answer.type === 'success' && answer.response.decision === decision && answer.response.diagnostics.reason[0] === 'probe';
}
