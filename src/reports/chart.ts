import * as vega from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

/** Colours of charts by role. In the page they are CSS variables, so that a chart follows light and dark. */
export const CHART_COLORS = {
  text: '#010101',
  quiet: '#020202',
  grid: '#030303',
  accent: '#040404',
  alert: '#050505',
} as const

/**
 * A Vega-Lite specification as SVG text, drawn in Node without a browser or a network.
 *
 * Colours of `CHART_COLORS` become `var(--chart-text)` and so on. The same specification gives the same text.
 * `label` is what a screen reader says in place of the picture.
 */
export const renderChart = async (specification: ChartSpecification, label: string): Promise<string> => {
  const { spec } = compile({ ...specification, config: CONFIG } as unknown as TopLevelSpec)
  const view = new vega.View(vega.parse(spec), { renderer: 'none', loader: noLoader() })
  try {
    const svg = await view.toSVG()
    return Object.entries(CHART_COLORS)
      .reduce(
        (text, [role, color]) => text.replaceAll(`"${color}"`, `"var(--chart-${role})"`),
        withOwnIds(svg, label),
      )
      .replace('<svg ', `<svg role="img" aria-label="${attribute(label)}" `)
  } finally {
    view.finalize()
  }
}

/** The same as a file of its own, on white. */
export const renderStandaloneChart = async (
  specification: ChartSpecification,
  label: string,
): Promise<string> => {
  const svg = await renderChart({ padding: 16, ...specification }, label)
  return Object.entries(COLORS_ON_WHITE)
    .reduce((text, [role, color]) => text.replaceAll(`var(--chart-${role})`, color), svg)
    .replace(/(<svg [^>]*>)/, '$1<rect width="100%" height="100%" fill="#ffffff"/>')
}

/** The page's colours by day. */
const COLORS_ON_WHITE = {
  text: '#1c2024',
  quiet: '#60646c',
  grid: '#e3e4e8',
  accent: '#2f6fde',
  alert: '#bf3838',
} as const satisfies Record<keyof typeof CHART_COLORS, string>

/**
 * Width of a text in pixels, estimated by kinds of characters for a common sans-serif.
 *
 * Vega's own estimate (0.8 of the font size a character) leaves charts with wide empty margins and cuts names
 * that would fit; and where a canvas happens to be installed it measures, so that the same chart would differ
 * from machine to machine. Setting the function is how Vega lets others measure.
 */
const estimatedTextWidth = (item: { fontSize?: number; limit?: number }, line: unknown): number => {
  let ems = 0
  for (const character of String(line ?? '').trim())
    ems += NARROW.test(character) ? 0.34 : WIDE.test(character) ? 0.86 : CAPITAL.test(character) ? 0.7 : 0.61
  const width = Math.ceil(ems * (item.fontSize ?? 11))
  return item.limit !== undefined && item.limit > 0 ? Math.min(width, item.limit) : width
}

const NARROW = /[ .,:;'|!ijltfr()[\]-]/
const WIDE = /[mwMW%±]/
const CAPITAL = /[A-Z]/

const measures = (vega as unknown as { textMetrics: { width: typeof estimatedTextWidth } }).textMetrics
measures.width = estimatedTextWidth

/**
 * Vega counts the ids of clip paths for the whole process; here they depend on the chart and its label only.
 */
const withOwnIds = (svg: string, label: string): string => {
  const numbers = new Map<string, number>()
  const prefix = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return svg.replaceAll(/(id="|url\(#)((?:clip|gradient)\w*)/g, (_match, before: string, id: string) => {
    if (!numbers.has(id)) numbers.set(id, numbers.size + 1)
    return `${before}${prefix}-${numbers.get(id)}`
  })
}

/** A Vega-Lite specification with its data inside it. */
export type ChartSpecification = Readonly<Record<string, unknown>>

const FONT = 'system-ui, sans-serif'

const CONFIG = {
  background: null,
  view: { stroke: null },
  font: FONT,
  axis: {
    labelColor: CHART_COLORS.quiet,
    titleColor: CHART_COLORS.quiet,
    gridColor: CHART_COLORS.grid,
    domainColor: CHART_COLORS.grid,
    tickColor: CHART_COLORS.grid,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 260,
  },
  legend: {
    labelColor: CHART_COLORS.text,
    labelFontSize: 12,
    orient: 'top',
    title: null,
    symbolType: 'square',
  },
  mark: { color: CHART_COLORS.accent },
  title: { color: CHART_COLORS.text, fontSize: 13, fontWeight: 'bold', anchor: 'start', offset: 12 },
  text: { color: CHART_COLORS.text, fontSize: 12 },
} as const

/** Charts carry their data; a specification that names a file or an address gets nothing. */
const noLoader = () => {
  const loader = vega.loader()
  loader.load = () => Promise.reject(new Error('Charts load nothing'))
  return loader
}

const attribute = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
