/** Set by who has just built: workers of sources then run the build, which spares each of them a compiler. */
const usesBuild = process.env['VIGIA_BUILT_WORKERS'] === 'true'

/** Whether this program runs from its sources, and what it starts does too. */
export const runsSources = import.meta.url.endsWith('.ts') && !usesBuild

/** Where the build has a module that is named by its URL in the sources or in the build. */
export const builtModule = ({ href }: URL): URL =>
  new URL(href.replace(/\/src\/(?!.*\/src\/)(.*)\.ts$/, '/dist/$1.js').replace(/\.ts$/, '.js'))
