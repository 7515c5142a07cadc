/** The package's version, which the client's User-Agent carries. */
export const version = '0.1.0'
