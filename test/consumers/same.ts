/** True where both are the very same type; `any` is the same as `any` only. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles for `true` only: `check<Same<typeof value, string>>()`. */
export function check<_Holds extends true>(): void {}
