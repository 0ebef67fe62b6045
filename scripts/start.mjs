#!/usr/bin/env node
// `npm start`: the main job on generated data, from nothing to a scored model.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const CONFIG = 'configs/training_config.yaml'
const DATA = 'data/transactions.parquet'

if (!existsSync(DATA)) vigia('generate', '--config', CONFIG, '--out', DATA)
vigia('run', '--config', CONFIG)

function vigia(...words) {
  process.stdout.write(`$ npx vigia ${words.join(' ')}\n`)
  const result = spawnSync(process.execPath, ['bin/vigia.mjs', ...words], { stdio: 'inherit' })
  if (result.status !== 0) process.exit(result.status ?? 1)
}
