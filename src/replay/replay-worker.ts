import { parentPort, workerData } from 'node:worker_threads'
import { EntityShard } from './entity-shard.ts'
import type { FromReplayWorker, ReplayWorkerData, ToReplayWorker } from './messages.ts'
import { readShard, writeShard } from './shard-files.ts'
import { mapBatch } from './shared-batch.ts'

const { settings, fitted, batches, shape, index, count, statesIn } = workerData as ReplayWorkerData
const shard = new EntityShard(settings, fitted, index, count)
if (statesIn !== undefined) readShard(shard, statesIn)
const shared = batches.map((memory) => mapBatch(memory, shape))
const answer = (message: FromReplayWorker): void => parentPort?.postMessage(message)

parentPort?.on('message', (message: ToReplayWorker) => {
  if (message.kind === 'batch') {
    shard.replay(shared[message.slot]!, message.rows, message.labels)
    answer({ kind: 'computed', slot: message.slot })
  } else {
    if (message.statesOut !== undefined) writeShard(shard, message.statesOut, index)
    answer({ kind: 'ended', counts: shard.counts() })
  }
})
