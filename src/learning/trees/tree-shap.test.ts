import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import golden from '../../../test/golden/xgboost-models.json' with { type: 'json' }
import { createRandom, type Random } from '../../foundation/random.ts'
import { importXgboostModel } from '../xgboost/import-model.ts'
import { flattenTrees, marginOfTrees } from './flat-trees.ts'
import type { Tree, TreeEnsembleModel } from './tree-ensemble.ts'
import { createTreeShap } from './tree-shap.ts'

test('of a split in halves, the feature gets what its side is away from the mean', () => {
  const model = modelOf([stump(0, 0.5, -1, 3)], 2)
  expect(createTreeShap(model).baseline).toBe(1)
  expect(explain(model, [0, 7])).toEqual([-2, 0])
  expect(explain(model, [1, 7])).toEqual([2, 0])
})

test('two features of which both are needed share alike', () => {
  // 1 where both are at least 0.5, which a quarter of the rows are.
  const both: Tree = {
    feature: [0, -1, 1, -1, -1],
    threshold: [0.5, 0, 0.5, 0, 0],
    left: [1, 0, 3, 0, 0],
    missingLeft: [0, 0, 0, 0, 0],
    value: [0, 0, 0, 0, 1],
    cover: [4, 2, 2, 1, 1],
    gain: [1, 0, 1, 0, 0],
  }
  const [a, b] = explain(modelOf([both], 2), [1, 1])
  expect(a).toBeCloseTo(0.375, 14)
  expect(b).toBeCloseTo(0.375, 14)
})

test('children whose covers are not their parent’s still have shares that add up to 1', () => {
  // A parent that no row reached: importing gives each node the least cover there is.
  const [a, b] = explain(modelOf([{ ...stump(0, 0.5, 0, 6), cover: [1e-9, 1e-9, 1e-9] }], 2), [1, 0])
  expect([a, b]).toEqual([3, 0])
})

describe.each(golden.cases)('XGBoost, $name', ({ model: saved, rows, contributions }) => {
  const model = importXgboostModel(JSON.stringify(saved), { categoryShift: 0 })

  test('has the contributions that the library gives, its last being the baseline', () => {
    rows.forEach((row, index) => {
      const vector = row.map((value) => value ?? Number.NaN)
      const got = [...explain(model, vector), createTreeShap(model).baseline]
      contributions[index]!.forEach((expected, f) => {
        expect(Math.abs(got[f]! - expected), `row ${index}, feature ${f}`).toBeLessThan(1e-6)
      })
    })
  })
})

test('law: Shapley values are those of the definition, over every set of features', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), (seed, depth) => {
      const random = createRandom(seed)
      const model = modelOf([randomTree(random, depth), randomTree(random, depth)], FEATURES)
      const vector = Array.from({ length: FEATURES }, () => randomValue(random))
      const got = explain(model, vector)
      shapleyByDefinition(model, vector).forEach((expected, f) => {
        expect(got[f]).toBeCloseTo(expected, 10)
      })
    }),
    { numRuns: 60 },
  )
})

test.each([3, 10, 60])('law: baseline and values sum to the margin, also %d splits deep', (depth) => {
  const random = createRandom(depth)
  const model = modelOf(
    Array.from({ length: 20 }, () => (depth < 10 ? randomTree(random, depth) : chain(random, depth))),
    FEATURES,
  )
  const trees = flattenTrees(model)
  for (let row = 0; row < 50; row++) {
    const vector = Array.from({ length: FEATURES }, () => randomValue(random))
    const sum = explain(model, vector).reduce((all, value) => all + value, createTreeShap(model).baseline)
    expect(Math.abs(sum - marginOfTrees(trees, vector))).toBeLessThan(1e-9)
  }
})

const FEATURES = 5

function explain(model: TreeEnsembleModel, vector: readonly number[]): number[] {
  const out = new Float64Array(model.featureNames.length)
  // Somewhere inside of a longer list, as serving has it.
  createTreeShap(model).addShapleyValues([99, ...vector, 99], 1, out)
  return [...out]
}

function modelOf(trees: readonly Tree[], features: number): TreeEnsembleModel {
  const featureNames = Array.from({ length: features }, (_, f) => `feature_${f}`)
  return { kind: 'gradient_boosting', featureNames, link: 'logistic', base: 0, trees }
}

function stump(feature: number, threshold: number, left: number, right: number): Tree {
  return {
    feature: [feature, -1, -1],
    threshold: [threshold, 0, 0],
    left: [1, 0, 0],
    missingLeft: [0, 0, 0],
    value: [0, left, right],
    cover: [2, 1, 1],
    gain: [1, 0, 0],
  }
}

/** Φ_i = Σ over sets without i of |S|! (n - |S| - 1)! / n! · (expected with i - expected without). */
function shapleyByDefinition(
  { trees, featureNames }: TreeEnsembleModel,
  vector: readonly number[],
): number[] {
  const n = featureNames.length
  const factorial = (k: number): number => (k <= 1 ? 1 : k * factorial(k - 1))
  const expected = (known: number): number =>
    trees.reduce((sum, tree) => sum + expectedOf(tree, 0, vector, known), 0)
  return Array.from({ length: n }, (_, i) => {
    let value = 0
    for (let known = 0; known < 2 ** n; known++) {
      if (known & (1 << i)) continue
      const size = Array.from({ length: n }, (_, f) => (known >> f) & 1).reduce((a, b) => a + b, 0)
      const weight = (factorial(size) * factorial(n - size - 1)) / factorial(n)
      value += weight * (expected(known | (1 << i)) - expected(known))
    }
    return value
  })
}

/** What the tree expects below `node` when the features in the bits of `known` are known. */
function expectedOf(tree: Tree, node: number, vector: readonly number[], known: number): number {
  const f = tree.feature[node]!
  if (f < 0) return tree.value[node]!
  const left = tree.left[node]!
  const below = (child: number): number => expectedOf(tree, child, vector, known)
  if ((known >> f) & 1) {
    const value = vector[f]!
    const codes = tree.categories?.[node]
    const isLeft = Number.isNaN(value)
      ? tree.missingLeft[node] === 1
      : codes === undefined
        ? value < tree.threshold[node]!
        : codes.includes(value)
    return below(isLeft ? left : left + 1)
  }
  const share = tree.cover[left]! / tree.cover[node]!
  return share * below(left) + (1 - share) * below(left + 1)
}

function randomValue(random: Random): number {
  return random.next() < 0.15 ? Number.NaN : random.integer(6)
}

/** A tree whose every leaf lies at most `depth` splits deep; features come again on one path. */
function randomTree(random: Random, depth: number): Tree {
  const nodes: {
    feature: number
    threshold: number
    left: number
    missingLeft: number
    value: number
    cover: number
  }[] = []
  const categories: Record<string, number[]> = {}
  const add = (cover: number) =>
    nodes.push({ feature: -1, threshold: 0, left: 0, missingLeft: 0, value: random.normal(), cover }) - 1
  const grow = (node: number, level: number): void => {
    if (level === depth || random.next() < 0.15) return
    const own = nodes[node]!
    own.feature = random.integer(FEATURES)
    if (random.next() < 0.3) categories[node] = [0, 1, 2, 3, 4, 5].filter(() => random.next() < 0.5)
    else own.threshold = random.integer(6)
    own.missingLeft = random.integer(2)
    own.value = 0
    const share = 0.05 + 0.9 * random.next()
    own.left = add(own.cover * share)
    add(own.cover * (1 - share))
    grow(own.left, level + 1)
    grow(own.left + 1, level + 1)
  }
  grow(add(100), 0)
  const list = (name: keyof (typeof nodes)[number]): number[] => nodes.map((node) => node[name])
  return {
    feature: list('feature'),
    threshold: list('threshold'),
    left: list('left'),
    missingLeft: list('missingLeft'),
    value: list('value'),
    cover: list('cover'),
    gain: list('cover').map(() => 1),
    ...(Object.keys(categories).length > 0 && { categories }),
  }
}

/**
 * A path of `depth` splits with a leaf beside each: what a forest of no limit grows at the edge of its data.
 */
function chain(random: Random, depth: number): Tree {
  const tree = {
    feature: [-1],
    threshold: [0],
    left: [0],
    missingLeft: [0],
    value: [random.normal()],
    cover: [1e6],
    gain: [0],
  }
  let node = 0
  for (let level = 0; level < depth; level++) {
    const left = tree.feature.length
    tree.feature[node] = random.integer(FEATURES)
    tree.threshold[node] = random.integer(6)
    tree.left[node] = left
    const share = 0.3 + 0.4 * random.next()
    for (const part of [share, 1 - share]) {
      tree.feature.push(-1)
      tree.threshold.push(0)
      tree.left.push(0)
      tree.missingLeft.push(0)
      tree.value.push(random.normal())
      tree.cover.push(tree.cover[node]! * part)
      tree.gain.push(0)
    }
    node = left + random.integer(2)
  }
  return tree
}
