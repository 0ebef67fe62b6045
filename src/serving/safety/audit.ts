/** One act of administration: who, what, when, and what came of it. */
export interface AuditEntry {
  readonly atMs: number
  /** Name of the key, or the address of a caller without one. */
  readonly who: string
  /** `models.switch`, `logs.save`. */
  readonly act: string
  readonly details: Readonly<Record<string, string | number | null>>
  /** `done`, or the code of the error. */
  readonly outcome: string
  readonly requestId: string
}

export type Audit = (entry: AuditEntry) => void
