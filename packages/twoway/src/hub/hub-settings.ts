import type { historyOptions } from '../core/limits.js'
import type { SettingsOf } from '../core/options/option.js'
import type { hubLimitOptions } from './hub-options.js'

export type HubLimits = SettingsOf<typeof historyOptions> & SettingsOf<typeof hubLimitOptions>
