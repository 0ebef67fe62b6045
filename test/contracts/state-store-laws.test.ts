import { describe } from 'vitest'
import { createMemoryStateStore } from '../../src/adapters/memory/memory-state-store.ts'
import type { SharedStateStore, StateStore } from '../../src/ports/state-store.ts'
import { createMemorySharedStates } from '../../src/testing/memory/memory-shared-states.ts'
import {
  type SharedStateStoreSubject,
  sharedStateStoreLaws,
} from '../../src/testing/shared-state-store-laws.ts'
import { type StateStoreSubject, stateStoreLaws } from '../../src/testing/state-store-laws.ts'
import { refuseAll } from './faults.ts'

describe('a broken state store', () => {
  refuseAll(stateStoreLaws, [
    {
      what: 'one that loads in an order of its own',
      subject: storeWith((store) => ({
        load: async (keys) => store.load(keys.toSorted((a, b) => a.token - b.token)),
      })),
      breaks: 'law 1: what was saved is loaded, in the order of the keys',
    },
    {
      what: 'one that keeps the bytes of its caller',
      subject: storeWith((store) => {
        const kept = new Map<number, Uint8Array>()
        return {
          save: async (changes, receipts) => {
            for (const { key, bytes } of changes) kept.set(key.token, bytes)
            return store.save(changes, receipts)
          },
          load: async (keys) =>
            (await store.load(keys)).map(
              (state, i) => state && { ...state, bytes: kept.get(keys[i]!.token)! },
            ),
        }
      }),
      breaks: 'law 1: bytes that were saved or loaded do not change under their owner',
    },
    {
      what: 'one that knows 32 bits of a token',
      subject: storeWith((store) => {
        const short = <Key extends { readonly token: number }>(key: Key) => ({
          ...key,
          token: key.token >>> 0,
        })
        return {
          load: (keys) => store.load(keys.map(short)),
          save: (changes, receipts) =>
            store.save(
              changes.map((change) => ({ ...change, key: short(change.key) })),
              receipts,
            ),
        }
      }),
      breaks: 'law 1: tokens are whole from 0 up to 52 bits',
    },
    {
      what: 'one that asks nobody for the version',
      subject: storeWith((store) => ({
        save: async (changes, receipts) => {
          const present = await store.load(changes.map(({ key }) => key))
          return store.save(
            changes.map((change, i) => ({ ...change, expected: present[i]?.version ?? 0 })),
            receipts,
          )
        },
      })),
      breaks: 'law 2: a save that expects another version writes nothing at all',
    },
    {
      what: 'one that writes key by key, up to the first that does not fit',
      subject: storeWith((store) => ({
        save: async (changes, receipts) => {
          for (const change of changes) if (!(await store.save([change]))) return false
          return store.save([], receipts)
        },
      })),
      breaks: 'law 2: a save that expects another version writes nothing at all',
    },
    {
      what: 'one that loses every tenth write',
      subject: storeWith((store) => {
        let saves = 0
        return { save: async (...written) => (++saves % 10 === 0 ? true : store.save(...written)) }
      }),
      breaks: 'law 2: any course of saves ends as it does in a table',
    },
    {
      what: 'one that looks at the versions, and writes a moment later',
      subject: storeWith((store) => ({
        save: async (changes, receipts) => {
          const keys = changes.map(({ key }) => key)
          const seen = await store.load(keys)
          if (changes.some(({ expected }, i) => expected !== (seen[i]?.version ?? 0))) return false
          await nextTurn()
          const now = await store.load(keys)
          return store.save(
            changes.map((change, i) => ({ ...change, expected: now[i]?.version ?? 0 })),
            receipts,
          )
        },
      })),
      breaks: 'law 3: of ten concurrent saves of one version, one succeeds',
    },
    {
      what: 'one that keeps the first receipt',
      subject: storeWith((store) => ({
        save: async (changes, receipts = []) => {
          const known = await Promise.all(receipts.map(({ id }) => store.findReceipt(id)))
          return store.save(
            changes,
            receipts.filter((_, i) => known[i] === undefined),
          )
        },
      })),
      breaks: 'law 4: a receipt that is saved again replaces the earlier one',
    },
    {
      what: 'one that forgets all when it is closed',
      subject: { open: async () => createMemoryStateStore(), reopen: async () => createMemoryStateStore() },
      breaks: 'law 5: what was saved is there when the store is opened again',
    },
    {
      what: 'one that lists the first state twice',
      subject: storeWith((store) => ({
        async *entries(kind) {
          for await (const entry of store.entries(kind)) {
            yield entry
            if (entry.token === 0) yield entry
          }
        },
      })),
      breaks: 'law 6: entries are the states of one kind, each once, with the last bytes and version',
    },
    {
      what: 'one that files notes among the receipts',
      subject: storeWith((store) => ({
        writeNote: async (id, text) => {
          await store.save([], [{ id, bytes: new TextEncoder().encode(text) }])
          await store.writeNote(id, text)
        },
      })),
      breaks: 'law 7: a note is no receipt',
    },
    {
      what: 'one that sweeps away what has not expired',
      subject: storeWith((store) => ({
        sweepReceipts: (after, most, isExpired) =>
          store.sweepReceipts(after, most, (...receipt) => isExpired(...receipt) || true),
      })),
      breaks:
        'law 8: a sweep looks at all receipts, some at a time, and removes the expired ones, unless they expire by themselves',
    },
    {
      what: 'one whose sweeps never end',
      subject: storeWith((store) => ({
        sweepReceipts: async (after, most, isExpired) => {
          await store.sweepReceipts(after, most, isExpired)
          return 'again'
        },
      })),
      breaks:
        'law 8: a sweep looks at all receipts, some at a time, and removes the expired ones, unless they expire by themselves',
    },
    {
      what: 'one that keeps its notes when it is cleared',
      subject: storeWith((store) => ({
        clear: async () => {
          const note = await store.readNote('origin')
          await store.clear()
          if (note !== undefined) await store.writeNote('origin', note)
        },
      })),
      breaks: 'law 9: a cleared store is an empty one',
    },
  ])
})

describe('a broken shared state store', () => {
  refuseAll(sharedStateStoreLaws, [
    {
      what: 'one that takes a number for a commit that it refuses',
      subject: sharedWith((store) => ({
        commit: async (changes, receipt, entry, lifeMs) => {
          const outcome = await store.commit(changes, receipt, entry, lifeMs)
          if (outcome.outcome === 'conflict')
            await store.commit([], { ...receipt, id: `${receipt.id} refused` }, entry, lifeMs)
          return outcome
        },
      })),
      breaks: 'law 10: a commit that expects another version does nothing, and takes no number',
    },
    {
      what: 'one that commits again what was committed',
      subject: sharedWith((store) => {
        let times = 0
        return {
          commit: (changes, receipt, entry, lifeMs) =>
            store.commit(changes, { ...receipt, id: `${receipt.id} ${times++}` }, entry, lifeMs),
          findReceipt: (id) => store.findReceipt(`${id} 0`),
        }
      }),
      breaks:
        'law 11: many processes that commit one receipt at once commit it once, and all get the same answer',
    },
    {
      what: 'one that keeps the number behind the receipt',
      subject: sharedWith((store) => ({
        findReceipt: async (id) => {
          const found = await store.findReceipt(id)
          return found && Uint8Array.of(...found.subarray(8), ...found.subarray(0, 8))
        },
      })),
      breaks: 'law 12: a commit keeps its number before its receipt, as a little-endian double',
    },
    {
      what: 'one that forgets entries when they are taken',
      subject: sharedWith((store) => ({
        takeEntries: async (most, waitMs) => {
          const taken = await store.takeEntries(most, waitMs)
          await store.settle(taken.map(({ sequence }) => sequence))
          return taken
        },
      })),
      breaks: 'law 13: entries outlive the process that took them',
    },
    {
      what: 'one that gives every process all entries',
      subject: {
        create: async () => {
          const open = createMemorySharedStates()
          return (process) => open({ ...process, takeOverAfterMs: 0 })
        },
      },
      breaks: 'law 13: entries are taken by one process at a time',
    },
    {
      what: 'one that serves on when it was emptied',
      subject: sharedWith(() => ({ expectHistory: async () => undefined })),
      breaks: 'law 14: an emptied store refuses everything',
    },
    {
      what: 'one that knows no receipt any more, and says so',
      subject: sharedWith((store) => ({
        findReceipt: (id) => store.findReceipt(id).catch(() => undefined),
      })),
      breaks: 'law 14: a store that was set back behind a number that was seen refuses everything',
    },
    {
      what: 'one that looks at the name alone',
      subject: sharedWith((store) => ({
        expectHistory: ({ name }) => store.expectHistory({ name, lastSequence: 0 }),
      })),
      breaks: 'law 14: a process that is told of a number that the store lacks is refused at once',
    },
    {
      what: 'one that begins anew over a mark',
      subject: sharedWith((store) => ({
        beginHistory: (history) => store.beginHistory(history, true),
      })),
      breaks: 'law 15: a mark gives way to a history that replaces it, and to no other',
    },
    {
      what: 'one that replaces whatever receipt there is',
      subject: sharedWith((store) => ({
        commit: async (changes, receipt, entry, lifeMs, demands) => {
          const replaces = demands?.replaces && (await store.findReceipt(receipt.id))
          return store.commit(changes, receipt, entry, lifeMs, { ...demands, ...(replaces && { replaces }) })
        },
      })),
      breaks: 'law 16: a commit replaces exactly the receipt that it says, and nothing else',
    },
    {
      what: 'one that lets transactions pass labels that are due',
      subject: sharedWith((store) => ({
        commit: async (...words) => {
          const outcome = await store.commit(...words)
          return outcome.outcome === 'due' ? store.commit(words[0], words[1], words[2], words[3]) : outcome
        },
      })),
      breaks: 'law 17: an arrival is refused while a label is due at its time, and changes nothing',
    },
    {
      what: 'one that counts no waiting labels',
      subject: sharedWith((store) => ({
        commit: (changes, receipt, entry, lifeMs, { labels, ...demands } = {}) =>
          store.commit(changes, receipt, entry, lifeMs, {
            ...demands,
            ...(labels && { labels: labels.kind === 'wait' ? { ...labels, most: 1e9 } : labels }),
          }),
      })),
      breaks: 'law 18: so many labels wait as may, those that wait too long and corrections not counted',
    },
    {
      what: 'one that delivers a label twice',
      subject: sharedWith((store) => ({
        commit: (changes, receipt, entry, lifeMs, demands) =>
          demands?.labels?.kind === 'delivery'
            ? store.commit(changes, receipt, entry, lifeMs)
            : store.commit(changes, receipt, entry, lifeMs, demands),
      })),
      breaks: 'law 19: a delivery is of the first due label alone, once, whoever makes it',
    },
    {
      what: 'one whose states live for ever',
      subject: sharedWith((store) => ({
        commit: (changes, ...rest) =>
          store.commit(
            changes.map(({ lifeMs: _, ...change }) => change),
            ...rest,
          ),
      })),
      breaks: 'law 20: a state with a life is gone after it, as one that was never written',
      // Its life is 30 milliseconds.
      givenUpAfterMs: 3000,
    },
    {
      what: 'one whose look forgets the first of each part',
      subject: sharedWith((store) => ({
        lookThrough: async (...words) => {
          const { states, next } = await store.lookThrough(...words)
          return { states: states.slice(1), next }
        },
      })),
      breaks: 'law 21: a look through all states shows each, its version and its first bytes',
    },
    {
      what: 'one that does not say which states go by themselves',
      subject: sharedWith((store) => ({
        lookThrough: async (...words) => {
          const { states, next } = await store.lookThrough(...words)
          return { states: states.map((state) => ({ ...state, isLeaving: false })), next }
        },
      })),
      breaks: 'law 21: it says which go by themselves',
    },
    {
      what: 'one that asks nobody who fills it',
      subject: {
        create: async () => {
          const open = createMemorySharedStates()
          return async (process) => {
            const [store, other] = [await open(process), await open(process)]
            return { ...store, save: other.save }
          }
        },
      },
      breaks:
        'law 22: a filler that was replaced changes nothing, whatever it calls and whenever it wakes up',
    },
    {
      what: 'one that lets everybody fill it at once',
      subject: sharedWith((store) => ({
        beginFilling: ({ token, notes }) => store.beginFilling({ token, notes }),
      })),
      breaks: 'law 22: of those who take the place of the same filler, or of nobody, one does',
    },
    {
      what: 'one that is emptied with what says that it is being filled',
      subject: sharedWith((store) => ({
        clear: async () => {
          await store.clear()
          await store.writeNote('filled by', '')
        },
      })),
      breaks: 'law 22: a filler that clears the store has it empty, and its own',
    },
  ])
})

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A store in memory with some calls replaced. */
function storeWith(faults: (store: StateStore) => Partial<StateStore>): StateStoreSubject {
  return {
    open: async () => {
      const store = createMemoryStateStore()
      return { ...store, ...faults(store) }
    },
    reopen: 'memory ends with its process',
  }
}

function sharedWith(faults: (store: SharedStateStore) => Partial<SharedStateStore>): SharedStateStoreSubject {
  return {
    create: async () => {
      const open = createMemorySharedStates()
      return async (process) => {
        const store = await open(process)
        return { ...store, ...faults(store) }
      }
    },
  }
}
