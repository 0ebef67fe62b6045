import { nothingSeesTheFuture } from './laws/no-peeking.ts'

// Twenty times as many are in test/long.
nothingSeesTheFuture({ histories: 75 })
