import { isThenable } from '../core/is-thenable.js'
import type { Json } from '../subprotocol/messages.js'

/**
 * The interface of a schema, as the libraries zod, valibot, arktype and others implement it: https://standardschema.dev,
 * version 1.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    validate(value: unknown): SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The first issue of data that do not meet a schema. */
export class SchemaFault {
  readonly message: string
  readonly path: readonly (string | number)[]

  constructor({ message, path = [] }: SchemaIssue) {
    this.message = message
    this.path = path.map((step) => {
      const key = typeof step === 'object' ? step.key : step
      return typeof key === 'number' ? key : String(key)
    })
  }
}

/** The value that the schema makes of data. */
export function checkSchema(
  schema: StandardSchema | undefined,
  data: Json | Uint8Array,
): unknown | SchemaFault | Promise<unknown | SchemaFault> {
  if (schema === undefined) return data
  const result = schema['~standard'].validate(data)
  return isThenable(result) ? Promise.resolve(result).then(outcomeOf) : outcomeOf(result)
}

function outcomeOf(result: SchemaResult<unknown>): unknown | SchemaFault {
  return result.issues === undefined ? result.value : new SchemaFault(result.issues[0]!)
}
