/**
 * Draws docs/images/generated-data.svg: when and how much, by class and by pattern. A transparent ground and
 * middle greys read on light and on dark pages. Run: `npx tsx scripts/draw-generated-data.ts`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { Value } from 'typebox/value'
import * as vega from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { GenerateSchema, type GenerateSettings } from '../src/config/sections/generate.ts'
import { allRows } from '../src/dataset/generate/raw-column-power.ts'
import { prepareSimulation } from '../src/dataset/generate/simulation.ts'
import { FRAUD_PATTERNS } from '../src/dataset/generate/vocabulary.ts'

const INK = '#7d8590'
const HONEST = '#3987e5'
const FRAUD = '#e0662b'
const ROWS = 200_000

const settings = Value.Default(GenerateSchema, {
  rows: ROWS,
  users: 4000,
  merchants: 1200,
}) as GenerateSettings
const rows = allRows(prepareSimulation(settings, 42, ROWS))
const { pattern, second, amountMinor } = rows.columns

/** Share of a class in each bin of a quantity; `classOf` names the class of a row or leaves it out. */
const shares = (
  binOf: (row: number) => number,
  nextOf: (bin: number) => number,
  classOf: (row: number) => string | undefined,
) => {
  const counts = new Map<string, Map<number, number>>()
  const totals = new Map<string, number>()
  for (let row = 0; row < rows.length; row++) {
    const name = classOf(row)
    if (name === undefined) continue
    const bins = counts.get(name) ?? new Map<number, number>()
    bins.set(binOf(row), (bins.get(binOf(row)) ?? 0) + 1)
    counts.set(name, bins)
    totals.set(name, (totals.get(name) ?? 0) + 1)
  }
  return [...counts].flatMap(([name, bins]) =>
    [...bins].map(([bin, count]) => ({ name, bin, end: nextOf(bin), share: count / totals.get(name)! })),
  )
}

/** A last point where the last bin ends, so that its step is drawn in full. */
const closed = (points: ReturnType<typeof shares>) => [
  ...points,
  ...[...new Set(points.map((point) => point.name))].map((name) => {
    const last = points.filter((point) => point.name === name).reduce((a, b) => (b.bin > a.bin ? b : a))
    return { ...last, bin: last.end }
  }),
]

const hourOf = (row: number): number => Math.floor((second[row]! % 86_400) / 3600)
/** Four bins to each factor of ten, named by their lower edge in currency. */
const amountOf = (row: number): number => 10 ** (Math.floor(Math.log10(amountMinor[row]! / 100) * 4) / 4)
const nextHour = (bin: number): number => bin + 1
const nextAmount = (bin: number): number => bin * 10 ** 0.25
const classOf = (row: number): string => (pattern[row]! > 0 ? 'fraud' : 'legitimate')
const patternOf = (row: number): string | undefined => FRAUD_PATTERNS[pattern[row]! - 1]?.replaceAll('_', ' ')

const percent = { format: '.0%', tickCount: 4 }
const hours = {
  field: 'bin',
  type: 'quantitative',
  title: 'hour of the day (UTC)',
  scale: { domain: [0, 24], nice: false },
}
const amounts = {
  field: 'bin',
  type: 'quantitative',
  title: 'amount (EUR, logarithmic)',
  scale: { type: 'log', domain: [0.3, 5000], clamp: true },
  axis: { values: [1, 10, 100, 1000], format: ',d' },
}
const byClass = {
  field: 'name',
  type: 'nominal',
  title: null,
  scale: { domain: ['legitimate', 'fraud'], range: [HONEST, FRAUD] },
  legend: { orient: 'top', direction: 'horizontal' },
}
const compared = (
  title: string,
  x: object,
  binOf: (row: number) => number,
  nextOf: (bin: number) => number,
) => ({
  title: { text: title, anchor: 'start' },
  width: 455,
  height: 190,
  data: { values: closed(shares(binOf, nextOf, classOf)) },
  mark: { type: 'line', interpolate: 'step-after', strokeWidth: 2.5 },
  encoding: {
    x,
    y: { field: 'share', type: 'quantitative', title: 'share of the class', axis: percent },
    color: byClass,
  },
})
const perPattern = (x: object, binOf: (row: number) => number, nextOf: (bin: number) => number) => ({
  data: { values: shares(binOf, nextOf, patternOf) },
  facet: {
    field: 'name',
    type: 'nominal',
    title: null,
    columns: 3,
    header: { labelFontSize: 12, labelFontWeight: 600 },
  },
  columns: 6,
  align: 'all',
  spacing: 14,
  spec: {
    width: 110,
    height: 70,
    mark: { type: 'bar', binSpacing: 0, color: FRAUD, opacity: 0.85 },
    encoding: {
      x: { ...x, bin: 'binned' },
      x2: { field: 'end' },
      y: { field: 'share', type: 'quantitative', title: null, axis: { format: '.0%', tickCount: 2 } },
    },
  },
  resolve: { scale: { y: 'independent' } },
})
const small = { title: null }

const spec = {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'transparent',
  padding: 12,
  vconcat: [
    {
      hconcat: [
        compared('When', hours, hourOf, nextHour),
        compared('How much', amounts, amountOf, nextAmount),
      ],
      spacing: 60,
    },
    {
      ...perPattern({ ...hours, ...small, axis: { values: [0, 6, 12, 18, 24] } }, hourOf, nextHour),
      title: 'When, by fraud pattern (hour of the day)',
    },
    {
      ...perPattern({ ...amounts, ...small }, amountOf, nextAmount),
      title: 'How much, by fraud pattern (EUR)',
    },
  ],
  spacing: 26,
  config: {
    font: 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif',
    title: { color: INK, fontSize: 14, anchor: 'start' },
    axis: {
      labelColor: INK,
      titleColor: INK,
      gridColor: INK,
      gridOpacity: 0.25,
      domainColor: INK,
      tickColor: INK,
      labelFontSize: 11,
      titleFontSize: 12,
      titleFontWeight: 500,
    },
    legend: { labelColor: INK, labelFontSize: 13, symbolStrokeWidth: 3, symbolType: 'stroke' },
    header: { labelColor: INK },
    view: { stroke: null },
  },
} as unknown as TopLevelSpec

const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' })
const svg = await view.toSVG()
mkdirSync('docs/images', { recursive: true })
writeFileSync('docs/images/generated-data.svg', `${svg}\n`)
