package dev.stator.cache.remote;

/** A file of a prefix is not taken in, or not further; the message says why, in a sentence. */
public final class PrefixFileException extends Exception {
    private final boolean foreign;

    PrefixFileException(String message, boolean foreign) {
        super(message);
        this.foreign = foreign;
    }

    /** Whether nothing is wrong with the file, but it is for another model or block size. */
    public boolean foreign() {
        return foreign;
    }

    /** A sentence. */
    public String reason() {
        return String.valueOf(getMessage());
    }
}
