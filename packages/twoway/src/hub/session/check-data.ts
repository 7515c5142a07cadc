import type { Json } from '../../subprotocol/messages.js'
import { HubError } from '../hub-error.js'
import { checkSchema, SchemaFault, type StandardSchema } from '../schema.js'
import { after } from './after.js'

/** The value that a schema makes of a client's data. Throws or rejects with a HubError 'invalid' that names the place. */
export function checkData(schema: StandardSchema | undefined, data: Json | Uint8Array): unknown | Promise<unknown> {
  return after(checkSchema(schema, data), (value) => {
    if (!(value instanceof SchemaFault)) return value
    const at = value.path.length === 0 ? '' : ` at ${value.path.join('.')}`
    throw new HubError('invalid', `the data do not meet the schema${at}: ${value.message}`, { path: value.path })
  })
}
