import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../foundation/hash.ts'
import type { LogisticRegressionModel } from '../learning/logistic-regression.ts'
import type { Tree, TreeEnsembleModel } from '../learning/trees/tree-ensemble.ts'
import { contentsOf, LINEAR, TREES } from './artifact.test-kit.ts'
import { type ArtifactContents, type ArtifactFiles, decodeArtifact, encodeArtifact } from './artifact.ts'
import { whyModelUnsound } from './artifact-model.ts'

describe.each([
  ['a logistic regression', contentsOf(LINEAR)],
  ['trees', contentsOf(TREES)],
])('an artifact of %s', (_, contents) => {
  test('comes back from its files as it was, to the bit', () => {
    const { manifest, model, reference } = decodeArtifact(encodeArtifact(contents), 'here')
    expect(model).toStrictEqual(contents.model)
    expect(reference).toStrictEqual(contents.reference)
    expect(manifest.threshold).toBe(0.1 + 0.2)
    expect(manifest.fitted).toEqual(contents.manifest.fitted)
    expect(manifest.calibration).toEqual(contents.manifest.calibration)
    expect(manifest.features.names).toEqual(['amount', 'category'])
    expect(manifest.features.categorical).toEqual(['category'])
  })

  test('of equal contents has equal bytes, whatever the order of their keys', () => {
    expect(encodeArtifact(reversed(contents))).toEqual(encodeArtifact(contents))
  })

  test('is refused when any byte of any file is another', () => {
    const files = encodeArtifact(contents)
    fc.assert(
      fc.property(
        fc.constantFrom(...files.keys()),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (name, at, change) => {
          const bytes = files.get(name)!.slice()
          bytes[at % bytes.length]! ^= change
          expect(() => decodeArtifact(new Map([...files, [name, bytes]]), 'here')).toThrow('is refused')
        },
      ),
      { numRuns: 500 },
    )
  })

  test('is refused when any file is cut short or goes on', () => {
    const files = encodeArtifact(contents)
    fc.assert(
      fc.property(fc.constantFrom(...files.keys()), fc.nat(), fc.boolean(), (name, at, isCut) => {
        const whole = files.get(name)!
        const bytes = isCut ? whole.slice(0, at % whole.length) : Uint8Array.of(...whole, 33)
        expect(() => decodeArtifact(new Map([...files, [name, bytes]]), 'here')).toThrow('is refused')
      }),
    )
  })

  test.each(['manifest.json', 'model.json', 'model.onnx', 'reference.json', 'checksums.json'])(
    'is refused without its %s',
    (name) => {
      const files = new Map(encodeArtifact(contents))
      files.delete(name)
      expect(() => decodeArtifact(files, 'here')).toThrow(`${name}: it is missing`)
    },
  )

  test('is refused when a file is that of another artifact', () => {
    const files = encodeArtifact(contents)
    const other = encodeArtifact({ ...contents, onnx: Uint8Array.of(1) })
    expect(() =>
      decodeArtifact(new Map([...files, ['model.onnx', other.get('model.onnx')!]]), 'here'),
    ).toThrow('model.onnx: its SHA-256 is not the one in checksums.json')
  })

  test('is refused when any field of any file is gone, unknown or of another type, checksums made to fit', () => {
    const files = encodeArtifact(contents)
    fc.assert(
      fc.property(
        fc.constantFrom('manifest.json', 'model.json', 'reference.json'),
        fc.nat(),
        fc.constantFrom('remove', 'add', 'retype'),
        (name, at, change) => {
          const value = JSON.parse(new TextDecoder().decode(files.get(name))) as Record<string, unknown>
          const key = Object.keys(value)[at % Object.keys(value).length]!
          // These may be anything: they are for people, or checked by who uses them.
          fc.pre(change !== 'retype' || !['data', 'split', 'seed', 'metrics'].includes(key))
          if (change === 'remove') delete value[key]
          else if (change === 'add') value['run'] = 'code()'
          else value[key] = typeof value[key] === 'string' ? 5 : 'text'
          expect(() => decodeArtifact(replaced(files, name, JSON.stringify(value)), 'here')).toThrow(
            `${name}: `,
          )
        },
      ),
    )
  })
})

describe('an artifact with a file in floats', () => {
  const comparison = { rows: 9, differing: 2, flaggedOtherwise: 1, largestDifference: 0.25 }
  const contents = { ...contentsOf(TREES), onnxInFloats: { bytes: Uint8Array.of(8, 7), comparison } }
  const files = encodeArtifact(contents)

  test('has it beside the others, and says how far it is from the model', () => {
    expect([...files.keys()]).toContain('model-float32.onnx')
    expect(decodeArtifact(files, 'here').manifest.onnx).toEqual({
      file: 'model.onnx',
      float32: { file: 'model-float32.onnx', ...comparison },
    })
  })

  test('is refused without it, with another, and where checksums or manifest do not name it', () => {
    const without = new Map(files)
    without.delete('model-float32.onnx')
    expect(() => decodeArtifact(without, 'here')).toThrow('model-float32.onnx: it is missing')
    const altered = new Map([...files, ['model-float32.onnx', Uint8Array.of(8, 8)]])
    expect(() => decodeArtifact(altered, 'here')).toThrow('model-float32.onnx: its SHA-256')
    const plain = encodeArtifact(contentsOf(TREES))
    const strange = new Map([...plain, ['model-float32.onnx', Uint8Array.of(8, 7)]])
    expect(() => decodeArtifact(strange, 'here')).toThrow('model-float32.onnx: its SHA-256')
    const unnamed = replaced(files, 'manifest.json', new TextDecoder().decode(plain.get('manifest.json')))
    expect(() => decodeArtifact(unnamed, 'here')).toThrow('manifest.json: /onnx/float32 is missing')
  })
})

describe('an artifact with the days of its training', () => {
  const contents = { ...contentsOf(TREES), days: Uint8Array.of(1, 2, 3) }
  const files = encodeArtifact(contents)

  test('has them as they are, and importances beside its distributions', () => {
    expect(decodeArtifact(files, 'here').days).toEqual(Uint8Array.of(1, 2, 3))
    expect(decodeArtifact(files, 'here').manifest.reference).toEqual({
      file: 'reference.json',
      days: { file: 'days.bin' },
    })
    expect(decodeArtifact(encodeArtifact(contentsOf(TREES)), 'here').days).toBeUndefined()
    const importance = { amount: 0.75, category: 0.25 }
    const weighed = { ...contents, reference: { ...contents.reference, importance } }
    expect(decodeArtifact(encodeArtifact(weighed), 'here').reference.importance).toEqual(importance)
  })

  test('is refused without them, with others, and where checksums or manifest do not name them', () => {
    const without = new Map(files)
    without.delete('days.bin')
    expect(() => decodeArtifact(without, 'here')).toThrow('days.bin: it is missing')
    const altered = new Map([...files, ['days.bin', Uint8Array.of(3)]])
    expect(() => decodeArtifact(altered, 'here')).toThrow('days.bin: its SHA-256')
    const plain = encodeArtifact(contentsOf(TREES))
    const strange = new Map([...plain, ['days.bin', Uint8Array.of(1)]])
    expect(() => decodeArtifact(strange, 'here')).toThrow('days.bin: its SHA-256')
    const unnamed = replaced(files, 'manifest.json', new TextDecoder().decode(plain.get('manifest.json')))
    expect(() => decodeArtifact(unnamed, 'here')).toThrow('manifest.json: /reference/days is missing')
  })
})

describe('an artifact', () => {
  const files = encodeArtifact(contentsOf(TREES))
  const withModel = (model: unknown) => replaced(files, 'model.json', JSON.stringify(model))

  test('of a model with another number of weights than features is refused', () => {
    expect(() => decodeArtifact(withModel({ ...LINEAR, coefficients: [1] }), 'here')).toThrow(
      'model.json: it has not one weight for each of 2 features',
    )
  })

  test('of another kind of model is refused, and the message says where', () => {
    const model = { ...LINEAR, kind: 'oracle' } as unknown as LogisticRegressionModel
    expect(() => decodeArtifact(withModel(model), 'runs/x')).toThrow(
      'The model in runs/x is refused: model.json: /kind',
    )
  })

  test('has the mapping of its source, or none; one that is no mapping is refused', () => {
    const source = {
      version: 1 as const,
      format: 'csv' as const,
      timeZone: 'UTC',
      columns: [{ name: 'Amt', type: 'VARCHAR' }],
      fields: { amount: '"Amt"' },
      attributes: {},
    }
    const contents = contentsOf(LINEAR)
    const mapped = encodeArtifact({ ...contents, manifest: { ...contents.manifest, source } })
    expect(decodeArtifact(mapped, 'here').manifest.source).toEqual(source)
    expect(decodeArtifact(files, 'here').manifest.source).toBeUndefined()
    const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json'))) as object
    for (const wrong of [
      { ...source, version: 2 },
      { ...source, fields: { is_fraud: '"label"' } },
      { ...source, columns: ['Amt'] },
      { ...source, more: 1 },
    ])
      expect(() =>
        decodeArtifact(
          replaced(files, 'manifest.json', JSON.stringify({ ...manifest, source: wrong })),
          'here',
        ),
      ).toThrow('manifest.json: /source')
  })

  test('of another version is refused', () => {
    const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json'))) as object
    const older = replaced(files, 'manifest.json', JSON.stringify({ ...manifest, schema: 1 }))
    expect(() => decodeArtifact(older, 'here')).toThrow('manifest.json: /schema must be equal to constant')
  })

  test('names the field that nobody knows', () => {
    expect(() => decodeArtifact(withModel({ ...TREES, run: 'code()' }), 'here')).toThrow(
      'model.json: it must NOT have additional properties: run',
    )
  })

  test('whose model has features of another order than its manifest is refused', () => {
    const model = { ...TREES, featureNames: TREES.featureNames.toReversed() }
    expect(() => decodeArtifact(withModel(model), 'here')).toThrow(
      'model.json: its features are not those of manifest.json',
    )
  })

  test('whose isotonic calibration falls is refused', () => {
    const contents = contentsOf(TREES)
    const manifest = {
      ...contents.manifest,
      calibration: { method: 'isotonic', x: [0, 1], y: [0.5, 0.4] } as const,
    }
    expect(() => decodeArtifact(encodeArtifact({ ...contents, manifest }), 'here')).toThrow(
      'manifest.json: /calibration/y/1 is below the one before',
    )
  })

  test('whose reference lacks a feature is refused', () => {
    const contents = contentsOf(TREES)
    const { amount } = contents.reference.features
    const reference = { ...contents.reference, features: { amount: amount! } }
    expect(() => decodeArtifact(encodeArtifact({ ...contents, reference }), 'here')).toThrow(
      'reference.json: it has no profile of the feature category',
    )
  })

  test('of numbers beyond all numbers is refused', () => {
    const text = JSON.stringify(TREES).replace('"value":[0,-1,', '"value":[0,1e999,')
    expect(() => decodeArtifact(replaced(files, 'model.json', text), 'here')).toThrow(
      'model.json: /trees/0/value/1 is no finite number',
    )
  })
})

describe('a tree', () => {
  const damaged = (change: Partial<Tree>): TreeEnsembleModel => ({
    ...TREES,
    trees: [{ ...TREES.trees[0]!, ...change }],
  })
  test.each<[string, Partial<Tree>, string]>([
    ['lists of several lengths', { cover: [1] }, '/cover has 1 nodes, /feature has 5'],
    ['no node', { feature: [] }, '/feature is empty'],
    ['a child that is its own parent', { left: [0, 0, 3, 0, 0] }, '/left/0 is 0; allowed: from 1 to 3'],
    ['a child before its parent', { left: [1, 0, 1, 0, 0] }, '/left/2 is 1; allowed: from 3 to 3'],
    ['a right child beyond the end', { left: [1, 0, 4, 0, 0] }, '/left/2 is 4; allowed: from 3 to 3'],
    ['half a child', { left: [1.5, 0, 3, 0, 0] }, '/left/0 is 1.5'],
    ['a leaf with a child', { left: [1, 3, 3, 0, 0] }, '/left/1 is 3, but a leaf has no child'],
    [
      'a child of two nodes',
      { feature: [0, 0, 1, -1, -1], left: [1, 3, 3, 0, 0] },
      'a child of another node',
    ],
    [
      'nodes that nothing leads to',
      { feature: [0, -1, -1, -1, -1], left: [1, 0, 0, 0, 0] },
      '/feature/3: no node leads',
    ],
    [
      'a feature that does not exist',
      { feature: [2, -1, 1, -1, -1] },
      '/feature/0 is 2; allowed: -1 at a leaf, or a feature from 0 to 1',
    ],
    ['a feature below all', { feature: [-2, -1, 1, -1, -1] }, '/feature/0 is -2'],
    ['a threshold that is none', { threshold: [Number.NaN, 0, 0, 0, 0] }, '/threshold/0 is no finite number'],
    ['a cover of nothing', { cover: [10, 6, 4, 0, 3] }, '/cover/3 is not above 0'],
    ['a third way for missing values', { missingLeft: [2, 0, 0, 0, 0] }, '/missingLeft/0 is neither 0 nor 1'],
    ['categories at a leaf', { categories: { '1': [0] } }, '/categories/1: no inner node has this index'],
    ['categories of no node', { categories: { __proto: [0] } as never }, 'no inner node has this index'],
    ['categories that repeat', { categories: { '2': [0, 0] } }, '/categories/2: codes are whole numbers'],
    [
      'a code without end',
      { categories: { '2': [4e9] } },
      '/categories/2: codes are whole numbers from -1 to 65535',
    ],
  ])('with %s is refused', (_, change, reason) => {
    expect(whyModelUnsound(damaged(change))).toContain(reason)
  })

  test('deeper than recursion bears is refused', () => {
    expect(whyModelUnsound({ ...TREES, trees: [chain(1000)] })).toBeUndefined()
    expect(whyModelUnsound({ ...TREES, trees: [chain(1001)] })).toBe('/trees/0 is deeper than 1000')
  })

  test('with any number changed is refused, or ends every walk at a leaf', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('feature', 'left', 'missingLeft', 'cover', 'threshold', 'value'),
        fc.nat({ max: 4 }),
        fc.oneof(fc.integer({ min: -3, max: 8 }), fc.double()),
        (list, node, number) => {
          const tree = TREES.trees[0]!
          const model = damaged({ [list]: tree[list].with(node, number) })
          if (whyModelUnsound(model) !== undefined) return
          for (const vector of [
            [0, 0],
            [200, 0],
            [200, 1],
            [Number.NaN, Number.NaN],
          ])
            expect(stepsToLeaf(model.trees[0]!, vector)).toBeLessThan(5)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

test('200,000 nodes are written and read as they are', () => {
  const tree = chain(999)
  const model = { ...TREES, trees: new Array<Tree>(100).fill(tree) }
  expect(decodeArtifact(encodeArtifact(contentsOf(model)), 'here').model).toStrictEqual(model)
})

test('a model of more nodes than an artifact holds is not written', () => {
  const model = { ...TREES, trees: new Array<Tree>(2002).fill(chain(999)) }
  expect(() => encodeArtifact(contentsOf(model))).toThrow('4001998 nodes; an artifact holds at most 4000000')
})

/** Inner nodes one below the other, each with a leaf on its left: `depth` of them. */
const chain = (depth: number): Tree => {
  const count = 2 * depth + 1
  const isInner = (node: number) => node % 2 === 0 && node < count - 1
  const list = (value: (node: number) => number) => Array.from({ length: count }, (_, node) => value(node))
  return {
    feature: list((node) => (isInner(node) ? 0 : -1)),
    threshold: list((node) => (isInner(node) ? node + 0.1 : 0)),
    left: list((node) => (isInner(node) ? node + 1 : 0)),
    missingLeft: list(() => 0),
    value: list((node) => (isInner(node) ? 0 : 1 / (node + 1))),
    cover: list(() => 1),
    gain: list(() => 0),
  }
}

const stepsToLeaf = (tree: Tree, vector: readonly number[]): number => {
  let steps = 0
  for (let node = 0; tree.feature[node] !== -1; steps++) {
    const value = vector[tree.feature[node]!]
    if (value === undefined || steps > 100) return Number.POSITIVE_INFINITY
    const codes = tree.categories?.[node]
    const isLeft = codes === undefined ? value < tree.threshold[node]! : codes.includes(value)
    node = tree.left[node]! + (isLeft ? 0 : 1)
  }
  return steps
}

/** The files with another text in `name`, and checksums that fit. */
const replaced = (files: ArtifactFiles, name: string, text: string): ArtifactFiles => {
  const changed = new Map([...files, [name, new TextEncoder().encode(text)]])
  changed.delete('checksums.json')
  const checksums = Object.fromEntries([...changed].map(([file, bytes]) => [file, sha256(bytes)]))
  return changed.set('checksums.json', new TextEncoder().encode(JSON.stringify(checksums)))
}

const reversed = (contents: ArtifactContents): ArtifactContents => {
  const turn = (value: unknown): unknown =>
    typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .toReversed()
            .map(([key, inside]) => [key, turn(inside)]),
        )
  return turn(contents) as ArtifactContents
}
