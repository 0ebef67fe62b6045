#!/usr/bin/env node
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const main = new URL('../dist/bundle/main.js', import.meta.url)
const boundedStart = new URL('../dist/composition/bounded-start.js', import.meta.url)

// A fresh clone after `npm ci` has no dist yet, or an older one: build it once, when the compiler is there.
if (!existsSync(main) || !existsSync(boundedStart)) {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
  if (!existsSync(compiler)) {
    process.stderr.write(
      'vigia is not built and the compiler is not installed.\nNext step: run `npm ci && npm run build`.\n',
    )
    process.exit(2)
  }
  process.stderr.write('Building vigia once…\n')
  const builder = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))
  const build = spawnSync(process.execPath, [builder], { stdio: ['ignore', 2, 2] })
  if (build.status !== 0) {
    process.stderr.write(
      'vigia could not be built.\nNext step: correct what the compiler says above, then run `npm run build`.\n',
    )
    process.exit(2)
  }
}

// Its memory is bounded by what can be set before a process starts only.
if (process.argv[2] === 'serve') (await import(boundedStart.href)).startBounded(process)

// Node.js 22 and newer keep compiled code for the next start.
module.enableCompileCache?.()
await import(main.href)
