import { parentPort, workerData } from 'node:worker_threads'

parentPort?.postMessage({ from: 'a thread', got: workerData as unknown })
