/** The code that the system or Node put on an error, such as EADDRINUSE; '' where there is none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
