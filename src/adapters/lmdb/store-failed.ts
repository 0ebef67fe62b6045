import { VigiaError } from '../../errors.ts'

/** What LMDB or the file system says of a store, as an error of ours: SERVING_STORE_FAILED. */
export const storeFailed = (folder: string, error: unknown): VigiaError => {
  if (error instanceof VigiaError) return error
  const message = error instanceof Error ? error.message : String(error)
  // What the library throws, which cannot begin to read: LMDB knows its readers by their process ids.
  const isTaken = error instanceof TypeError && message.includes("reading 'address'")
  const reason = isTaken
    ? 'another process that has the same process id, in another container, has it open'
    : message
  return new VigiaError('SERVING_STORE_FAILED', { store: folder, reason }, { cause: error })
}
