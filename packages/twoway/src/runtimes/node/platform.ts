/*
 * The functions of the platform that a program under test may replace. All of this room takes them from here, as they were
 * when this module was loaded. They come from modules of Node if these have them. Timers come from
 * internals/genuine-timers.ts.
 */
import * as url from 'node:url'
import * as util from 'node:util'

export const { TextDecoder, TextEncoder } = util
export const { URL } = url
