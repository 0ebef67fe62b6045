import { sourcesByRole } from '../../lifecycle/control-of-service.ts'
import type { ServingControl } from '../../retraining/retraining-works.ts'
import type { AdminApi } from './admin-api.ts'

/** The models of a server, by its administration. @throws SERVING_UNREACHABLE, SERVING_ACT_REFUSED */
export const controlOverHttp = (api: AdminApi): ServingControl => ({
  serving: async () => sourcesByRole(await api.models()),
  switchTo: async (source) => {
    await api.switchTo(source)
  },
  setShadow: (source) => api.setShadow(source),
  setCanary: (source, share) => api.setCanary(source, share),
})
