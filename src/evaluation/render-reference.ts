import { type Figure, headingOf } from './figure.ts'
import { COMPARABLE_FIGURES, FIGURES, keyOf, type NamedFigure, SCORING_FIGURES } from './figures.ts'

/** The reference of all figures as Markdown, from their records: `docs/figures.md`. */
export const renderFigureReference = (): string =>
  [
    '# Figures',
    '',
    '<!-- Generated from src/evaluation/figures.ts by `npm run docs`. Change the records there instead. -->',
    '',
    'What says how good a model is. Each stands under its name in settings and in trackers (`test.roc_auc`), and in JSON files in camel',
    'case (`rocAuc`). Each is computed for training, validation and test, has a gate (`evaluation.gates`), can choose the best model',
    '(`evaluation.choose_by`), and is null where it is not defined. Scores that are equal count as one step.',
    '',
    '| figure | name | meaning | unit | range | better | not defined when |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...FIGURES.map(
      (figure) =>
        `| ${headingOf(figure)} | \`${figure.name}\` | ${figure.meaning} | ${figure.unit} | ${range(figure)} | ${figure.better} | ${figure.undefinedWhen} |`,
    ),
    '',
    '## Where each one serves',
    '',
    '- **interval**: has a 95 % bootstrap interval (`evaluation.bootstrap_resamples`).',
    '- **search**: `search.scoring` may name it; no threshold is chosen in a search, so a figure of decisions is that of its best threshold.',
    '- **promotion**: versions are compared by it (`promotion.minimum`, `promotion.regression`): it depends on no setting of a training.',
    '- **slices**: told of groups of the test rows.',
    '',
    '| name | in JSON | depends on | interval | search | promotion | slices |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...FIGURES.map(renderUses),
    '',
  ].join('\n')

const renderUses = (figure: NamedFigure): string => {
  const { name, needs, ofResample, shownIn } = figure
  const uses = [
    ofResample !== undefined,
    isAmong(SCORING_FIGURES, figure),
    isAmong(COMPARABLE_FIGURES, figure),
    shownIn.includes('slices'),
  ]
  const dependsOn = needs.length === 0 ? 'scores' : `scores, ${needs.map((need) => NEEDS[need]).join(', ')}`
  return `| \`${name}\` | \`${keyOf(figure)}\` | ${dependsOn} | ${uses.map((use) => (use ? 'yes' : 'no')).join(' | ')} |`
}

const isAmong = (figures: readonly NamedFigure[], { name }: NamedFigure): boolean =>
  figures.some((figure) => figure.name === name)

const NEEDS = {
  threshold: 'threshold',
  days: 'days, users, `evaluation.top_k`',
  costs: 'amounts, `evaluation.costs`',
} as const satisfies Record<Figure['needs'][number], string>

const range = ({ range: [least, greatest] }: Figure): string =>
  `[${least}, ${Number.isFinite(greatest) ? `${greatest}]` : '∞)'}`
