/**
 * How much of a lane's memory each tenant, and each issuer of a tenant, takes, and who may take more: ids, and effects under way. A share is
 * always there for its owner; what is idle is lent; what one issuer floods is refused to it and to no other.
 */

/** Of a full table, what stays free for those below their share: others' borrowed rows end by themselves within minutes. */
const LENT_MAX = 3 / 4;

interface TenantCount {
  count: number;
  readonly issuers: Map<string, number>;
}

export class Counts {
  total = 0;
  readonly #tenants = new Map<string, TenantCount>();

  add(tenant: string, issuer: string, more: number): void {
    const of = this.#tenants.get(tenant) ?? { count: 0, issuers: new Map<string, number>() };
    this.#tenants.set(tenant, of);
    this.total += more;
    of.count += more;
    const left = (of.issuers.get(issuer) ?? 0) + more;
    if (left > 0) of.issuers.set(issuer, left);
    else of.issuers.delete(issuer);
    if (of.count <= 0) this.#tenants.delete(tenant);
  }

  ofTenant(tenant: string): number {
    return this.#tenants.get(tenant)?.count ?? 0;
  }

  ofIssuer(tenant: string, issuer: string): number {
    return this.#tenants.get(tenant)?.issuers.get(issuer) ?? 0;
  }
}

export interface Asker {
  readonly tenant: string;
  readonly issuer: string;
}
export interface Capacity {
  /** Of the whole lane. */
  readonly max: number;
  /** Registered ones: each has an equal share. */
  readonly tenants: number;
  /** Live ones of the asker's tenant: each has an equal share of the tenant's. */
  readonly issuers: number;
}

/** What counts less the rows that are over and only wait for a sweep. */
export type Taken = Pick<Counts, 'total' | 'ofTenant' | 'ofIssuer'>;

/** Whether one more is admitted for `asker`. */
export function admits(taken: Taken, { max, tenants, issuers }: Capacity, { tenant, issuer }: Asker): boolean {
  if (taken.total >= max) return false;
  const share = max / Math.max(1, tenants);
  const canLend = taken.total < max * LENT_MAX;
  const ofTenant = taken.ofTenant(tenant);
  if (ofTenant >= share && !canLend) return false;
  const allowance = canLend ? max * LENT_MAX : share;
  return taken.ofIssuer(tenant, issuer) < allowance / Math.max(1, issuers) || ofTenant < allowance * LENT_MAX;
}
