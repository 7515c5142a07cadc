/** Where a connection stands between open and closed. */
export type ClosingState =
  /** Neither side has closed. */
  | 'open'
  /** Our Close is out and the peer's has not come. */
  | 'closeSent'
  /** Both Closes have passed: the connection closes cleanly (RFC 6455 §7.1.4). */
  | 'closesExchanged'
  /** It ends without a closing handshake: what still comes is thrown away. */
  | 'failing'
  /** The transport is gone. */
  | 'closed'

export type ClosingEvent =
  /** Our side asks to close. */
  | 'close'
  /** The peer's Close came. */
  | 'peerClose'
  /** The peer broke a rule, or our side can't go on: fail the connection, §7.1.7. */
  | 'fail'
  /** The peer ended its sending side. */
  | 'peerEnd'
  /** The peer did not do its part in time. */
  | 'timeout'
  /** Our side drops the connection. */
  | 'terminate'
  /** The transport is gone. */
  | 'lost'

export type ClosingAction =
  /** Send our Close: one each way, §5.5.1. Nothing where it has gone out; one that waits behind a message may not have. */
  | 'sendClose'
  /** Give the peer `closeTimeoutMs` from now. */
  | 'startTimer'
  /** End the transport's sending side. */
  | 'end'
  /** The same, on a server only: it is the server that ends the transport first, §7.1.1. */
  | 'endIfServer'
  /** Drop the transport. */
  | 'destroy'

export interface ClosingMove {
  readonly next: ClosingState
  readonly actions: readonly ClosingAction[]
}

/** The closing handshake, RFC 6455 §7: what each event does in each state. A missing entry is a forbidden move. */
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
