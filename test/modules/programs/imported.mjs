/** The entries, by the `import` of whichever tool reads this. */
export * as client from 'twoway'
export * as frameworks from 'twoway/frameworks'
export * as memory from 'twoway/memory'
export * as metrics from 'twoway/metrics'
export * as server from 'twoway/server'
export * as streams from 'twoway/streams'
export * as workers from 'twoway/workers'
