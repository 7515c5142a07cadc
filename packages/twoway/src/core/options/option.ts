import type { Check } from './check.js'

/** A row of an option table: the rule for a value, and the default. */
export interface Option<Value, Default = Value> {
  readonly check: Check<Value>
  readonly default: Default
}

/**
 * Options by name. The comment above each row is the documentation of the option: editors show it, and docs/reference/options.md
 * has it. Its tags are `@default`, `@limit` for what happens at the limit, and `@remarks` for the reason and for details.
 */
export type OptionTable = Readonly<Record<string, Option<unknown, unknown>>>

type ValueOf<Row> = Row extends Option<infer Value, unknown> ? Value : never
type DefaultOf<Row> = Row extends Option<unknown, infer Default> ? Default : never

/** The options of a table as a caller gives them. Mapped by name, so that the comments of the rows come along. */
export type OptionsOf<Table> = { readonly [name in keyof Table]?: ValueOf<Table[name]> | undefined }

/** The options of a table, checked and with their defaults. */
export type SettingsOf<Table> = { readonly [name in keyof Table]: ValueOf<Table[name]> | DefaultOf<Table[name]> }

/** A row with a default. */
export function option<Value>(check: Check<Value>, byDefault: NoInfer<Value>): Option<Value>
/** A row without one: the option stays undefined where it is left out. */
export function option<Value>(check: Check<Value>): Option<Value, undefined>
export function option<Value>(check: Check<Value>, byDefault?: Value): Option<Value, Value | undefined> {
  return { check, default: byDefault }
}

/** The defaults of a table, as settings of their own. */
export function defaultsOf<Table extends OptionTable>(table: Table): SettingsOf<Table> {
  const defaults: Record<string, unknown> = {}
  Object.keys(table).forEach((name) => {
    defaults[name] = table[name]!.default
  })
  return defaults as SettingsOf<Table>
}
