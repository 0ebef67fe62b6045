// The table of bench/second-bank.mjs: average precision week by week, and means over the weeks with
// intervals. Who is compared is compared on the same draws of customers.
import { createRandom } from '../dist/foundation/random.js'

/** Rows by falling score, and where rows of one score end: what average precision asks of scores. */
export const rankOf = (scores) => {
  const order = Uint32Array.from(scores, (_, row) => row).sort((a, b) => scores[b] - scores[a])
  const endsHere = Uint8Array.from(order, (row, at) =>
    at + 1 < order.length && scores[order[at + 1]] === scores[row] ? 0 : 1,
  )
  return { order, endsHere }
}

/** Average precision where each row counts `copies` times (absent: once). */
const averagePrecision = ({ order, endsHere }, labels, copies) => {
  let [frauds, all, before, sum] = [0, 0, 0, 0]
  for (let at = 0; at < order.length; at++) {
    const row = order[at]
    const count = copies === undefined ? 1 : copies[row]
    all += count
    frauds += labels[row] * count
    if (endsHere[at] === 0) continue
    if (frauds > before) sum += ((frauds - before) * frauds) / all
    before = frauds
  }
  return sum / frauds
}

/** Mean over the seeds of one model in one week. */
export const meanPrecision = (ranks, labels, copies) =>
  mean(ranks.map((rank) => averagePrecision(rank, labels, copies)))

/**
 * Draws of customers with replacement (Poisson), the same in all weeks: transactions of one customer, and of
 * its compromise, are not independent of each other. For each draw and week, how often each row counts.
 */
export const drawnCustomers = (weeks, resamples) => {
  const random = createRandom('customers of second-bank')
  const names = [...new Set(weeks.flatMap(({ customers }) => customers))]
  return Array.from({ length: resamples }, () => {
    const drawn = new Map(names.map((name) => [name, poisson(random)]))
    return weeks.map(({ customers }) => Uint8Array.from(customers, (name) => drawn.get(name)))
  })
}

const poisson = (random) => {
  let [copies, left] = [-1, 1]
  for (; left > Math.exp(-1); copies++) left *= random.next()
  return copies
}

/** Lines of Markdown. Each of `judged` may name the one that knows what it knows, and more: `oracle`. */
export const tableOf = ({ dates, weeks, judged, samples }) => {
  const byWeek = judged.map(({ ranks }) => ranks.map((own, week) => meanPrecision(own, weeks[week].labels)))
  const drawn = judged.map(({ ranks }) =>
    samples.map((copies) =>
      mean(ranks.map((own, week) => meanPrecision(own, weeks[week].labels, copies[week]))),
    ),
  )
  const over = (one, other) => {
    const difference = mean(byWeek[one]) - mean(byWeek[other])
    return `${signed(difference)} (${middle(drawn[one].map((value, at) => value - drawn[other][at]))
      .map(signed)
      .join(' to ')})`
  }
  const frauds = weeks.map(({ labels }) => labels.reduce((sum, label) => sum + label, 0))
  const oracleOf = ({ oracle }) => judged.findIndex(({ title }) => title === oracle)
  return [
    line(['week from', 'rows', 'frauds', ...judged.map(({ title }) => title)]),
    line(['---', '---:', '---:', ...judged.map(() => '---:')]),
    ...dates.map((date, week) =>
      line([date, weeks[week].labels.length, frauds[week], ...byWeek.map((own) => figure(own[week]))]),
    ),
    line(['**mean**', '', '', ...byWeek.map((own) => `**${figure(mean(own))}**`)]),
    line(['95 % interval', '', '', ...drawn.map((own) => middle(own).map(figure).join(' to '))]),
    line(['over the first', '', '', '', ...judged.slice(1).map((_, at) => over(at + 1, 0))]),
    line([
      'over its oracle',
      '',
      '',
      ...judged.map((one, at) => (oracleOf(one) < 0 ? '' : over(at, oracleOf(one)))),
    ]),
  ].join('\n')
}

const line = (cells) => `| ${cells.join(' | ')} |`
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
const figure = (value) => value.toFixed(3).replace(/^(-?)0\./, '$1.')
const signed = (value) => (value < 0 ? figure(value) : `+${figure(value)}`)

/** The middle 95 %. */
const middle = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  return [sorted[Math.floor(0.025 * sorted.length)], sorted[Math.ceil(0.975 * sorted.length) - 1]]
}
