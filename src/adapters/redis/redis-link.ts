import { VigiaError } from '../../errors.ts'
import type { EntityKey, StateChange } from '../../ports/state-store.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import type { RedisConnection, RedisWord } from './redis-connection.ts'
import type { RedisHistory } from './redis-history.ts'

/** Names of all keys of one store; `redis-state-store.ts` says what stands in them. */
export interface RedisNames {
  readonly state: (key: EntityKey) => string
  /** What the keys of all states of a kind begin with; of all kinds; of everything. */
  readonly statesOf: (kind: EntityKind) => string
  readonly states: string
  readonly all: string
  readonly receipt: (id: string) => string
  readonly sequence: string
  readonly history: string
  readonly filler: string
  readonly outbox: string
  readonly clock: string
  readonly due: string
  readonly waiting: string
  readonly notes: string
}

/** A store's connection, the names of its keys, and what this process expects of it. */
export interface RedisLink {
  readonly connection: RedisConnection
  readonly names: RedisNames
  readonly history: RedisHistory
}

export const redisNames = (prefix: string): RedisNames => {
  const keyOf = (...parts: readonly (string | number)[]): string => [`{${prefix}}`, ...parts].join(':')
  return {
    state: ({ kind, token }) => keyOf('state', kind, token),
    statesOf: (kind) => keyOf('state', kind, ''),
    states: keyOf('state', ''),
    all: keyOf(''),
    receipt: (id) => keyOf('receipt', id),
    sequence: keyOf('sequence'),
    history: keyOf('history'),
    filler: keyOf('filler'),
    outbox: keyOf('outbox'),
    clock: keyOf('clock'),
    due: keyOf('due'),
    waiting: keyOf('waiting'),
    notes: keyOf('notes'),
  }
}

/** The group of all processes that take entries. */
export const GROUP = 'logs'

/** Bytes of the version before a state: a little-endian double. */
export const VERSION_BYTES = 8

/** Makes the group, from the first entry on; without effect where it is there. */
export const createGroup = async (connection: RedisConnection, { outbox }: RedisNames): Promise<void> => {
  try {
    await connection.send(['XGROUP', 'CREATE', outbox, GROUP, '0', 'MKSTREAM'])
  } catch (error) {
    if (!isRefusal(error, 'BUSYGROUP')) throw error
  }
}

/** A state's next value: the version, then the state. */
export const stateValue = ({ bytes, expected }: StateChange): Buffer => {
  const value = Buffer.allocUnsafe(VERSION_BYTES + bytes.length)
  value.writeDoubleLE(expected + 1, 0)
  value.set(bytes, VERSION_BYTES)
  return value
}

/** The version that a state must have, and its next value. */
export const changeWords = (change: StateChange): RedisWord[] => [String(change.expected), stateValue(change)]

/** Whether the server has refused a command for the reason of that name. */
export const isRefusal = (error: unknown, reason: string): boolean =>
  error instanceof VigiaError && String(error.details['reason']).startsWith(reason)

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
