import type { HttpHandler, HttpResponse, RequestHead } from '../../../twoway/dist/ports/http-host.js'
import type { Transport, TransportPeer } from '../../../twoway/dist/ports/transport.js'

/** A handler of an HTTP host that records its calls. */
export class RecordingHandler implements HttpHandler {
  readonly upgrades: { head: RequestHead; transport: Transport }[] = []
  readonly requests: { head: RequestHead; peer: TransportPeer }[] = []
  readonly refusals: { readonly status: number; readonly encrypted: boolean }[] = []
  readonly limits: string[] = []
  answer: () => HttpResponse | Promise<HttpResponse> = () => ({ status: 200, fields: ['X-A', 'b'], body: 'héllo' })
  onUpgrade: () => void = () => {}

  upgrade(head: RequestHead, transport: Transport): void {
    this.upgrades.push({ head, transport })
    this.onUpgrade()
  }

  request(head: RequestHead, peer: TransportPeer): HttpResponse | Promise<HttpResponse> {
    this.requests.push({ head, peer })
    return this.answer()
  }

  refused({ status }: HttpResponse, { encrypted }: TransportPeer): void {
    this.refusals.push({ status, encrypted })
  }

  dropped(): void {}

  limited(limit: string): void {
    this.limits.push(limit)
  }

  failed(): void {}

  untilUpgrade(count = 1): Promise<void> {
    return new Promise((resolve) => {
      this.onUpgrade = () => {
        if (this.upgrades.length >= count) resolve()
      }
      this.onUpgrade()
    })
  }
}
