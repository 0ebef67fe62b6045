import { engineEqualsSql } from './laws/window-sql.ts'

// Every row is in test/long.
engineEqualsSql({ of: 'one in forty' })
