import { engineEqualsSql } from '../laws/window-sql.ts'

engineEqualsSql({ of: 'every row' })
