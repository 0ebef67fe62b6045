import { startWorker } from '../../src/threads/start-worker.ts'

const worker = startWorker(new URL('./worker-of-sources.ts', import.meta.url), { word: 'amount' })
worker.once('message', (message) => process.stdout.write(JSON.stringify(message)))
