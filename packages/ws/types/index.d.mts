// The types of index.d.cts, as the names that wrapper.mjs exports.
/// <reference types="node" />

import { IncomingMessage } from "http";
import WebSocket = require("./index.cjs");

export type Server<
    T extends typeof WebSocket.WebSocket = typeof WebSocket.WebSocket,
    U extends typeof IncomingMessage = typeof IncomingMessage,
> = WebSocket.Server<T, U>;

export import WebSocketServer = WebSocket.WebSocketServer;
export import createWebSocketStream = WebSocket.createWebSocketStream;

export { WebSocket };
export default WebSocket;
