import type { Law } from './law.ts'

/** A law that was broken, and how. */
export interface BrokenLaw {
  readonly title: string
  readonly error: Error
}

/** What became of each law, in their order. */
export interface LawReport {
  /** Titles of the laws that were kept. */
  readonly kept: readonly string[]
  readonly broken: readonly BrokenLaw[]
  readonly skipped: readonly { readonly title: string; readonly reason: string }[]
  /** For people: a line for each law, and for a broken one what was found. */
  readonly text: string
}

export interface RunLawsOptions {
  /** A check that takes longer counts as broken, and is left to itself. In milliseconds; default 60,000. */
  readonly timeoutMs?: number
}

/** Holds a subject to laws, one after the other, for scripts without a test runner. Never rejects. */
export const runLaws = async <Subject>(
  laws: readonly Law<Subject>[],
  subject: Subject,
  { timeoutMs = 60_000 }: RunLawsOptions = {},
): Promise<LawReport> => {
  const kept: string[] = []
  const broken: BrokenLaw[] = []
  const skipped: { title: string; reason: string }[] = []
  const lines: string[] = []
  for (const law of laws) {
    const { title } = law
    const reason = law.skipReason(subject)
    if (reason !== undefined) {
      skipped.push({ title, reason })
      lines.push(`skipped  ${title} (${reason})`)
      continue
    }
    const error = await within(timeoutMs, law.check(subject))
    if (error === undefined) {
      kept.push(title)
      lines.push(`kept     ${title}`)
    } else {
      broken.push({ title, error })
      lines.push(`BROKEN   ${title}`, error.message.replace(/^/gm, '         '))
    }
  }
  lines.push(`${kept.length} kept, ${broken.length} broken, ${skipped.length} skipped`)
  return { kept, broken, skipped, text: lines.join('\n') }
}

/** What the check threw, undefined when it threw nothing. */
const within = async (timeoutMs: number, check: Promise<void>): Promise<Error | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`the check did not end within ${timeoutMs} ms`)), timeoutMs)
  })
  const failure = check.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  try {
    return await Promise.race([failure, late])
  } finally {
    clearTimeout(timer)
  }
}
