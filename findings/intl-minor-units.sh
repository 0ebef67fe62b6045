#!/bin/sh
# Node's Intl does not know ISO 4217's minor units: for 29 of its 179 codes `resolvedOptions()` of a currency format has other digits
# than the standard's list. An amount that is brought to minor units by them is wrong by a factor of 100 in Hungary, Indonesia or
# Colombia, by 1000 in Iraq. ICU's figures are those of how prices are written, not of how they are booked.
#
# Needs node and npm. Compares with the list in currency-codes 2.2.0 (published 2024-06-25).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund currency-codes@2.2.0
node -e '
const list = require("currency-codes")
const digits = (currency) => new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits
const differing = list.codes().filter((code) => list.code(code).digits !== digits(code))
const shown = differing.map((code) => `${code} ${list.code(code).digits} ${digits(code)}`)
console.log(`node ${process.versions.node}, ICU ${process.versions.icu}, CLDR ${process.versions.cldr}`)
console.log(`${differing.length} of ${list.codes().length} codes differ; code, digits of ISO 4217, digits of Intl:`)
console.log(shown.join("\n"))
for (const one of ["HUF 2 0", "IDR 2 0", "COP 2 0", "PKR 2 0", "IQD 3 0"])
  if (!shown.includes(one)) throw new Error(`no longer so: ${one}`)
for (const code of ["EUR", "JPY", "KWD", "CLF"]) if (differing.includes(code)) throw new Error(`new: ${code}`)
'
