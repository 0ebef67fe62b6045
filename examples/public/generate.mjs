#!/usr/bin/env node
// Writes the invented files of these examples, each in the shape of a public data set. Nothing is copied.
//
// node examples/public/generate.mjs [set…] [--rows <n>] [--frauds <share>] [--seed <n>] [--out <folder>]
//   [--knowledge attributes|histories|both]
//
// Without options: the files that are kept here, byte for byte before compression.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'

const HERE = dirname(fileURLToPath(import.meta.url))

/** The sets: each is a folder with a module that says what its file is called and invents its text. */
export const SETS = readdirSync(HERE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort()

/**
 * A set: the name of its file, where knowledge may lie in it, how many rows are kept here, and its text. Some
 * have files beside it: `beside` makes their texts, by name, from that text and the options.
 *
 * @returns {Promise<{ file: string, knowledge: string[], keptRows?: number, invent: Function, beside?: Function }>}
 */
export const loadSet = async (name) => (await import(pathToFileURL(join(HERE, name, 'invent.mjs')).href)).set

/** What the kept files are made with. */
const KEPT = { rows: 3000, fraudShare: 0.08, knowledge: 'both', seed: 1 }

/**
 * The text of a set's file. A set without entities has no histories: its knowledge lies in attributes,
 * whatever is asked for.
 */
export const inventText = async (name, options = {}) => {
  const { invent, knowledge } = await loadSet(name)
  const all = await withDefaults(name, options)
  return invent({ ...all, knowledge: knowledge.includes(all.knowledge) ? all.knowledge : knowledge[0] })
}

/** The texts of all files of a set, by name: its own, and those beside it. */
export const inventFiles = async (name, options = {}) => {
  const { file, beside } = await loadSet(name)
  const text = await inventText(name, options)
  return { [file]: text, ...beside?.(text, await withDefaults(name, options)) }
}

const withDefaults = async (name, options) => {
  const { keptRows = KEPT.rows } = await loadSet(name)
  return { ...KEPT, rows: keptRows, ...options }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string' },
      frauds: { type: 'string' },
      knowledge: { type: 'string' },
      seed: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const { rows, frauds, knowledge, seed, out = HERE } = values
  const options = {
    ...(rows !== undefined && { rows: Number(rows) }),
    ...(frauds !== undefined && { fraudShare: Number(frauds) }),
    ...(knowledge !== undefined && { knowledge }),
    ...(seed !== undefined && { seed: Number(seed) }),
  }
  for (const name of positionals.length > 0 ? positionals : SETS) {
    const folder = join(out, name)
    mkdirSync(folder, { recursive: true })
    for (const [file, text] of Object.entries(await inventFiles(name, options)))
      writeFileSync(join(folder, file), gzipSync(text, { level: 9 }))
  }
}
