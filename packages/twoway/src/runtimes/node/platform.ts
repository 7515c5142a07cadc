/*
 * The one place where this room takes functions of the platform that the program under test may replace. They come from
 * modules of Node where these have them, and are kept from when this module is loaded. Timers come from
 * internals/genuine-timers.ts.
 */
import * as url from 'node:url'
import * as util from 'node:util'

export const { TextDecoder, TextEncoder } = util
export const { URL } = url
