/** The state of a connection between open and closed. */
export type ClosingState =
  /** Neither side has closed. */
  | 'open'
  /** Our Close was sent; the peer's has not arrived. */
  | 'closeSent'
  /** Both Closes were sent: the connection closes cleanly (RFC 6455 §7.1.4). */
  | 'closesExchanged'
  /** The connection ends without a closing handshake. Further input is discarded. */
  | 'failing'
  /** The transport is gone. */
  | 'closed'

export type ClosingEvent =
  /** Our side closes. */
  | 'close'
  /** The peer's Close arrived. */
  | 'peerClose'
  /** The peer broke a rule, or our side can't continue: fail the connection, §7.1.7. */
  | 'fail'
  /** The peer ended its sending side. */
  | 'peerEnd'
  /** The peer did not act in time. */
  | 'timeout'
  /** Our side drops the connection. */
  | 'terminate'
  /** The transport is gone. */
  | 'lost'

export type ClosingAction =
  /** Send our Close, unless it was sent: one each way, §5.5.1. A Close that waits behind a message was not sent. */
  | 'sendClose'
  /** Start a timer of `closeTimeoutMs` for the peer. */
  | 'startTimer'
  /** End the transport's sending side. */
  | 'end'
  /** The same on a server only: the server ends the transport first, §7.1.1. */
  | 'endIfServer'
  /** Drop the transport. */
  | 'destroy'

export interface ClosingMove {
  readonly next: ClosingState
  readonly actions: readonly ClosingAction[]
}

/** The closing handshake, RFC 6455 §7: the effect of each event in each state. Events without an entry are ignored. */
export const closingHandshake: {
  readonly [state in ClosingState]: { readonly [event in ClosingEvent]?: ClosingMove }
} = {
  open: {
    close: { next: 'closeSent', actions: ['sendClose', 'startTimer'] },
    peerClose: { next: 'closesExchanged', actions: ['sendClose', 'endIfServer', 'startTimer'] },
    fail: { next: 'failing', actions: ['sendClose', 'end', 'startTimer'] },
    peerEnd: { next: 'failing', actions: ['end', 'startTimer'] },
    terminate: { next: 'failing', actions: ['destroy'] },
    lost: { next: 'closed', actions: [] },
  },
  closeSent: {
    peerClose: { next: 'closesExchanged', actions: ['endIfServer', 'startTimer'] },
    fail: { next: 'failing', actions: ['sendClose', 'end', 'startTimer'] },
    peerEnd: { next: 'failing', actions: ['end', 'startTimer'] },
    timeout: { next: 'failing', actions: ['destroy'] },
    terminate: { next: 'failing', actions: ['destroy'] },
    lost: { next: 'closed', actions: [] },
  },
  closesExchanged: {
    peerEnd: { next: 'closesExchanged', actions: ['end'] },
    timeout: { next: 'closesExchanged', actions: ['destroy'] },
    terminate: { next: 'closesExchanged', actions: ['destroy'] },
    lost: { next: 'closed', actions: [] },
  },
  failing: {
    peerEnd: { next: 'failing', actions: [] },
    timeout: { next: 'failing', actions: ['destroy'] },
    terminate: { next: 'failing', actions: ['destroy'] },
    lost: { next: 'closed', actions: [] },
  },
  closed: {},
}
