#!/bin/sh
# In a worker thread of Deno 2.9.6 `parentPort` of node:worker_threads has no `close`, which Node documents as the way for a worker to end:
# the call throws a TypeError. What ends a worker in both is `terminate()` by the thread that started it.
#
# Needs npm and Linux on x64. Runs the program in @deno/linux-x64-glibc 2.9.6, and the node at hand to compare.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export DENO_DIR="$folder/cache" DENO_NO_UPDATE_CHECK=1
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" @deno/linux-x64-glibc@2.9.6
cat >worker.mjs <<'END'
import { parentPort } from 'node:worker_threads'
parentPort.postMessage(typeof parentPort.close)
END
cat >main.mjs <<'END'
import { Worker } from 'node:worker_threads'
const worker = new Worker(new URL('./worker.mjs', import.meta.url))
worker.on('message', async (kind) => {
  console.log(`${process.argv[2]}: parentPort.close is ${kind === 'undefined' ? 'not there' : `a ${kind}`}`)
  await worker.terminate()
  if (kind !== process.argv[3]) throw new Error('no longer so')
})
END
node main.mjs "node $(node -p process.versions.node)" function
"$folder/node_modules/@deno/linux-x64-glibc/deno" run --allow-all main.mjs 'deno 2.9.6' undefined
