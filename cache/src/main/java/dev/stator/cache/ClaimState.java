package dev.stator.cache;

/** Who is to compute a block. */
public enum ClaimState {
    /** Nobody: it is in the tier. */
    PRESENT,
    /** The one who asks, now or already. */
    MINE,
    /** Someone else does; wait for it or compute it nevertheless. */
    OTHERS
}
