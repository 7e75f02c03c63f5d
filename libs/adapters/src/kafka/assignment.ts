import { kafkajs } from './patch.ts';

export interface Member {
  readonly memberId: string;
  readonly held: readonly number[];
}
export interface Assignment {
  readonly memberId: string;
  readonly lanes: number[];
}

/**
 * Shares lanes 0…lanes−1 evenly. A lane stays where it is held as long as that is fair, because each move costs a take-over. The same
 * members in any order give the same answer.
 */
export function assignLanes(lanes: number, members: readonly Member[]): Assignment[] {
  const order = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assigned = new Map<string, number[]>(order.map(({ memberId }) => [memberId, []]));
  const free = new Set(Array.from({ length: lanes }, (_, lane) => lane));
  const fair = Math.floor(lanes / order.length);
  let extra = lanes % order.length; // so many members get one lane more
  for (const { memberId, held } of order) {
    const keep = [...new Set(held)].filter((lane) => free.has(lane));
    const room = keep.length > fair && extra > 0 ? fair + 1 : fair;
    if (room > fair) extra--;
    for (const lane of keep.slice(0, room)) {
      assigned.get(memberId)?.push(lane);
      free.delete(lane);
    }
  }
  for (const lane of free) {
    const [least] = [...assigned.values()].sort((a, b) => a.length - b.length);
    least?.push(lane);
  }
  return [...assigned].map(([memberId, of]) => ({ memberId, lanes: of.sort((a, b) => a - b) }));
}

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol;
const VERSION = 0;

/**
 * Kafka's consumer protocol, so that its tools can show the group. User data is `lanes;n`: the lanes held, comma-separated, and how often we
 * gave one up. A changed n makes the coordinator rebalance, where a member that asks with unchanged data only gets its old answer.
 */
export const encodeMember = (topic: string, held: readonly number[], giveUps: number): Buffer =>
  MemberMetadata.encode({ version: VERSION, topics: [topic], userData: Buffer.from(`${held.join(',')};${giveUps}`) });

/** What another process says it holds; undefined for nonsense, which is of no process of ours: anybody who may join a group can send it. */
export function decodeHeld(metadata: Buffer): number[] | undefined {
  const said = unlessBroken(() => MemberMetadata.decode(metadata)?.userData as Buffer | null)?.toString();
  const lanes = /^((?:\d{1,5}(?:,\d{1,5})*)?);\d+$/.exec(said ?? '')?.[1];
  if (lanes === undefined) return undefined;
  return lanes === '' ? [] : lanes.split(',').map(Number);
}

export const encodeAssignment = (topic: string, lanes: number[]): Buffer =>
  MemberAssignment.encode({ version: VERSION, assignment: { [topic]: lanes }, userData: Buffer.alloc(0) });

/** The lanes that there are; none of nonsense. */
export function decodeAssignment(bytes: Buffer, topic: string, lanes: number): number[] {
  const assigned = unlessBroken(() => MemberAssignment.decode(bytes)?.assignment[topic]) ?? [];
  return [...new Set(assigned)].filter((lane) => lane >= 0 && lane < lanes);
}

/** The decoders of kafkajs run past the end. */
function unlessBroken<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
