#!/bin/sh
# The newest currency-codes (2.2.0) has ISO 4217 as of 2024-06-25. The Caribbean guilder (XCG), in use since 31 March 2025, is not in it;
# the Antillean guilder (ANG), which it replaced, is, and so is the lev (BGN) of Bulgaria, which has had the euro since 1 January 2026.
# A check of currencies by it refuses payments in Curaçao, and takes codes in which nobody can pay any more.
#
# Needs node and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund currency-codes@2.2.0
newest=$(npm view currency-codes version)
node -e '
const list = require("currency-codes")
console.log(`currency-codes ${require("currency-codes/package.json").version}, newest ${process.argv[1]}, list of ${list.publishDate}`)
const has = (code) => list.code(code) !== undefined
for (const code of ["XCG", "ANG", "BGN"]) console.log(code, has(code) ? "is there" : "is not there")
if (process.argv[1] !== "2.2.0") throw new Error("there is a newer one: look again")
if (has("XCG") || !["ANG", "BGN"].every(has)) throw new Error("no longer so")
' "$newest"
