import { either, integer, listOf, matching, oneOf, text } from '../core/options/check.js'
import { type OptionsOf, option, type SettingsOf } from '../core/options/option.js'

/** The options of the server for probes and metrics. */
export const adminOptions = {
  /**
   * The port to listen on; 0 lets the system choose one, and `adminUrl` has it.
   * @default 9_464
   * @remarks OpenTelemetry's exporter for Prometheus has the same default.
   */
  port: option(integer(0, 65_535), 9464),
  /**
   * The address to listen on; 0.0.0.0 or :: for all, which the probes of Kubernetes need.
   * @default '127.0.0.1'
   * @remarks Metrics are not for strangers.
   */
  host: option(
    matching<string>('a name or an IP address', (value) => typeof value === 'string' && value !== ''),
    '127.0.0.1',
  ),
  /**
   * The names that it answers to, by a request's Host, like the option `hosts` of `serve`.
   * @default []
   * @limit Others are answered 421.
   */
  hosts: option<'any' | readonly string[]>(either(oneOf('any'), listOf(text(), 'names')), []),
}

export interface AdminOptions extends OptionsOf<typeof adminOptions> {}

export interface AdminSettings extends SettingsOf<typeof adminOptions> {}
