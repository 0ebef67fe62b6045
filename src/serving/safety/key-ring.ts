import { type ApiKey, findKey, type Scope } from './api-keys.ts'

/** The keys that a server knows at the moment: a file of keys may change while it runs. */
export class KeyRing {
  private keys: readonly ApiKey[]

  constructor(keys: readonly ApiKey[]) {
    this.keys = keys
  }

  /** Whether nobody needs a key. */
  get isEmpty(): boolean {
    return this.keys.length === 0
  }

  /** The key that `secret` is; undefined when it is none, or no longer. */
  find(secret: string): ApiKey | undefined {
    return findKey(this.keys, secret)
  }

  /** Whether a key that was found earlier is still one, and may still do this. */
  allows(key: ApiKey, scope: Scope): boolean {
    return this.keys.some(
      ({ sha256, scopes }) => scopes.has(scope) && Buffer.compare(sha256, key.sha256) === 0,
    )
  }

  /** From the next request, and the next line of a stream, on these are the keys. */
  replace(keys: readonly ApiKey[]): void {
    this.keys = keys
  }
}
