import { describe } from 'node:test'
import { limitRules } from './http-host/limit-rules.js'
import { type HttpHostSubject, listenerOf } from './http-host/listening-host.js'
import { listeningRules } from './http-host/listening-rules.js'
import { requestRules } from './http-host/request-rules.js'
import { upgradeRules } from './http-host/upgrade-rules.js'

/** The rules of the HTTP host port, for one implementation of it. */
export function httpHostContract(name: string, makeSubject: () => Promise<HttpHostSubject>): void {
  describe(`HTTP host: ${name}`, { timeout: 120_000 }, () => {
    const listen = listenerOf(makeSubject)
    listeningRules(listen)
    upgradeRules(listen)
    requestRules(listen, name.includes('https'))
    limitRules(listen)
  })
}
