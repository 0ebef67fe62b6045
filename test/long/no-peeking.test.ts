import { nothingSeesTheFuture } from '../laws/no-peeking.ts'

nothingSeesTheFuture({ histories: 1500 })
