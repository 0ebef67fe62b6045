import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { EntityKey, StateStore, StoredState } from 'vigia'

/**
 * A state store of one JSON file that is written whole at each save: for reading, not for speed.
 *
 * Memory changes in one turn of the event loop, so that of two saves of one version one comes first; files
 * are written one after the other, and a save answers when its file is there.
 */
export const openFileStateStore = async (file: string): Promise<StateStore> => {
  await mkdir(dirname(file), { recursive: true })
  const saved = await readFile(file, 'utf8').then(JSON.parse, () => ({ states: [], receipts: [], notes: [] }))
  const states = new Map<string, StoredState>(
    saved.states.map(([key, text, version]: SavedState) => [key, { bytes: fromText(text), version }]),
  )
  const receipts = new Map<string, Uint8Array>(
    saved.receipts.map(([id, text]: SavedText) => [id, fromText(text)]),
  )
  const notes = new Map<string, string>(saved.notes)

  let lastWrite: Promise<void> = Promise.resolve()
  const write = (): Promise<void> => {
    const text = JSON.stringify({
      states: [...states].map(([key, { bytes, version }]) => [key, toText(bytes), version]),
      receipts: [...receipts].map(([id, bytes]) => [id, toText(bytes)]),
      notes: [...notes],
    })
    lastWrite = lastWrite.then(async () => {
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    })
    return lastWrite
  }

  return {
    load: async (keys) => keys.map((key) => states.get(nameOf(key))),
    save: async (changes, added = []) => {
      const isCurrent = changes.every(
        ({ key, expected }) => (states.get(nameOf(key))?.version ?? 0) === expected,
      )
      if (!isCurrent) return false
      for (const { key, bytes, expected } of changes)
        states.set(nameOf(key), { bytes: new Uint8Array(bytes), version: expected + 1 })
      for (const { id, bytes } of added) receipts.set(id, new Uint8Array(bytes))
      await write()
      return true
    },
    findReceipt: async (id) => receipts.get(id),
    sweepReceipts: async (after, most, isExpired) => {
      const left = [...receipts.keys()].filter((id) => after === undefined || id > after).sort()
      const looked = left.slice(0, most)
      for (const id of looked) if (isExpired(id, receipts.get(id)!)) receipts.delete(id)
      await write()
      return left.length > most ? looked.at(-1) : undefined
    },
    readNote: async (name) => notes.get(name),
    writeNote: async (name, text) => {
      notes.set(name, text)
      await write()
    },
    async *entries(kind) {
      for (const [name, state] of states) {
        const [own, token] = name.split(' ')
        if (own === kind) yield { token: Number(token), ...state }
      }
    },
    count: async () => {
      const counts: Record<string, number> & { user: number; merchant: number; device: number } = {
        user: 0,
        merchant: 0,
        device: 0,
      }
      for (const name of states.keys()) {
        const kind = name.split(' ')[0] ?? ''
        counts[kind] = (counts[kind] ?? 0) + 1
      }
      return counts
    },
    clear: async () => {
      for (const kept of [states, receipts, notes]) kept.clear()
      await write()
    },
    flush: () => lastWrite,
    close: () => lastWrite,
  }
}

type SavedState = readonly [key: string, base64: string, version: number]
type SavedText = readonly [id: string, base64: string]

const nameOf = ({ kind, token }: EntityKey): string => `${kind} ${token}`
const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const fromText = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
