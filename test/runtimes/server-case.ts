/** What the process with the servers is told: it travels as JSON. */
export interface ServerOrder {
  readonly certificate: string
  readonly key: string
  /** Where it may put a Unix socket. */
  readonly folder: string
}

/** Where the servers of the runtime under test listen, see server-process.ts. */
export interface ServerPlace {
  readonly url: string
  readonly secureUrl: string
  readonly certificate: string
  readonly unixUrl: string
  /** With small limits. */
  readonly narrowUrl: string
  /** Starts and stops further ones. */
  readonly controlUrl: string
  /** HTTP servers with attachments and ws, which came first in the first. */
  readonly appUrls: readonly string[]
  /** One with an attachment alone. */
  readonly aloneUrl: string
}

/** One thing that the server does alike on every runtime. */
export interface ServerCase {
  readonly name: string
  run(place: ServerPlace): Promise<void>
}
