import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Set by who has just built: workers of sources then run the build, which spares each of them a compiler. */
const usesBuild = process.env['VIGIA_BUILT_WORKERS'] === 'true'

/** Whether this program runs from its sources, and what it starts does too. */
export const runsSources = import.meta.url.endsWith('.ts') && !usesBuild

/** Where the build has a module that is named by its URL in the sources or in the build. */
export const builtModule = ({ href }: URL): URL =>
  new URL(href.replace(/\/src\/(?!.*\/src\/)(.*)\.ts$/, '/dist/$1.js').replace(/\.ts$/, '.js'))

const load = createRequire(import.meta.url)

/**
 * URL of what runs TypeScript in a process that is started with it, as this file finds it: the folder that
 * the program was started in may have no packages.
 */
export const typeScriptLoader = (): string => pathToFileURL(load.resolve('tsx')).href

/** The same of what registers it in a thread. Its CommonJS form does not find its own parts. */
export const typeScriptRegister = (): string => {
  const manifest = load.resolve('tsx/package.json')
  const { exports } = load(manifest) as {
    readonly exports: { readonly './esm/api': { readonly import: { readonly default: string } } }
  }
  return new URL(exports['./esm/api'].import.default, pathToFileURL(manifest)).href
}
