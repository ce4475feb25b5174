package dev.stator.routing;

/** Time as routing sees it, so that a simulator can replace it. */
@FunctionalInterface
public interface Ticker {
    /** Nanoseconds since some fixed moment; never goes back. */
    long nanos();

    static Ticker system() {
        return System::nanoTime;
    }
}
