/** The table of docs/public-data.md, from what bench/public-data.mjs has measured. */
export const tableOf = (measured) =>
  [
    '| set | knowledge in | test rows (frauds) | our best model | XGBoost, raw columns | XGBoost, our features | XGBoost, both | ours over both |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...measured.map(
      ({ name, knowledge, testRows, testFrauds, ourModel, ours, raw, features, both, lead }) =>
        `| ${name} | ${knowledge} | ${testRows} (${testFrauds}) | ${figure(ours)} ${ourModel.toLowerCase()} | ${figure(raw)} | ${figure(features)} | ${figure(both)} | ${signed(lead.value)} (${lead.interval.map(signed).join(' to ')}) |`,
    ),
  ].join('\n')

const decimals = (value) => value.toFixed(3).replace(/^(-?)0\./, '$1.')
const signed = (value) => (value < 0 ? decimals(value) : `+${decimals(value)}`)
const figure = ({ value, interval }) => `${decimals(value)} (${interval.map(decimals).join(' to ')})`
