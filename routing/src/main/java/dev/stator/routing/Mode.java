package dev.stator.routing;

/** Which plans a router may choose. */
public enum Mode {
    /** Whichever is predicted to be faster. */
    AUTO,
    /** A decode worker prefills for itself. */
    AGGREGATED,
    /** A prefill worker prefills, unless there is nothing left to compute. */
    DISAGGREGATED
}
