/** True if both are the same type; `any` is only the same as `any`. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only for `true`: `check<Same<typeof value, string>>()`. */
export function check<_Holds extends true>(): void {}
