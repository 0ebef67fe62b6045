import { appended, inserted, type Recipe, written } from './recipe.ts'

const feature: Recipe = {
  adds: 'a feature',
  changes: [
    inserted('src/features/families/device.ts', {
      before: '    ...windows.map(deviceCount),\n',
      text: `    {
      name: 'device_recipe_count',
      meaning: 'Twice the transactions with this device before this one.',
      unit: 'transactions',
      range: [0, ONWARDS],
      missing: 'missing when the transaction names no device; 0 for its first',
      bind: ({ device: source }) => {
        const life = source.life()
        return () => 2 * life.earlierCount
      },
    },
`,
    }),
    inserted('test/oracle/naive-features.ts', {
      before: "    ...risks('device', past, settings),\n",
      text: "    ['device_recipe_count', known(2 * users.length)],\n",
    }),
  ],
  laws: ['test/feature-families.test.ts', 'test/feature-parity.test.ts'],
  forgotten: {
    path: 'test/oracle/naive-features.ts',
    saidBy: 'tests',
    words: /device_recipe_count/,
  },
  documented: ['docs/features.md', 'device_recipe_count'],
}

const family: Recipe = {
  adds: 'a feature family',
  changes: [
    written(
      'src/features/families/recipe.ts',
      `
import type { FeatureFamily } from '../feature.ts'

/** How much is paid, in cents. */
export const recipe: FeatureFamily = {
  name: 'recipe',
  title: 'Recipe',
  meaning: 'How much is paid, in cents.',
  features: () => [
    {
      name: 'recipe_cents',
      meaning: 'The amount in cents.',
      unit: 'cents',
      range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      missing: 'never',
      bind:
        ({ transaction }) =>
        () =>
          transaction.amountMinor,
    },
  ],
}
`,
    ),
    inserted(
      'src/features/families/index.ts',
      { before: "import { risk } from './risk.ts'", text: "import { recipe } from './recipe.ts'\n" },
      { after: '  risk,\n', text: '  recipe,\n' },
    ),
    inserted('test/oracle/naive-features.ts', {
      after: '        ...ofDevice(transaction, device, settings),\n',
      text: "        ['recipe_cents', transaction.amountMinor] as const,\n",
    }),
  ],
  laws: ['test/feature-families.test.ts', 'test/feature-parity.test.ts'],
  documented: ['docs/features.md', 'recipe_cents'],
}

const algorithm: Recipe = {
  adds: 'an algorithm',
  changes: [
    written(
      'src/learning/algorithms/recipe-forest.ts',
      `
import type { Model } from '../model.ts'
import { randomForest } from './random-forest.ts'

/** A forest under another name. */
export const recipeForest = {
  ...randomForest,
  name: 'recipe_forest',
  title: 'Recipe forest',
  assemble: (parts: Parameters<typeof randomForest.assemble>[0]): Model => {
    const model = randomForest.assemble(parts)
    return model.kind === 'logistic_regression' ? model : { ...model, kind: 'recipe_forest' }
  },
} as const
`,
    ),
    inserted('src/learning/algorithms/index.ts', {
      before: "import { xgboost } from './xgboost.ts'",
      text: "import { recipeForest } from './recipe-forest.ts'\n",
    }),
    appended(
      'src/learning/algorithms/index.ts',
      'Algorithm<never>>> = {',
      '  recipe_forest: recipeForest,\n',
    ),
    appended('src/learning/trees/tree-ensemble.ts', 'TREE_ENSEMBLE_KINDS = [', ", 'recipe_forest'"),
    inserted(
      'src/config/sections/models.ts',
      {
        before: '/** The models to train, by name. */',
        text: `/** A forest under another name. */
export const RecipeForestSchema = Type.Object(
  { enabled, ...RANDOM_FOREST, grid: gridOf(RANDOM_FOREST) },
  { additionalProperties: false, default: {}, description: 'A forest under another name.' },
)

`,
      },
      { after: '    xgboost: XgboostSchema,\n', text: '    recipe_forest: RecipeForestSchema,\n' },
    ),
    appended(
      'test/algorithm-cases.ts',
      "Omit<AlgorithmSubject, 'algorithm' | 'settings'>>> = {",
      `  recipe_forest: {
    drawing: {},
    orderOfRows: 'rows are drawn by their numbers',
    weightsAsRepetition: 'a row n times is drawn n times on average, another draw',
    constantFeature: 'the features of a split are drawn among one more',
  },
`,
    ),
    appended(
      'test/algorithm-cases.ts',
      'Readonly<Record<ModelKind, Changes>> = {',
      `  recipe_forest: {
    trees: { trees: 3 },
    max_depth: { max_depth: 1 },
    min_leaf_rows: { min_leaf_rows: 40 },
    features_per_split: { features_per_split: 1 },
    class_weight: { class_weight: 'balanced' },
    row_share: { row_share: 0.3 },
    max_bins: { max_bins: 4 },
  },
`,
    ),
  ],
  forgotten: {
    path: 'src/learning/algorithms/index.ts',
    saidBy: 'compiler',
    words: /algorithms\/index\.ts.*recipe_forest/,
  },
  documented: ['docs/configuration.md', 'models.recipe_forest.trees'],
}

const figure: Recipe = {
  adds: 'a figure',
  changes: [
    inserted('src/evaluation/figures.ts', {
      before: 'const RECORDS = [',
      text: `const RECIPE_FIGURE = {
  name: 'recipe_share',
  title: 'recipe share',
  meaning: 'Square root of the ROC-AUC.',
  unit: 'share',
  range: [0, 1],
  better: 'higher',
  undefinedWhen: 'the rows are all fraud or all genuine',
  needs: [],
  shownIn: [],
  of: ({ labels, scores }: LabelsAndScores) => Math.sqrt(rocAuc(labels, scores)),
} as const satisfies Figure

`,
    }),
    appended('src/evaluation/figures.ts', 'const RECORDS = [', '  RECIPE_FIGURE,\n'),
  ],
  laws: ['src/evaluation/figures.test.ts'],
  documented: ['docs/figures.md', 'recipe_share'],
}

const step: Recipe = {
  adds: 'a pipeline step',
  changes: [
    written(
      'src/pipelines/training/recipe-step.ts',
      `
import { writeJson } from '../../disk/json-file.ts'
import type { Step } from '../../steps/step.ts'
import type { TrainingContext } from './training-context.ts'

/** Prepared rows -> \`recipe.json\`: what the project is called. */
export const recipeStep = ({ config }: TrainingContext): Step => ({
  name: 'recipe',
  activity: 'following a recipe',
  inputs: ['read'],
  settings: { name: config.declared.project.name },
  module: import.meta.url,
  run: ({ output }) => writeJson(output('recipe.json'), { name: config.settings.project.name }),
})
`,
    ),
    inserted(
      'src/pipelines/training-pipeline.ts',
      {
        before: "import { scoreStep } from './training/score-step.ts'",
        text: "import { recipeStep } from './training/recipe-step.ts'\n",
      },
      { before: '  splitStep(context), //', text: '  recipeStep(context),\n' },
    ),
  ],
  proof: `
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SMALL_BANK, temporaryFolder, vigiaIn } from '../end-to-end/vigia-in-process.ts'

test('a run takes the new step, trains by the new algorithm, and knows the new figure', async () => {
  const { path, remove } = temporaryFolder()
  const others = ['logistic_regression', 'random_forest', 'gradient_boosting', 'xgboost']
  const off = others.flatMap((name) => ['--set', \`models.\${name}.enabled=false\`])
  const words = ['run', '--out', 'run', ...SMALL_BANK, ...off, '--set', 'models.recipe_forest.trees=5']
  const { status, stderr } = await vigiaIn(path, words)
  expect([status, stderr]).toEqual([0, ''])
  const json = (file: string) => JSON.parse(readFileSync(join(path, 'run', file), 'utf8'))
  expect(json('recipe/recipe.json')).toEqual({ name: 'vigia' })
  expect(json('choose/choice.json').best).toBe('recipe_forest')
  expect(JSON.stringify(json('evaluate/evaluation.json'))).toContain('recipeShare')
  remove()
})
`,
}

export const LEARNING_AND_FEATURES: readonly Recipe[] = [feature, family, algorithm, figure, step]
