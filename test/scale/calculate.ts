/**
 * `npm run calculate:scale [-- --connections 1000000 --nodes 50 --topics 5 --room 50 --every 60 --presence true]`: the load of a
 * service, and the limits that it reaches, by the figures that `npm run measure:scale` has measured. `-- --write` writes the tables
 * of docs/how-to/scale.md and its translation, for the service of these documents.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import type { Service } from './calculation.js'
import { documented, writeDocuments } from './documents.js'
import { readFigures } from './figures.js'
import { tablesOf } from './tables.js'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: String(documented.connections) },
    nodes: { type: 'string', default: String(documented.nodes) },
    topics: { type: 'string', default: String(documented.topicsPerClient) },
    room: { type: 'string', default: String(documented.clientsPerTopic) },
    every: { type: 'string', default: String(documented.publishEverySeconds) },
    presence: { type: 'string', default: String(documented.presence) },
    write: { type: 'boolean', default: false },
  },
})
const service: Omit<Service, 'routing'> = {
  connections: Number(values.connections),
  nodes: Number(values.nodes),
  topicsPerClient: Number(values.topics),
  clientsPerTopic: Number(values.room),
  publishEverySeconds: Number(values.every),
  presence: values.presence === 'true',
}
if (values.write) writeDocuments()
else process.stdout.write(tablesOf(service, readFigures(), 'en'))
