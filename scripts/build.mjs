#!/usr/bin/env node
// Builds dist/: the compiler checks and translates every source file, then the command line is bundled into a
// few files under dist/bundle, because opening a thousand modules is most of what a small command, or a
// server that starts, would wait for.
import { spawnSync } from 'node:child_process'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

const DIST = 'dist'
const BUNDLE = `${DIST}/bundle`

/** Native libraries, packages that find files beside themselves, and what few commands need. */
const LEFT_AS_PACKAGES = [
  '@duckdb/node-api',
  '@fastify/swagger-ui',
  '@redis/client',
  'koffi',
  'lmdb',
  'nodemailer',
  'vega',
  'vega-lite',
]

/** A bundled module still finds files, workers and its own code where the compiler has put it. */
const ownAddresses = {
  name: 'own-addresses',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[/\\]dist[/\\].*\.js$/ }, async ({ path }) => {
      const address = JSON.stringify(relative(BUNDLE, path).replaceAll('\\', '/'))
      const text = await readFile(path, 'utf8')
      return { contents: text.replaceAll('import.meta.url', `new URL(${address}, import.meta.url).href`) }
    }),
}

const compiled = spawnSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  {
    stdio: ['ignore', 2, 2],
  },
)
if (compiled.status !== 0) process.exit(1)
// Clients of gRPC may be made from them.
await cp('src/serving/grpc/protos', `${DIST}/serving/grpc/protos`, { recursive: true })
// Browsers run it as it stands.
await cp('src/serving/alerts-page/client.mjs', `${DIST}/serving/alerts-page/client.mjs`)
const { build } = await import('esbuild')
await rm(BUNDLE, { recursive: true, force: true })
await build({
  entryPoints: [`${DIST}/main.js`],
  outdir: BUNDLE,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: LEFT_AS_PACKAGES,
  plugins: [ownAddresses],
  // Packages of the older module system are inside, and some of them ask for parts of Node.
  banner: {
    js: "import { createRequire as createRequireOfBundle } from 'node:module'\nconst require = createRequireOfBundle(import.meta.url)",
  },
  legalComments: 'external',
  logLevel: 'warning',
})
// Says when all of it was built.
await writeFile(`${DIST}/.built`, '')
