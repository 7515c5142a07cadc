/*
 * The one place where this room takes classes of the platform that the program under test may replace. They are kept from
 * when this module is loaded.
 */

export const { AbortController } = globalThis
