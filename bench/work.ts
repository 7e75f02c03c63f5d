/** What one hop of the pass-through does; passed as JSON to bench/hop.ts. */
export interface HopWork {
  readonly name: string;
  readonly brokers: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly transactional: boolean;
  /** Unit ms, from one transaction to the next: so that it makes as many as the pipeline does. Default: as fast as they go. */
  readonly everyMs?: number;
  /** base64; verify each record's envelope with it. */
  readonly proposerKey?: string;
  /** Bundle document and request: call the engine for each record. */
  readonly bundle?: unknown;
  readonly request?: unknown;
  readonly signaturesPerBatch: number;
  readonly verificationsPerBatch: number;
}
