import type { SharedStateStore } from '../../ports/state-store.ts'
import { createGroup, type RedisLink } from './redis-link.ts'
import { scan } from './redis-scan.ts'
import { BEGIN_FILLING, END_FILLING, FILLER_MARK } from './redis-scripts.ts'

/** Filling a store by one process at a time, and emptying it. */
export const fillingCalls = ({
  connection,
  names,
  history,
}: RedisLink): Pick<SharedStateStore, 'beginFilling' | 'endFilling' | 'clear'> => {
  /** Of the filler, which they outlast when it clears the store. */
  let notes: readonly string[] = []
  return {
    beginFilling: async ({ token, notes: said, instead }) => {
      const words = textsOf(said)
      const seen =
        instead === undefined
          ? ['0', '', '']
          : ['1', instead.filler === undefined ? '' : `${FILLER_MARK}${instead.filler}`, instead.name ?? '']
      const isBegun = await connection.run(
        BEGIN_FILLING,
        [names.history, names.sequence, names.filler, names.notes],
        [`${FILLER_MARK}${token}`, ...seen, ...words],
      )
      if (isBegun !== 1) return false
      history.fill(token)
      notes = words
      return true
    },
    endFilling: async ({ notes: said, history: { name, lastSequence }, replaces }) => {
      const [outcome] = await history.run(
        END_FILLING,
        [names.history, names.notes],
        [name, String(lastSequence), replaces ? '1' : '0', ...textsOf(said)],
      )
      history.forget()
      return outcome === 'begun'
    },
    clear: async () => {
      if (!history.isFilling) {
        history.forget()
        for await (const keys of scan(connection, names.all)) await connection.send(['UNLINK', ...keys])
      } else {
        const kept = new Set([names.filler, names.history, names.notes])
        for await (const keys of scan(connection, names.all)) {
          const going = keys.filter((key) => !kept.has(key))
          if (going.length > 0) await history.write(going, [['UNLINK', ...going]])
        }
        await history.write(
          [names.notes],
          [
            ['DEL', names.notes],
            ['HSET', names.notes, ...notes],
          ],
        )
      }
      await createGroup(connection, names)
    },
  }
}

const textsOf = (notes: Readonly<Record<string, string>>): readonly string[] => Object.entries(notes).flat()
