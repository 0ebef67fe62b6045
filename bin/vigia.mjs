#!/usr/bin/env node
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const main = new URL('../dist/main.js', import.meta.url)

// A fresh clone after `npm ci` has no dist yet: build it once, when the compiler is there.
if (!existsSync(main)) {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
  if (!existsSync(compiler)) {
    process.stderr.write(
      'vigia is not built and the compiler is not installed.\nNext step: run `npm ci && npm run build`.\n',
    )
    process.exit(2)
  }
  process.stderr.write('Building vigia once…\n')
  const build = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (build.status !== 0) {
    process.stderr.write(
      'vigia could not be built.\nNext step: correct what the compiler says above, then run `npm run build`.\n',
    )
    process.exit(2)
  }
}

await import(main.href)
