#!/usr/bin/env node
// `npm start`: the main job on generated data, from nothing to a model that answers over HTTP. It ends with
// the server up, until Ctrl-C. Where nobody watches (no terminal, CI, or `npm start -- --once`), one
// transaction is sent and the server is stopped again.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const CONFIG = 'configs/training_config.yaml'
const SERVING = 'configs/serving_config.yaml'
const DATA = 'data/transactions.parquet'
const isWatched = process.stdout.isTTY === true && !process.env.CI && !process.argv.includes('--once')

if (!existsSync(DATA)) vigia('generate', '--config', CONFIG, '--out', DATA)
vigia('run', '--config', CONFIG)
if (isWatched) vigia('serve', '--config', SERVING)
else await serveOnce()

function vigia(...words) {
  process.stdout.write(`$ npx vigia ${words.join(' ')}\n`)
  const result = spawnSync(process.execPath, ['bin/vigia.mjs', ...words], { stdio: 'inherit' })
  if (result.status !== 0) process.exit(result.status ?? 1)
}

/** Starts the server on a free port, sends it one transaction, prints the answer, stops it. */
async function serveOnce() {
  const words = ['serve', '--config', SERVING, '--set', 'api.port=0', '--set', 'log.level=warn']
  process.stdout.write(`$ npx vigia ${words.join(' ')}\n`)
  const server = spawn(process.execPath, ['bin/vigia.mjs', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => server.on('exit', resolve))
  for await (const line of createInterface({ input: server.stdout })) {
    process.stdout.write(`${line}\n`)
    const address = /^listening +(\S+)/.exec(line)?.[1]
    if (address === undefined) continue
    const transaction = await (await fetch(`${address}/sample-transaction`)).text()
    const answer = await fetch(`${address}/predict?reasons=3`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: transaction,
    })
    process.stdout.write(`\nSent      ${transaction}\nAnswered  ${await answer.text()}\n\n`)
    if (!answer.ok) process.exitCode = 1
    server.kill('SIGTERM')
  }
  process.exitCode ||= (await ended) ?? 1
}
