/** The version of the package: what the client's User-Agent names. */
export const version = '0.1.0'
