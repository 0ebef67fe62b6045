import { randomBytes } from 'node:crypto'
import type { Lease } from '../../disk/folder-lock.ts'
import { VigiaError } from '../../errors.ts'
import type { LmdbDatabases } from './lmdb-databases.ts'

/** The right to write, asked for in the transactions that write. */
export interface Ownership {
  /**
   * Does the writes of `work`, which gives back what each of them promises, in one transaction. @throws
   * SERVING_LEASE_LOST, and writes nothing, when another process has taken the folder over
   */
  write(work: () => readonly Promise<unknown>[]): Promise<void>
  /** The same, where `work` also reads; it runs while the transaction holds up all others. */
  transaction(work: () => void): Promise<void>
  /**
   * To be done before waiting for what LMDB promises of flushing or closing: after a transaction that failed
   * it keeps neither (lmdb 3.5.6) until another one, of nothing, has ended. @throws what keeps that from
   * ending
   */
  settle(): Promise<void>
}

const OWNER = 'owner'

const ignore = (): void => undefined

/**
 * LMDB's own error is the reason of a promise within the one that is thrown (`commitError`), rejected a
 * moment later: nobody else hears it, and what nobody hears ends the process.
 */
const heard = async (error: unknown): Promise<never> => {
  const { commitError } = error as { readonly commitError?: Promise<unknown> }
  await commitError
  throw error
}
/** Bytes of a random number that a double holds exactly. */
const VERSION_BYTES = 6

/**
 * Makes this process the owner: from here on no transaction of an earlier one is taken. LMDB makes one
 * transaction after the other, whichever process they are of, so what an earlier owner has still written is
 * seen by whoever reads after this.
 */
export const takeOwnership = async (
  folder: string,
  { root, owner }: Pick<LmdbDatabases, 'root' | 'owner'>,
  lease: Lease,
): Promise<Ownership> => {
  const version = randomBytes(VERSION_BYTES).readUIntBE(0, VERSION_BYTES)
  lease.check()
  await owner.put(OWNER, String(version), version).catch(heard)
  const lost = (): Error =>
    new VigiaError('SERVING_LEASE_LOST', {
      folder,
      reason: 'its states have another owner',
      holder: 'another process',
    })
  let hasFailed = false
  const ended = async (transaction: Promise<boolean>): Promise<void> => {
    const isOwn = await transaction.catch((error: unknown) => {
      hasFailed = true
      return heard(error)
    })
    hasFailed = false
    if (!isOwn) throw lost()
  }
  const write: Ownership['write'] = async (work) => {
    lease.check()
    const isOwn = owner.ifVersion(OWNER, version, () => {
      // A transaction that fails rejects the promise of each of its writes beside its own.
      for (const each of work()) each.catch(ignore)
    })
    await ended(isOwn)
  }
  return {
    write,
    transaction: async (work) => {
      lease.check()
      const isOwn = root.transaction(() => {
        if (owner.getEntry(OWNER)?.version !== version) return false
        work()
        return true
      })
      await ended(isOwn)
    },
    settle: async () => {
      if (hasFailed) await write(() => [])
    },
  }
}
