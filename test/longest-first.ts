import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that take longest, the longest first. Without it the largest files would be first, and one that is
 * short and takes minutes could be the last one, beside which the other processes wait. What is not named
 * follows, in Vitest's order.
 */
const LONGEST: readonly string[] = [
  'test/simulation/mutants.test.ts',
  'src/pipelines/parity/serve-run.test.ts',
  'test/docs/examples.test.ts',
  'test/end-to-end/promotion.test.ts',
  'test/replay-parity.test.ts',
  'src/decisions/owned/owned-decisions.test.ts',
  'test/integration/serving-second-bank.test.ts',
  'test/integration/public-shapes.test.ts',
  'test/integration/recipes.test.ts',
  'test/integration/tracking-outage.test.ts',
  'test/integration/serving-lease.test.ts',
  'test/integration/layout-shadow.test.ts',
  'test/integration/mlflow-rest.test.ts',
  'test/integration/recorded-references.test.ts',
  'test/integration/backup.test.ts',
  'test/integration/migrate.test.ts',
]

/** The order of files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`))
      return found === -1 ? LONGEST.length : found
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}
