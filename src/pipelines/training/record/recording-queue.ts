/** What is recorded, one thing after the other; what fails stops the recording, not the recorded run. */
export interface RecordingQueue {
  /** Does `record` after all that was added before. Returns at once. */
  add(record: () => Promise<void>): void
  /** Waits until all that was added is done. Never throws. */
  done(): Promise<void>
  /** Why nothing is recorded any more; undefined while all goes well. */
  problem(): string | undefined
}

export const createRecordingQueue = (): RecordingQueue => {
  let problem: string | undefined
  let last: Promise<void> = Promise.resolve()
  return {
    add: (record) => {
      last = last
        .then(() => (problem === undefined ? record() : undefined))
        .catch((error: unknown) => {
          problem = error instanceof Error ? error.message : String(error)
        })
    },
    done: () => last,
    problem: () => problem,
  }
}
